"""The door to the batched kernel: plain arrays in, plain arrays out, no TensorFlow."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfmm import jit
from tfmm.arrays import Array, Ints, Records
from tfmm.market import store
from tfmm.simulation import arguments, kernel, parallel, positions, saved_state, state
from tfmm.simulation.dealer import features, quoting
from tfmm.simulation.rewards import kinds

_MAPPED_BYTES = 1 << 28  # of mapped events that rows may have read before their pages are given back
CLOCKS = ("time", "events", "both")
_LOGGED_PER_ROW = 1024  # fills of a step that are kept
_FLAT_STATE = ("flat_rows", "flat_instruments", "flat_in_flight")
_STATE = ("rows", "instruments", "in_flight", "observation", "reward", "step_type", "sent", *_FLAT_STATE)


class Tape(NamedTuple):
    """What a simulator steps through.

    Attributes:
        events: (E,) schema.EVENT of a store.
        segments: sequence with fields or attributes start_row, stop_row, start_ns, stop_ns (as
            tfmm.market.splits.Segment).
        windows: (W, 3) int64, columns state.WINDOW_SEGMENT, ...; None: random windows of the segments.
        price_steps: (S, N) int64, ticks, of each segment and instrument; None: one tick.
    """

    events: Records
    segments: Sequence[Any] | Records
    windows: Ints | None = None
    price_steps: Ints | None = None


class Decisions(NamedTuple):
    """When the dealer decides.

    Attributes:
        interval_s: between decisions; of any clock the step of the warm-up. window_s: length of a random window.
        warmup_s: before a window, over which the features are warmed up.
        clock: what a decision waits for, `time`, `events` (n_quotes of them) or `both`; see kernel.next_decision.
        random_inventory: windows begin with a random inventory inside the limits, see positions.draw.
    """

    interval_s: float
    window_s: float = 0.0
    warmup_s: float = 0.0
    clock: str = "time"
    n_quotes: int = 1
    random_inventory: bool = False


class Simulator:
    """B independent dealers on the events of a store.

    Each row steps through windows of the given segments: random ones, or given ones in turn (row b takes
    windows b, b + B, ...). A row whose window is over starts its next one at the next step.

    Attributes:
        observation: (B, N F) float32, features.NAMES for each instrument.
        width: A, components of an action for each instrument.
        reward: (B,) float32. step_type: (B,) int32 (kernel.FIRST, MID, LAST).
        discount: (B,) float32, 0 at the end of a window with liquidation, else 1.
        sent: (B, N) state.ORDER, the quotes sent at the last step, before clamping; `active_ns` is the time sent.
        fills: (K,) state.FILL of the last step, where they are recorded; `event` is a row of the store.
        rows, instruments, in_flight: state.ROW, state.INSTRUMENT_STATE, state.ORDER in flight: the state itself.
        All are overwritten by the next step.
    """

    def __init__(
        self,
        tape: Tape,
        parameters: Records,
        n_rows: int,
        decisions: Decisions,
        reward: kinds.Reward | None = None,
        seed: int = 0,
        threads: int | None = 1,
        record: bool = False,
    ) -> None:
        """
        Args:
            parameters: (N,) state.PARAMETERS. n_rows: B.
            reward: what a step earns; None: the realised profit, in ticks x lots.
            threads: that share the rows, see parallel.Rows.
            record: keep the fills of every step in `fills`; then one thread is used.
        """
        n_instruments = len(parameters)
        self.parameters = parameters
        self.interval_ns = round(decisions.interval_s * 1e9)
        self._mapped = tape.events
        segments = np.array([tuple(one)[-4:] for one in tape.segments], state.SEGMENT)
        windows = np.zeros((0, 3), np.int64) if tape.windows is None else np.asarray(tape.windows, np.int64)
        steps = np.ones((len(segments), n_instruments), np.int64)
        if tape.price_steps is not None:
            steps[...] = tape.price_steps
        self._market = arguments.Market(state.read_only(tape.events), segments, windows, steps)
        self._decisions = arguments.DecisionSchedule(
            self.interval_ns,
            round(decisions.window_s * 1e9),
            round(decisions.warmup_s * 1e9),
            CLOCKS.index(decisions.clock),
            decisions.n_quotes,
            features.decays(decisions.interval_s),
        )
        self._reward = kinds.Reward() if reward is None else reward
        self.rows = np.zeros(n_rows, state.ROW)
        self.instruments = np.zeros((n_rows, n_instruments), state.INSTRUMENT_STATE)
        state.clear(self.instruments)
        least_ns = self.interval_ns if decisions.clock == "time" else min(self.interval_ns, kernel.CLOCK_LEAST_NS)
        in_flight = int(parameters["latency_ns"].max()) // least_ns + 2
        self.in_flight = np.zeros((n_rows, n_instruments, in_flight), state.ORDER)
        self.observation = np.zeros((n_rows, n_instruments * len(features.NAMES)), np.float32)
        self.reward, self.discount = np.zeros(n_rows, np.float32), np.ones(n_rows, np.float32)
        self._terminates = bool(parameters["liquidate"].any())
        self.step_type = np.zeros(n_rows, np.int32)
        self.sent = np.zeros((n_rows, n_instruments), state.ORDER)
        self.flat_rows, self.flat_instruments, self.flat_in_flight = (
            array[: n_rows if kinds.has_flat_dealer(self._reward) else 0].copy()
            for array in (self.rows, self.instruments, self.in_flight)
        )
        self._log = np.zeros(_LOGGED_PER_ROW * n_rows * n_instruments if record else 0, state.FILL)
        self.width = 2 + 2 * int(parameters["sizes"].any()) + int((parameters["hedge"] == state.HEDGE_ACTION).any())
        self._no_action = np.zeros((n_rows, n_instruments, self.width))
        self._quoted = np.flatnonzero(parameters["quoted"])
        self._work = parallel.Rows(n_rows, self._part, 1 if record else threads)
        self._since_release, self._release_every = 0, self._steps_to_release()
        self._random_inventory = decisions.random_inventory
        self.seed(seed)

    def _steps_to_release(self):
        """Steps in which the rows read about _MAPPED_BYTES of events."""
        segments, interval_s = self._market.segments, self.interval_ns * 1e-9
        lasting = float(np.sum(segments["end_ns"] - segments["start_ns"])) * 1e-9
        read = float(np.sum(segments["stop_row"] - segments["start_row"])) / max(lasting, interval_s)
        row_bytes = interval_s * len(self.rows) * self._market.events.itemsize
        return max(1, int(_MAPPED_BYTES / (max(read, 1.0) * row_bytes)))

    def seed(self, seed: int) -> None:
        """Gives every row its own random stream; row b of any batch draws the same numbers."""
        words = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
        spread = np.arange(1, len(self.rows) + 1, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
        self.rows["random"] = words ^ spread

    def reset(self) -> None:
        """Starts a new window in every row, from the first window where they are given."""
        self.rows["window"] = np.arange(len(self.rows))
        self.rows["done"] = 1
        self.step(self._no_action)

    def hold(self, held: Records, among: Array | None = None) -> None:
        """Begins windows just started with positions instead of flat.

        Args:
            held: (B, N) state.POSITION. among: (B,) bool, the rows that begin so; None: all.
        """
        chosen = np.ones(len(self.rows), np.bool_) if among is None else among
        instruments = self.instruments[chosen]
        state.hold(instruments, held[chosen])
        self.instruments[chosen] = instruments
        risk = _plain(self._reward)[2]
        positions.begin(chosen, self.rows, self.instruments, self.in_flight, self.parameters, risk, self.observation)

    def get_state(self) -> dict[str, Array]:
        """Copies of all arrays that change; `set_state` goes on exactly from here."""
        return {name: getattr(self, name).copy() for name in _STATE}

    def set_state(self, arrays: dict[str, Array]) -> None:
        """Raises KeyError, ValueError where this is no state of such a simulator on such events."""
        saved_state.restore({name: getattr(self, name) for name in _STATE}, arrays, len(self._market.events))

    def stagger(self) -> None:
        """Shortens the windows just begun by random shares, so that rows do not end all at once."""
        share = (self.rows["random"] >> np.uint64(11)) * 2.0**-53
        steps = (self.rows["end_ns"] - self.rows["start_ns"]) // self.interval_ns
        self.rows["end_ns"] = (
            self.rows["start_ns"] + np.maximum(2, np.ceil(share * steps)).astype(np.int64) * self.interval_ns
        )

    def step(self, actions: Array) -> None:
        """Advances every row by one decision interval.

        Args:
            actions: (B, N, A), A = `width`, or (B, Q, A) of the Q instruments that are quoted; meaning by
                `parameters["action"]`, see quoting.quote_prices and kernel.step_rows.
        """
        self._since_release += 1
        if self._since_release >= self._release_every:
            store.release(self._mapped)
            self._since_release = 0
        actions = self._every_instrument(actions)
        count = self._work(_step, actions)
        if self._random_inventory and (begun := self.step_type == kernel.FIRST).any():
            self.hold(positions.draw(self.rows, self.parameters), begun)
        if self._terminates:  # a window that ends with everything sold is the end for the agent too
            np.not_equal(self.step_type, kernel.LAST, out=self.discount)
        if len(self._log):
            assert 2 * count < len(self._log), f"{count} fills in a step, wanted at most {len(self._log) // 2}"
            self.fills = self._log[:count].copy()

    def _every_instrument(self, actions):
        """(B, N, A) float64, zeros for instruments that are not quoted."""
        if self.parameters["action"][0] == state.DISTANCES:
            actions = quoting.padded(actions, self.width)
        if np.size(actions) == self._no_action.size:
            return np.ascontiguousarray(actions, np.float64).reshape(self._no_action.shape)
        out = np.zeros(self._no_action.shape)
        out[:, self._quoted] = np.reshape(actions, (len(out), len(self._quoted), -1))
        return out

    def _part(self, part):
        """Arguments of `_step` for some rows, without the actions."""
        flat = None  # then a kernel is compiled that has no flat dealers in it
        if kinds.has_flat_dealer(self._reward):
            flat_log = arguments.FillLog(self._log[:0], np.zeros(1, state.COUNTER)[0])
            flat = self.flat_rows[part], self.flat_instruments[part], self.flat_in_flight[part], tuple(flat_log)
        batch = arguments.Batch(
            self.rows[part],
            self.instruments[part],
            self.in_flight[part],
            self.observation[part],
            self.reward[part],
            self.step_type[part],
            self.sent[part],
            part.indices(len(self.rows))[0],
            len(self.rows),
        )
        log = arguments.FillLog(self._log, np.zeros(1, state.COUNTER)[0])
        return (
            tuple(self._market),
            tuple(batch),
            self.parameters,
            tuple(self._decisions),
            _plain(self._reward),
            tuple(log),
            flat,
        )


def _plain(reward):
    """A Reward as plain nested tuples of numbers and arrays."""
    risk = reward.risk
    omega = np.ascontiguousarray(risk.omega, np.float64)
    values = np.ascontiguousarray(reward.values, np.float64)
    return (
        int(reward.kind),
        float(reward.scale),
        (int(risk.kind), omega, float(risk.cost_per_s), float(risk.power), bool(risk.is_joint)),
        values,
        int(reward.baseline),
        np.ascontiguousarray(reward.baseline_spreads, np.float64),
        int(reward.markout_ns),
    )


@jit.kernel
def _step(actions, market, batch, parameters, decisions, reward, log, flat):
    """kernel.step_rows of plain tuples, whose types numba looks up in a third of the time that NamedTuples take."""
    kind, scale, risk, values, baseline, baseline_spreads, markout_ns = jit.borrowed(reward)
    named = kinds.Reward(kind, scale, kinds.Risk(*risk), values, baseline, baseline_spreads, markout_ns)
    if flat is None:
        flat_dealers = None
    else:
        rows, instruments, in_flight, flat_log = jit.borrowed(flat)
        flat_dealers = arguments.FlatDealers(rows, instruments, in_flight, arguments.FillLog(*flat_log))
    return kernel.step_rows(
        jit.borrowed(actions),
        arguments.Market(*jit.borrowed(market)),
        arguments.Batch(*jit.borrowed(batch)),
        jit.borrowed(parameters),
        arguments.DecisionSchedule(*jit.borrowed(decisions)),
        named,
        arguments.FillLog(*jit.borrowed(log)),
        flat_dealers,
    )


def consecutive_windows(segments: Sequence[Any], window_s: float, warmup_s: float, interval_s: float) -> Ints:
    """(W, 3) int64: the segments cut into windows one after another; window_s 0: one window a segment.

    The first `warmup_s` of a segment only warm the features up. Windows shorter than two intervals are left out.
    """
    out = []
    warmup_ns, least_ns = round(warmup_s * 1e9), round(2 * interval_s * 1e9)
    for index, segment in enumerate(segments):
        start, stop = segment.start_ns + warmup_ns, segment.stop_ns
        length = round(window_s * 1e9) or max(stop - start, 1)
        for begin in range(start, stop, length):
            end = min(begin + length, stop)
            if end - begin >= least_ns:
                out.append((index, begin, end))
    return np.array(out, np.int64).reshape(-1, 3)
