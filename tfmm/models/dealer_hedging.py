"""A dealer who may hedge: Barzykin, Bergault and Gueant 2021, "Algorithmic market making in dealer markets with hedging
and market impact", discretised.

Assumes: the client side of models.simple; unit orders; permanent impact is paid on the inventory held, as marked to
market. Ignores: temporary price moves after a hedge, a trade at the market of more than one order a step.

In continuous time they have dq = client fills + v dt, dS = sigma dW + k v dt, execution cost L(v) = psi |v| + eta v^2
and a running price of risk on q. The value solves a Hamilton-Jacobi-Bellman equation with one Hamiltonian for the
quotes and sup_v {p v - L(v)} for the hedge, p the marginal value of inventory with its impact. Since L has a kink at
0, the best v is 0 while |p| <= psi: a band of inventory in which the dealer only internalises by skewing its quotes.
Here a hedge at rate v trades one unit with probability |v| dt in a step dt (a Markov chain approximation: mean v dt, as
an upwind difference in q). With h = |v| dt and s = sign(v)
    V(Q) = max_{a,b,v} p(a) a + p(b) b - r dt |Q|^(2u) - (psi + k |Q| + eta |v|) h + beta E V(Q + fills + s [hedged]).
A trade that could lead outside the inventory limit, away from 0 at |Q| >= L - 1, is not made.
"""

import functools
from typing import NamedTuple

import numpy as np

from tfmm.arrays import Floats
from tfmm.models import simple

_TOLERANCE = 1e-11
_TURNS = 2  # of improving one decision after the other; the next evaluation corrects what is left


class Model(NamedTuple):
    """Parameters, called as in the paper.

    Attributes:
        clients: simple.Model of a step without hedging. dt: length of a step, time units.
        max_rate: largest |v|, orders per time unit. psi: half-spread and fee of a hedge, market spreads per order.
        eta: temporary impact, market spreads x time unit per order^2.
        k: permanent impact, market spreads per order.
    """

    clients: simple.Model
    dt: float = 1.0
    max_rate: float = 1.0
    psi: float = 0.5
    eta: float = 0.1
    k: float = 0.0


class Solution(NamedTuple):
    """An optimal policy.

    Attributes:
        value: (2 L + 1,) float64 V(Q). ask, bid: (2 L + 1,) float64 distances, NaN where a side is not quoted.
        hedge_rate: (2 L + 1,) float64 v(Q), towards inventory 0: above 0 bought.
    """

    value: Floats
    ask: Floats
    bid: Floats
    hedge_rate: Floats


def evaluate(model: Model, ask: Floats, bid: Floats, hedge_rate: Floats) -> Floats:
    """(2 L + 1,) V_pi of a policy, which solves the linear system V = F + beta P V.

    Args:
        ask, bid: (2 L + 1,) distances, NaN: not quoted. hedge_rate: (2 L + 1,) v, |v| <= model.max_rate.
    """
    clients, hedge_rate = model.clients, allowed_rate(model, hedge_rate)
    income, transition = simple.expected_step(clients, ask, bid)
    hedged = np.abs(hedge_rate) * model.dt
    reward = income - clients.costs - hedged * _unit_cost(model, np.abs(hedge_rate))
    with_hedge = (1.0 - hedged)[:, np.newaxis] * transition
    for index, probability in enumerate(hedged):
        if probability > 0.0:
            with_hedge[index] += probability * np.roll(transition[index], int(np.sign(hedge_rate[index])))
    return np.linalg.solve(np.eye(len(hedged)) - clients.beta * with_hedge, reward)


def allowed_rate(model: Model, hedge_rate: Floats) -> Floats:
    """(2 L + 1,) hedge rates, 0 where the trade could lead outside the limit."""
    inventories = model.clients.inventories
    leaves = (np.abs(inventories) >= model.clients.limit - 1) & (hedge_rate * inventories > 0)
    return np.where(leaves, 0.0, hedge_rate)


@functools.lru_cache(maxsize=16)
def solve(model: Model) -> Solution:
    """The optimal policy by policy iteration; quotes and hedge are improved in turn. A read-only Solution."""
    start = simple.solve(model.clients)
    ask, bid, hedge_rate = start.ask.copy(), start.bid.copy(), np.zeros(len(start.ask))
    value = evaluate(model, ask, bid, hedge_rate)
    while True:
        for index in range(len(value)):
            _improve(model, value, index, ask, bid, hedge_rate)
        improved = evaluate(model, ask, bid, hedge_rate)
        if np.max(np.abs(improved - value)) <= _TOLERANCE * np.max(np.abs(improved)):
            out = Solution(improved, ask, bid, hedge_rate)
            for array in out:
                array.flags.writeable = False  # every caller gets the same arrays from the cache
            return out
        value = improved


def band(model: Model) -> int:
    """Largest |Q| at which the optimal dealer does not hedge: the pure internalisation band is [-band, band]."""
    inventories, hedge_rate = model.clients.inventories, solve(model).hedge_rate
    hedged = np.abs(inventories[hedge_rate != 0])
    return int(hedged.min() - 1) if len(hedged) else model.clients.limit


def gap(model: Model, ask: Floats, bid: Floats, hedge_rate: Floats) -> dict[str, float]:
    """simple.shortfall of a policy against the optimum, from Q = 0."""
    return simple.shortfall(solve(model).value, evaluate(model, ask, bid, hedge_rate), model.clients.limit)


def _unit_cost(model, rate):
    return model.psi + model.k * np.abs(model.clients.inventories) + model.eta * rate


def _improve(model, value, index, ask, bid, hedge_rate):
    """Improves the three decisions at one inventory, in place."""
    clients = model.clients
    padded = np.concatenate([[0.0, 0.0], value, [0.0, 0.0]])  # never reached: no quote leads outside
    near = padded[index : index + 5]  # V(Q - 2), ..., V(Q + 2)
    toward_0 = -int(np.sign(clients.inventories[index]))
    for _ in range(_TURNS):
        before = ask[index], bid[index], hedge_rate[index]
        hedged = abs(hedge_rate[index]) * model.dt
        after = (1.0 - hedged) * near[1:4] + hedged * near[1 + toward_0 : 4 + toward_0]
        ask[index], bid[index] = simple.best_pair(clients, after, ask[index], bid[index], _TURNS)
        if toward_0:
            probabilities = simple.move_probabilities(clients, ask[index], bid[index])
            gain = clients.beta * float(probabilities @ (near[1 + toward_0 : 4 + toward_0] - near[1:4]))
            gain -= model.psi + model.k * abs(clients.inventories[index])
            hedge_rate[index] = toward_0 * _best_rate(model, gain)
        if np.allclose(before, (ask[index], bid[index], hedge_rate[index]), rtol=0, atol=1e-12, equal_nan=True):
            break


def _best_rate(model, gain):
    """argmax over v in [0, max_rate] of gain v - eta v^2: 0 where a unit's gain does not cover its cost, gain / 2 eta
    above."""
    if gain <= 0.0:
        return 0.0
    return min(model.max_rate, 0.5 * gain / model.eta) if model.eta else model.max_rate
