"""B dealers in the worlds of section [model], stepped together by one kernel.

A step, in this order: the decision of `delay` steps ago comes into force; the inventory at its beginning is charged
r Risk(Q) dt; clients come (at most one a side and currency), trade or not at the quoted distances; a hedging dealer
trades with the market; the mid moves under the inventory that comes of it. Every row uses the same draws whatever is
quoted, so policies on the same seed meet the same clients.
"""

import math
from typing import NamedTuple

import numpy as np

from tfmm import jit
from tfmm.models import curves
from tfmm.simulation import parallel, randomness

FIRST, MID, LAST = 0, 1, 2
_LEAST_ROWS = 512  # that pay for a thread
CONSTANT, BROWNIAN, JUMP, MEAN_REVERTING = range(4)
CURRENCIES = 2
"""Most currencies of a dealer."""
_FEATURES, _ACTIONS = 1 + 5 * CURRENCIES, 2 * CURRENCIES + 1
ROW = np.dtype(
    [
        ("random", np.uint64),
        ("step", np.int64),
        ("end", np.int64),
        ("done", np.int64),
        ("held", np.int64, CURRENCIES),
        ("mid", np.float64, CURRENCIES),
        ("log_spread", np.float64, CURRENCIES),
        ("excess", np.float64, 2 * CURRENCIES),
        ("action", np.float64, _ACTIONS),
        ("features", np.float64, _FEATURES),
    ]
)
"""A dealer: held in orders; mid, distance from its start or mean; excess, Hawkes intensity above the base, ask and bid
side of each currency; action, the decision in force; features, what it sees but for decisions that wait. All in one
record: kernels pass it on without counting references, which would cost more than a step."""
_STATE = ("rows", "pending", "observation", "reward", "step_type")


class Parameters(NamedTuple):
    """Scalars of a world, as the kernel takes them; see model_settings.Model."""

    currencies: int
    limit: int
    horizon_steps: int
    window_steps: int
    random_start: bool
    step: float
    rate: float
    low: float
    high: float
    mid: int
    sigma: float
    jump_rate: float
    jump_size: float
    reversion: float
    branching: float
    decay: float
    spread_sigma: float
    spread_reversion: float
    delay: int
    hedge_rate: float
    hedge_cost: float
    hedge_impact: float
    hedge_permanent: float
    hedge_deadband: float
    expected_fills: bool
    expected_mid: bool


class Dealer:
    """The simulator behind the model environments; the interface of simulation.simulator.Simulator.

    Attributes:
        rows: (B,) ROW. pending: (B, max(delay, 1), A) decisions not yet in force.
        observation: (B, F) float32. reward, discount: (B,) float32. step_type: (B,) int32.
        All are overwritten by the next step.
    """

    def __init__(self, parameters, curve, risk, rows, features, actions, seed):
        """
        Args:
            parameters: Parameters. curve: (1,) curves.CURVE with arrival_probability 1.
            risk: ((2 L + 1)^N,) r Risk dt by inventory, the last currency varying fastest. features, actions: F, A.
        """
        self._parameters = parameters
        self.rows = np.zeros(rows, ROW)
        self.pending = np.zeros((rows, max(1, parameters.delay), actions))
        self.observation = np.zeros((rows, features), np.float32)
        self.reward, self.discount = np.zeros(rows, np.float32), np.ones(rows, np.float32)
        self.step_type = np.zeros(rows, np.int32)
        self._no_action = np.zeros((rows, actions))
        arrays = self.rows, self.pending, self.observation, self.reward, self.step_type
        self._work = parallel.Rows(
            rows, lambda part: (curve[0], parameters, risk, *(one[part] for one in arrays)), least=_LEAST_ROWS
        )
        self.seed(seed)

    def seed(self, seed):
        """Gives every row its own random stream; row b of any batch draws the same numbers."""
        words = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
        self.rows["random"] = words ^ (
            np.arange(1, len(self.rows) + 1, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
        )

    def reset(self):
        """Starts a new episode in every row."""
        self.rows["done"] = 1
        self.step(self._no_action)

    def stagger(self):
        """Shortens the endless episodes just begun by random shares, so that rows do not end all at once."""
        if not self._parameters.horizon_steps:
            share = (self.rows["random"] >> np.uint64(11)) * 2.0**-53
            self.rows["end"] = np.maximum(2, np.ceil(share * self._parameters.window_steps))

    def get_state(self):
        """Copies of all arrays that change; `set_state` goes on exactly from here."""
        return {name: getattr(self, name).copy() for name in _STATE}

    def set_state(self, arrays):
        for name in _STATE:
            getattr(self, name)[...] = arrays[name]

    def step(self, actions):
        """Advances every row by one step. actions: (B, A) in [-1, 1], see AnalyticTask.action_names."""
        self._work(step_rows, np.ascontiguousarray(actions, np.float64).reshape(self._no_action.shape))
        if self._parameters.horizon_steps:  # the end of the horizon is the end for the agent too
            np.not_equal(self.step_type, LAST, out=self.discount)


@jit.kernel
def step_rows(actions, curve, p, risk, rows, pending, observation, reward, step_type):
    """One step of every row; arrays as in Dealer."""
    count = actions.shape[1]
    for b in range(rows.shape[0]):
        row = rows[b]
        if row.done:
            _begin(row, p)
            pending[b] = 1.0  # as far away as it goes
            if p.hedge_rate > 0.0:
                pending[b, :, -1] = 0.0
            reward[b], step_type[b] = 0.0, FIRST
        else:
            for a in range(count):
                action = min(max(actions[b, a], -1.0), 1.0)
                if p.delay > 0:
                    slot = row.step % p.delay
                    action, pending[b, slot, a] = pending[b, slot, a], action
                row.action[a] = action
            place = 0
            for n in range(p.currencies):
                place = place * (2 * p.limit + 1) + row.held[n] + p.limit
            reward[b] = _live(row, curve, p) - risk[place]
            row.step += 1
            row.done = row.step >= row.end
            step_type[b] = LAST if row.done else MID
        seen = _observe(row, p)
        for k in range(seen):
            observation[b, k] = row.features[k]
        for d in range(p.delay):
            slot = (row.step + d) % p.delay
            for a in range(count):
                observation[b, seen + d * count + a] = pending[b, slot, a]


@jit.kernel
def _begin(row, p):
    row.done, row.step = 0, 0
    row.end = p.horizon_steps if p.horizon_steps > 0 else p.window_steps
    if p.random_start and p.horizon_steps > 0:
        row.step = np.int64(randomness.uniform(row) * p.horizon_steps)
    for n in range(p.currencies):
        row.held[n] = np.int64(randomness.uniform(row) * (2 * p.limit + 1)) - p.limit if p.random_start else 0
        row.excess[2 * n], row.excess[2 * n + 1], row.log_spread[n], row.mid[n] = 0.0, 0.0, 0.0, 0.0
        if p.mid == MEAN_REVERTING:
            row.mid[n] = p.sigma / math.sqrt(2.0 * p.reversion) * _normal(row)


@jit.kernel
def _live(row, curve, p):
    """Applies one step to a row; returns its profit."""
    total = 0.0
    for n in range(p.currencies):
        before = row.held[n]
        after, likely = before, float(before)
        spread = math.exp(row.log_spread[n]) if p.spread_sigma > 0.0 else 1.0
        for side in range(2):
            sign, k = 2 * side - 1, 2 * n + side  # a fill of the ask sells, one of the bid buys
            comes, decides = randomness.uniform(row), randomness.uniform(row)
            intensity = min(1.0, (p.rate * (1.0 - p.branching) + row.excess[k]) * p.step)
            distance = p.low + 0.5 * (row.action[k] + 1.0) * (p.high - p.low)
            trades = curves.probability(distance, curve) if abs(before + sign) <= p.limit else 0.0
            # arithmetic, not a branch: what cannot be predicted costs more to guess than to compute
            filled = (comes < intensity) & (decides < trades)
            after += sign * filled
            total += (intensity * trades if p.expected_fills else 1.0 * filled) * distance * spread
            likely += sign * intensity * trades
            if p.branching > 0.0:
                arrived = 1.0 if comes < intensity else 0.0
                row.excess[k] = (row.excess[k] + arrived * p.branching * p.decay) * math.exp(-p.decay * p.step)
        if p.hedge_rate > 0.0:
            toward, cost = _hedge(row, before, row.action[2 * p.currencies], p)
            total -= cost
            after += toward
            likely += toward
        if p.mid != CONSTANT:
            drift, move = _move(row, row.mid[n], p)
            total += (likely if p.expected_fills else after) * drift if p.expected_mid else after * move
            row.mid[n] += move
        if p.spread_sigma > 0.0:
            row.log_spread[n] += -p.spread_reversion * row.log_spread[n] + p.spread_sigma * _normal(row)
        row.held[n] = after
    return total


@jit.kernel
def _hedge(row, held, action, p):
    """(change of the inventory, cost): one unit is traded with probability |rate| x dt, the cost is certain."""
    beyond = max(0.0, abs(action) - p.hedge_deadband) / (1.0 - p.hedge_deadband)
    drawn, rate = randomness.uniform(row), math.copysign(beyond, action) * p.hedge_rate
    if rate == 0.0 or (abs(held) >= p.limit - 1 and rate * held > 0.0):
        return 0, 0.0
    share = abs(rate)
    cost = (p.hedge_cost + p.hedge_permanent * abs(held) + p.hedge_impact * share) * share * p.step
    if drawn >= share * p.step:
        return 0, cost
    return (1 if rate > 0.0 else -1), cost


@jit.kernel
def _move(row, mid, p):
    """(expected, drawn) change of the mid in a step."""
    if p.mid == BROWNIAN:
        return 0.0, p.sigma * math.sqrt(p.step) * _normal(row)
    if p.mid == JUMP:
        jumps, up = randomness.uniform(row) < p.jump_rate * p.step, randomness.uniform(row) < 0.5
        return 0.0, (p.jump_size if up else -p.jump_size) * jumps
    drift = -p.reversion * p.step * mid
    return drift, drift + p.sigma * math.sqrt(p.step) * _normal(row)


@jit.kernel
def _normal(row):
    """Next number of the standard normal distribution (Box and Muller 1958)."""
    radius = math.sqrt(2.0 * randomness.exponential(row))
    return radius * math.cos(2.0 * math.pi * randomness.uniform(row))


@jit.kernel
def _observe(row, p):
    """Writes the features in the order of AnalyticTask.feature_names, but for those of pending decisions; returns
    their number."""
    k = 0
    if p.horizon_steps > 0:
        row.features[0] = (p.horizon_steps - row.step) / p.horizon_steps
        k = 1
    for n in range(p.currencies):
        row.features[k] = row.held[n] / p.limit
        k += 1
        if p.mid == MEAN_REVERTING:
            row.features[k] = row.mid[n] * math.sqrt(2.0 * p.reversion) / p.sigma
            k += 1
        if p.branching > 0.0:
            row.features[k], row.features[k + 1] = row.excess[2 * n] / p.rate, row.excess[2 * n + 1] / p.rate
            k += 2
        if p.spread_sigma > 0.0:
            row.features[k] = row.log_spread[n]
            k += 1
    return k
