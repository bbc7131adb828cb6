"""The door to the batched kernel: plain arrays in, plain arrays out, no TensorFlow."""

import numpy as np

from tfmm.market import store
from tfmm.simulation import kernel, parallel, state
from tfmm.simulation.dealer import features, quoting

_MAPPED_BYTES = 1 << 28  # of mapped events that rows may have read before their pages are given back
CLOCKS = ("time", "events", "both")
_LOGGED_PER_ROW = 1024  # fills of a step that are kept
_STATE = ("rows", "books", "rings", "observation", "reward", "step_type", "sent")


class Simulator:
    """B independent dealers on the events of a store.

    Each row plays windows of the given segments: random ones, or `windows` in turn (row b takes
    windows b, b + B, ...). A row whose window is over starts its next one at the next step.

    Attributes:
        observation: (B, N F) float32, features.NAMES for each instrument.
        width: A, components of an action for each instrument.
        reward: (B,) float32. step_type: (B,) int32 (kernel.FIRST, MID, LAST).
        discount: (B,) float32, 0 at the end of a window with liquidation, else 1.
        sent: (B, N) state.ORDER, the quotes sent at the last step, before clamping; `active_ns` is the time sent.
        fills: (K,) state.FILL of the last step, where they are recorded; `event` is a row of the store.
        rows, books, rings: state.ROW, state.BOOK, state.ORDER in flight: the state itself.
        All are overwritten by the next step.
    """

    def __init__(
        self,
        events,
        rules,
        segments,
        rows,
        interval_s,
        window_s=0.0,
        warmup_s=0.0,
        seed=0,
        windows=None,
        reward_scale=1.0,
        threads=1,
        record=False,
        clock=("time", 1),
        risk=None,
        values=None,
    ):
        """
        Args:
            events: (E,) schema.EVENT. rules: (N,) state.PARAMETERS. segments: sequence with fields or
                attributes start_row, stop_row, start_ns, stop_ns (as `tfmm.market.splits.Segment`).
            rows: B. windows: (W, 3) int64 segment, start, end; None: random windows of `window_s`.
            reward_scale: money of one reward unit, tick x lot of the first instrument.
            threads: that share the rows, see parallel.Rows.
            clock: what a decision waits for, ("time", _), ("events", number of quotes) or ("both", _); see
                kernel.step_rows. interval_s still sets the steps of the warm-up.
            risk: (Omega (N, N), cost of one unit for a second in tick x lot of the first instrument, u) of
                tfmm.simulation.rewards.inventory_risk; None: each instrument's |Q| by itself.
            values: (N, X (2 L + 1)) or (1, S) of tfmm.simulation.rewards.expected_fills, whose reward takes the place
            of the drawn
                profit; None: without.
            record: keep the fills of every step in `fills`; then one thread is used.
        """
        count = len(rules)
        self.rules = rules
        self.interval_ns = round(interval_s * 1e9)
        self._mapped = events
        self._events = state.read_only(events)
        self._segments = np.array([tuple(one)[-4:] for one in segments], state.SEGMENT)
        self._windows = np.zeros((0, 3), np.int64) if windows is None else np.asarray(windows, np.int64)
        kind, quotes = clock
        spans = self.interval_ns, round(window_s * 1e9), round(warmup_s * 1e9)
        self._clock = np.array([*spans, CLOCKS.index(kind), quotes], np.int64)
        self._decay = features.decays(interval_s)
        self._scale = float(reward_scale)
        omega, cost, power = risk or (np.zeros((0, 0)), 0.0, 0.5)
        self._omega, self._vector = np.ascontiguousarray(omega, np.float64), np.array([cost, power])
        self._values = np.zeros((0, 0)) if values is None else np.ascontiguousarray(values, np.float64)
        self.rows = np.zeros(rows, state.ROW)
        self.books = np.zeros((rows, count), state.BOOK)
        state.clear(self.books)
        least_ns = self.interval_ns if kind == "time" else min(self.interval_ns, kernel.CLOCK_LEAST_NS)
        in_flight = int(rules["latency_ns"].max()) // least_ns + 2
        self.rings = np.zeros((rows, count, in_flight), state.ORDER)
        self.observation = np.zeros((rows, count * len(features.NAMES)), np.float32)
        self.reward, self.discount = np.zeros(rows, np.float32), np.ones(rows, np.float32)
        self._terminates = bool(rules["liquidate"].any())
        self.step_type = np.zeros(rows, np.int32)
        self.sent = np.zeros((rows, count), state.ORDER)
        self._log = np.zeros(_LOGGED_PER_ROW * rows * count if record else 0, state.FILL)
        self._no_outcomes = np.zeros((0, 0, 0), np.int8)
        self.width = 2 + 2 * int(rules["sizes"].any()) + int((rules["hedge"] == state.HEDGE_ACTION).any())
        self._no_action = np.zeros((rows, count, self.width))
        self._quoted = np.flatnonzero(rules["quoted"])
        self._work = parallel.Rows(rows, self._part, 1 if record else threads)
        self._since_release, self._release_every = 0, self._steps_to_release(rows, interval_s)
        self.seed(seed)

    def _steps_to_release(self, rows, interval_s):
        """Steps in which the rows read about _MAPPED_BYTES of events."""
        lasting = float(np.sum(self._segments["end_ns"] - self._segments["start_ns"])) * 1e-9
        read = float(np.sum(self._segments["stop_row"] - self._segments["start_row"])) / max(lasting, interval_s)
        return max(1, int(_MAPPED_BYTES / (max(read, 1.0) * interval_s * rows * self._events.itemsize)))

    def seed(self, seed):
        """Gives every row its own random stream; row b of any batch draws the same numbers."""
        words = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
        spread = np.arange(1, len(self.rows) + 1, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
        self.rows["random"] = words ^ spread

    def reset(self):
        """Starts a new window in every row, from the first window where they are given."""
        self.rows["window"] = np.arange(len(self.rows))
        self.rows["done"] = 1
        self.step(self._no_action)

    def get_state(self):
        """Copies of all arrays that change; `set_state` goes on exactly from here."""
        return {name: getattr(self, name).copy() for name in _STATE}

    def set_state(self, arrays):
        for name in _STATE:
            getattr(self, name)[...] = arrays[name]

    def stagger(self):
        """Shortens the windows just begun by random shares, so that rows do not end all at once."""
        share = (self.rows["random"] >> np.uint64(11)) * 2.0**-53
        steps = (self.rows["end_ns"] - self.rows["start_ns"]) // self.interval_ns
        self.rows["end_ns"] = (
            self.rows["start_ns"] + np.maximum(2, np.ceil(share * steps)).astype(np.int64) * self.interval_ns
        )

    def step(self, actions):
        """Advances every row by one decision interval.

        Args:
            actions: (B, N, A), A = `width`, or (B, Q, A) of the Q instruments that are quoted; meaning by
                `rules["action"]`, see quoting.quote_prices and kernel.step_rows.
        """
        self._since_release += 1
        if self._since_release >= self._release_every:
            store.release(self._mapped)
            self._since_release = 0
        actions = self._whole(actions)
        count = self._work(kernel.step_rows, actions)
        if self._terminates:  # a window that ends with everything sold is the end for the agent too
            np.not_equal(self.step_type, kernel.LAST, out=self.discount)
        if len(self._log):
            assert 2 * count < len(self._log), f"{count} fills in a step, wanted at most {len(self._log) // 2}"
            self.fills = self._log[:count].copy()

    def _whole(self, actions):
        """(B, N, A) float64, zeros for instruments that are not quoted."""
        if self.rules["action"][0] == state.DISTANCES:
            actions = quoting.padded(actions, self.width)
        if np.size(actions) == self._no_action.size:
            return np.ascontiguousarray(actions, np.float64).reshape(self._no_action.shape)
        out = np.zeros(self._no_action.shape)
        out[:, self._quoted] = np.reshape(actions, (len(out), len(self._quoted), -1))
        return out

    def _part(self, part):
        """Arguments of the kernel for some rows, without the actions."""
        return (
            self._events,
            self._segments,
            self._windows,
            self.rows[part],
            self.books[part],
            self.rings[part],
            self.rules,
            self._clock,
            self._decay,
            self._scale,
            self._omega,
            self._vector,
            self._values,
            self.observation[part],
            self.reward[part],
            self.step_type[part],
            self.sent[part],
            self._log,
            self._no_outcomes,
            len(self.rows),
            part.indices(len(self.rows))[0],
        )


def consecutive_windows(segments, window_s, warmup_s, interval_s):
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
