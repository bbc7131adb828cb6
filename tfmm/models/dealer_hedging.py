"""A dealer who may hedge: Barzykin, Bergault and Gueant 2021, "Algorithmic market making in dealer markets with hedging
and market impact", discretised.

In continuous time they have dq = client fills + v dt, dS = sigma dW + k v dt, execution cost L(v) = psi |v| + eta v^2
and a running price of risk on q. The value solves a Hamilton-Jacobi-Bellman equation with one Hamiltonian for the
quotes and sup_v {p v - L(v)} for the hedge, p the marginal value of inventory with its impact. Since L has a kink at
0, the best v is 0 while |p| <= psi: a band of inventory in which the dealer only internalises by skewing its quotes.
Here a step dt has the client side of models.simple, and hedging at rate v trades one unit with probability
|v| dt (a Markov chain approximation: mean v dt, as an upwind difference in q). With h = |v| dt and s = sign(v)
    V(Q) = max_{a,b,v} p(a) a + p(b) b - r dt |Q|^(2u) - (psi + k |Q| + eta |v|) h + beta E V(Q + fills + s [hedged]).
Assumes: unit orders; permanent impact is paid on the inventory held, as marked to market. A trade that could lead
outside the inventory limit, away from 0 at |Q| >= L - 1, is not made.
"""

import functools
from typing import NamedTuple

import numpy as np

from tfmm.models import simple

_TOLERANCE = 1e-11
_TURNS = 2  # of one decision after the other; the next evaluation puts right what is left


class Model(NamedTuple):
    """clients: simple.Model of a step without hedging. step: dt. rate: largest v. cost: psi. impact: eta.
    permanent: k."""

    clients: simple.Model
    step: float = 1.0
    rate: float = 1.0
    cost: float = 0.5
    impact: float = 0.1
    permanent: float = 0.0


class Solution(NamedTuple):
    """value: (2 L + 1,). ask, bid: distances, NaN where a side is not quoted. rate: v(Q) >= 0, towards 0."""

    value: np.ndarray
    ask: np.ndarray
    bid: np.ndarray
    rate: np.ndarray


def evaluate(model, ask, bid, rate):
    """(2 L + 1,) V_pi of a policy: the linear system V = F + beta P V.

    Args:
        ask, bid: (2 L + 1,) distances, NaN: not quoted. rate: (2 L + 1,) v, |v| <= model.rate.
    """
    clients, rate = model.clients, traded(model, rate)
    earned, move = simple.step(clients, ask, bid)
    hedged = np.abs(rate) * model.step
    reward = earned - clients.costs - hedged * _unit_cost(model, np.abs(rate))
    matrix = (1.0 - hedged)[:, np.newaxis] * move
    for place, share in enumerate(hedged):
        if share > 0.0:
            matrix[place] += share * np.roll(move[place], int(np.sign(rate[place])))
    return np.linalg.solve(np.eye(len(hedged)) - clients.beta * matrix, reward)


def traded(model, rate):
    """(2 L + 1,) the rates that are traded: those that could lead outside the limit are not."""
    held = model.clients.inventories
    return np.where((np.abs(held) >= model.clients.limit - 1) & (rate * held > 0), 0.0, rate)


@functools.lru_cache(maxsize=16)
def solve(model):
    """The optimal policy by policy iteration; quotes and hedge are improved in turn. A read-only Solution."""
    start = simple.solve(model.clients)
    ask, bid, rate = start.ask.copy(), start.bid.copy(), np.zeros(len(start.ask))
    value = evaluate(model, ask, bid, rate)
    while True:
        for place in range(len(value)):
            _improve(model, value, place, ask, bid, rate)
        better = evaluate(model, ask, bid, rate)
        if np.max(np.abs(better - value)) <= _TOLERANCE * np.max(np.abs(better)):
            out = Solution(better, ask, bid, rate)
            for array in out:
                array.flags.writeable = False  # the same solution is given to everyone who asks
            return out
        value = better


def band(model):
    """Largest |Q| at which the optimal dealer does not hedge: the pure internalisation band is [-band, band]."""
    held, rate = model.clients.inventories, solve(model).rate
    hedging = np.abs(held[rate != 0])
    return int(hedging.min() - 1) if len(hedging) else model.clients.limit


def gap(model, ask, bid, rate):
    """simple.shortfall of a policy against the optimum, from Q = 0."""
    return simple.shortfall(solve(model).value, evaluate(model, ask, bid, rate), model.clients.limit)


def _unit_cost(model, rate):
    return model.cost + model.permanent * np.abs(model.clients.inventories) + model.impact * rate


def _improve(model, value, place, ask, bid, rate):
    """Improves the three decisions at one inventory, in place."""
    clients = model.clients
    padded = np.concatenate([[0.0, 0.0], value, [0.0, 0.0]])  # never reached: no quote leads outside
    near = padded[place : place + 5]  # V(Q - 2), ..., V(Q + 2)
    toward = -int(np.sign(clients.inventories[place]))
    for _ in range(_TURNS):
        before = ask[place], bid[place], rate[place]
        hedged = abs(rate[place]) * model.step
        after = (1.0 - hedged) * near[1:4] + hedged * near[1 + toward : 4 + toward]
        ask[place], bid[place] = simple.best_pair(clients, after, ask[place], bid[place], _TURNS)
        if toward:
            chances = simple.move_of(clients, ask[place], bid[place])
            gain = clients.beta * float(chances @ (near[1 + toward : 4 + toward] - near[1:4]))
            gain -= model.cost + model.permanent * abs(clients.inventories[place])
            rate[place] = toward * _best_rate(model, gain)
        if np.allclose(before, (ask[place], bid[place], rate[place]), rtol=0, atol=1e-12, equal_nan=True):
            break


def _best_rate(model, gain):
    """argmax over v in [0, rate] of gain v - eta v^2: 0 where a unit's gain does not cover its cost, (p - psi) / 2 eta
    above."""
    if gain <= 0.0:
        return 0.0
    return min(model.rate, 0.5 * gain / model.impact) if model.impact else model.rate
