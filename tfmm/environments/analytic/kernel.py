"""B dealers in the analytic models of section [model], advanced together by one kernel.

In each step, in this order: the decision of `delay` steps ago comes into force; the inventory at the beginning is
charged r Risk(Q) dt; clients arrive, at most one for each side and currency, and trade or not at the quoted distances;
a hedging dealer trades with the market; the mid moves under the inventory that results. A row uses the same random
numbers whatever it quotes, so policies with the same seed meet the same clients.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from tfmm import jit
from tfmm.arrays import Array, Floats, Floats32, Ints32, Record, Records, put
from tfmm.environments.analytic.parameters import BROWNIAN, CONSTANT, JUMP, MEAN_REVERTING, Parameters
from tfmm.models import curves
from tfmm.simulation import parallel, randomness

FIRST, MID, LAST = 0, 1, 2
_MIN_ROWS = 512  # for which a thread pays
CURRENCIES = 2
"""Most currencies that a dealer quotes."""
_FEATURES, _ACTIONS = 1 + 5 * CURRENCIES, 2 * CURRENCIES + 1
ROW = np.dtype(
    [
        ("random", np.uint64),
        ("step", np.int64),
        ("end", np.int64),
        ("done", np.int64),
        ("inventory", np.int64, CURRENCIES),
        ("inventory_change", np.int64, CURRENCIES),
        ("fill_probability", np.float64, 2 * CURRENCIES),
        ("mid", np.float64, CURRENCIES),
        ("log_spread", np.float64, CURRENCIES),
        ("excess_rate", np.float64, 2 * CURRENCIES),
        ("action", np.float64, _ACTIONS),
        ("features", np.float64, _FEATURES),
    ]
)
"""One dealer. inventory: orders; inventory_change: in the last step. fill_probability: of ask and bid in the last step.
mid: its distance from the start or the mean. excess_rate: Hawkes intensity above the base rate, for ask and bid side of
each currency. action: the decision in force. features: the observation without the decisions that wait. It is one
record since kernels pass a record on without counting references, which would cost more than a step."""
_STATE = ("rows", "pending", "observation", "reward", "step_type")


class Batch(NamedTuple):
    """The arrays of AnalyticSimulator that a step changes, or some rows of them."""

    rows: Records
    pending: Floats
    observation: Floats32
    reward: Floats32
    discount: Floats32
    step_type: Ints32


class AnalyticSimulator:
    """The batched simulator of the analytic models, see environments.batched_simulator.

    Attributes:
        rows: (B,) ROW. pending: (B, max(delay, 1), A) float64 decisions not yet in force.
        observation: (B, F) float32. reward, discount: (B,) float32. step_type: (B,) int32.
        The next step overwrites all of them.
    """

    def __init__(
        self, parameters: Parameters, curve: Records, risk: Floats, rows: int, features: int, actions: int, seed: int
    ) -> None:
        """
        Args:
            curve: (1,) curves.CURVE with arrival_probability 1. risk: ((2 L + 1)^N,) r Risk(Q) dt by inventory, the
                last currency varying fastest. rows: B. features: F. actions: A.
        """
        self._parameters = parameters
        self.rows = np.zeros(rows, ROW)
        self.pending = np.zeros((rows, max(1, parameters.delay), actions))
        self.observation = np.zeros((rows, features), np.float32)
        self.reward, self.discount = np.zeros(rows, np.float32), np.ones(rows, np.float32)
        self.step_type = np.zeros(rows, np.int32)
        self._no_action = np.zeros((rows, actions))
        plain = tuple(parameters)
        self._work = parallel.Rows(
            rows, lambda part: (curve[0], plain, risk, tuple(self._batch(part))), least=_MIN_ROWS
        )
        self.seed(seed)

    def _batch(self, part):
        return Batch(
            self.rows[part],
            self.pending[part],
            self.observation[part],
            self.reward[part],
            self.discount[part],
            self.step_type[part],
        )

    def seed(self, seed: int) -> None:
        """Gives every row its own random stream; row b draws the same numbers in a batch of any size."""
        words = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
        self.rows["random"] = words ^ (
            np.arange(1, len(self.rows) + 1, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
        )

    def reset(self) -> None:
        """Starts a new episode in every row."""
        self.rows["done"] = 1
        self.step(self._no_action)

    def stagger(self) -> None:
        """Shortens the episodes of an endless model by random shares, so that the rows do not all end at once."""
        if not self._parameters.horizon_steps:
            share = (self.rows["random"] >> np.uint64(11)) * 2.0**-53
            self.rows["end"] = np.maximum(2, np.ceil(share * self._parameters.window_steps))

    def get_state(self) -> dict[str, Array]:
        """Copies of all arrays that change; `set_state` continues exactly from here."""
        return {name: getattr(self, name).copy() for name in _STATE}

    def set_state(self, state: dict[str, Array]) -> None:
        """Continues exactly where `get_state` was called."""
        for name in _STATE:
            put(getattr(self, name), state[name], name)
        self.discount[...] = np.where(self.rows["done"] & (self._parameters.horizon_steps > 0), 0.0, 1.0)

    def step(self, actions: Array) -> None:
        """Advances every row by one step. actions: (B, A) in [-1, 1], see AnalyticTask.action_names."""
        self._work(_step, np.ascontiguousarray(actions, np.float64).reshape(self._no_action.shape))


@jit.kernel
def _step(actions, curve, parameters, risk, batch):
    """step_rows of plain tuples, whose types numba looks up in a third of the time that NamedTuples take."""
    step_rows(actions, curve, Parameters(*parameters), risk, Batch(*batch))


@jit.kernel
def step_rows(actions: Floats, curve: Record, p: Parameters, risk: Floats, batch: Batch) -> None:
    """Advances every row by one step; arrays as in AnalyticSimulator."""
    rows, pending, observation, reward, discount, step_type = batch
    count = actions.shape[1]
    for b in range(rows.shape[0]):
        row = rows[b]
        if row.done:
            _begin(row, p)
            pending[b] = 1.0  # the largest distance
            if p.hedge_rate > 0.0:
                pending[b, :, -1] = 0.0
            reward[b], discount[b], step_type[b] = 0.0, 1.0, FIRST
        else:
            for a in range(count):
                action = min(max(actions[b, a], -1.0), 1.0)
                if p.delay > 0:
                    slot = row.step % p.delay
                    action, pending[b, slot, a] = pending[b, slot, a], action
                row.action[a] = action
            index = 0
            for n in range(p.currencies):
                index = index * (2 * p.limit + 1) + row.inventory[n] + p.limit
            earned, baseline = _advance(row, curve, p)
            reward[b] = earned - risk[index] - baseline
            row.step += 1
            row.done = row.step >= row.end
            step_type[b] = LAST if row.done else MID
            # the end of the horizon is the end for the agent too; an endless model is merely cut off
            if row.done and p.horizon_steps > 0:
                discount[b] = 0.0
        written = _observe(row, p)
        for k in range(written):
            observation[b, k] = row.features[k]
        for d in range(p.delay):
            slot = (row.step + d) % p.delay
            for a in range(count):
                observation[b, written + d * count + a] = pending[b, slot, a]


@jit.kernel
def _begin(row: Record, p: Parameters) -> None:
    row.done, row.step = 0, 0
    row.end = p.horizon_steps if p.horizon_steps > 0 else p.window_steps
    if p.random_start and p.horizon_steps > 0:
        row.step = np.int64(randomness.uniform(row) * p.horizon_steps)
    for n in range(p.currencies):
        row.inventory[n] = np.int64(randomness.uniform(row) * (2 * p.limit + 1)) - p.limit if p.random_start else 0
        row.excess_rate[2 * n], row.excess_rate[2 * n + 1], row.log_spread[n], row.mid[n] = 0.0, 0.0, 0.0, 0.0
        if p.mid == MEAN_REVERTING:
            row.mid[n] = p.sigma / math.sqrt(2.0 * p.reversion) * _normal(row)


@jit.kernel
def _advance(row: Record, curve: Record, p: Parameters) -> tuple[float, float]:
    """Applies one step to a row.

    Returns:
        Its profit before risk, and what a dealer without inventory would earn with the baseline's distance from the
        same clients (input-driven baseline, Mao et al. 2019), market spreads x orders.
    """
    total = baseline = 0.0
    for n in range(p.currencies):
        before = row.inventory[n]
        after, expected_after = before, float(before)
        flat_after, flat_expected = 0, 0.0  # the inventory of the baseline's dealer
        spread = math.exp(row.log_spread[n]) if p.spread_sigma > 0.0 else 1.0
        for side in range(2):
            sign, k = 2 * side - 1, 2 * n + side  # a fill of the ask sells, one of the bid buys
            arrival_draw, decision_draw = randomness.uniform(row), randomness.uniform(row)
            arrival_probability = min(1.0, (p.rate * (1.0 - p.branching) + row.excess_rate[k]) * p.dt)
            distance = p.min_distance + 0.5 * (row.action[k] + 1.0) * (p.max_distance - p.min_distance)
            fill_probability = curves.probability(distance, curve) if abs(before + sign) <= p.limit else 0.0
            # arithmetic instead of a branch: the processor cannot predict it, and a wrong guess costs more
            row.fill_probability[k] = arrival_probability * fill_probability
            filled = (arrival_draw < arrival_probability) & (decision_draw < fill_probability)
            after += sign * filled
            fills = arrival_probability * fill_probability if p.expected_fills else 1.0 * filled
            total += fills * distance * spread
            expected_after += sign * arrival_probability * fill_probability
            flat_filled = (arrival_draw < arrival_probability) & (decision_draw < p.baseline_fill_probability)
            expected_fills = arrival_probability * p.baseline_fill_probability
            baseline += (expected_fills if p.expected_fills else 1.0 * flat_filled) * p.baseline_distance * spread
            flat_after += sign * flat_filled
            flat_expected += sign * expected_fills
            if p.branching > 0.0:
                arrived = 1.0 if arrival_draw < arrival_probability else 0.0
                raised = row.excess_rate[k] + arrived * p.branching * p.decay
                row.excess_rate[k] = raised * math.exp(-p.decay * p.dt)
        if p.hedge_rate > 0.0:
            traded, cost = _hedge(row, before, row.action[2 * p.currencies], p)
            total -= cost
            after += traded
            expected_after += traded
        if p.mid != CONSTANT:
            drift, move = _move(row, row.mid[n], p)
            total += (expected_after if p.expected_fills else after) * drift if p.expected_mid else after * move
            flat_held = flat_expected if p.expected_fills and p.expected_mid else flat_after
            baseline += flat_held * (drift if p.expected_mid else move)
            row.mid[n] += move
        if p.spread_sigma > 0.0:
            row.log_spread[n] += -p.spread_reversion * row.log_spread[n] + p.spread_sigma * _normal(row)
        row.inventory[n], row.inventory_change[n] = after, after - before
    return total, baseline


@jit.kernel
def _hedge(row: Record, inventory: int, action: float, p: Parameters) -> tuple[int, float]:
    """(change of the inventory, cost): one order is traded with probability |v| dt at rate v, the expected cost is
    charged."""
    beyond = max(0.0, abs(action) - p.hedge_deadband) / (1.0 - p.hedge_deadband)
    draw, rate = randomness.uniform(row), math.copysign(beyond, action) * p.hedge_rate
    if rate == 0.0 or (abs(inventory) >= p.limit - 1 and rate * inventory > 0.0):
        return 0, 0.0
    speed = abs(rate)
    cost = (p.hedge_cost + p.hedge_permanent * abs(inventory) + p.hedge_impact * speed) * speed * p.dt
    if draw >= speed * p.dt:
        return 0, cost
    return (1 if rate > 0.0 else -1), cost


@jit.kernel
def _move(row: Record, mid: float, p: Parameters) -> tuple[float, float]:
    """(expected, drawn) change of the mid in a step, market spreads."""
    if p.mid == BROWNIAN:
        return 0.0, p.sigma * math.sqrt(p.dt) * _normal(row)
    if p.mid == JUMP:
        jumps, up = randomness.uniform(row) < p.jump_rate * p.dt, randomness.uniform(row) < 0.5
        return 0.0, (p.jump_size if up else -p.jump_size) * jumps
    drift = -p.reversion * p.dt * mid
    return drift, drift + p.sigma * math.sqrt(p.dt) * _normal(row)


@jit.kernel
def _normal(row: Record) -> Any:
    """Next number of the standard normal distribution (Box and Muller 1958)."""
    radius = math.sqrt(2.0 * randomness.exponential(row))
    return radius * math.cos(2.0 * math.pi * randomness.uniform(row))


@jit.kernel
def _observe(row: Record, p: Parameters) -> int:
    """Writes the features in the order of AnalyticTask.feature_names, without the pending decisions; returns their
    number."""
    k = 0
    if p.horizon_steps > 0:
        row.features[0] = (p.horizon_steps - row.step) / p.horizon_steps
        k = 1
    for n in range(p.currencies):
        row.features[k] = row.inventory[n] / p.limit
        k += 1
        if p.mid == MEAN_REVERTING:
            row.features[k] = row.mid[n] * math.sqrt(2.0 * p.reversion) / p.sigma
            k += 1
        if p.branching > 0.0:
            row.features[k], row.features[k + 1] = row.excess_rate[2 * n] / p.rate, row.excess_rate[2 * n + 1] / p.rate
            k += 2
        if p.spread_sigma > 0.0:
            row.features[k] = row.log_spread[n]
            k += 1
    return k
