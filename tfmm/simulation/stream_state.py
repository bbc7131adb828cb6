"""A stream that can be written down and gone on from, and can begin anew.

Arrays from a file are checked: kernels do not check the indices that are in them.
"""

from collections.abc import Mapping

import numpy as np

from tfmm.arrays import Array
from tfmm.market import schema
from tfmm.simulation import state, stream

_ANY_LENGTH = ("waiting", "reported")
_REPORTED = np.dtype([("instrument", int), ("side", int), ("price_tick", float), ("lots", int), ("ts", int)])
_KINDS = (schema.QUOTE, schema.TRADE, schema.NO_MARKET, schema.ONE_SIDED)


class ResumableStream(stream.Stream):
    """A Stream with a state that another process can go on from."""

    def restart(self) -> None:
        """The clock was wrong: the next event begins anew after another warm-up, with the inventory and cash of now."""
        if self.decision_ns is not None:
            for name in state.POSITION.names or ():
                self._opening[name] = self.instruments[name][0]
        if self._start_ns is not None:
            self._grid_ns = self._start_ns
        self._start_ns = self.decision_ns = None
        self._count, self.seen_ns = 0, state.NEVER
        self.rows["cursor"] = 0

    def get_state(self) -> dict[str, Array]:
        """Copies of all that changes; `set_state` of a new Stream goes on exactly from here."""
        times = (self.seen_ns, self._start_ns, self.decision_ns, self.late, self._grid_ns)
        return super().get_state() | {
            "waiting": self.waiting,
            "segments": self._segments.copy(),
            "windows": self._windows.copy(),
            "times": np.array([state.NEVER if one is None else one for one in times], np.int64),
            "reported": np.array(self._reported, _REPORTED),
            "decision_lot": self._decision_lot.copy(),
            "opening": self._opening.copy(),
        }

    def set_state(self, arrays: dict[str, Array]) -> None:
        """arrays: what get_state returned. Raises ValueError where they are no state of such a Stream."""
        _check(self.get_state(), arrays)
        super().set_state({name: arrays[name] for name in super().get_state()})
        while len(self._buffer) < len(arrays["waiting"]):
            self._grow()
        self._count = len(arrays["waiting"])
        self._buffer[: self._count] = arrays["waiting"]
        self._segments[...], self._windows[...] = arrays["segments"], arrays["windows"]
        self._decision_lot, self._opening = arrays["decision_lot"].copy(), arrays["opening"].copy()
        self._reported = [one.item() for one in arrays["reported"]]
        self.seen_ns, self.late = int(arrays["times"][0]), int(arrays["times"][3])
        times = [None if one == state.NEVER else int(one) for one in arrays["times"]]
        self._start_ns, self.decision_ns, self._grid_ns = times[1], times[2], times[4]


def _check(current: Mapping[str, Array], found: Mapping[str, Array]) -> None:
    """Raises ValueError, which says what is wrong, unless `found` can follow `current`, the state of a new stream."""
    if found.keys() != current.keys():
        raise ValueError(f"arrays {sorted(found.keys() ^ current.keys())} are missing or too many")
    for name, array in current.items():
        shape = found[name].shape[1:] if name in _ANY_LENGTH and found[name].ndim else found[name].shape
        wanted = array.shape[1:] if name in _ANY_LENGTH else array.shape
        if found[name].dtype != array.dtype or shape != wanted:
            raise ValueError(f"{name} is {found[name].dtype} {found[name].shape}, wanted {array.dtype} {array.shape}")
    rows, instruments, waiting = found["rows"], found["instruments"], found["waiting"]
    n_instruments, length = found["in_flight"].shape[1:]
    held = instruments["tail"] - instruments["head"]
    taken = [instruments[name]["count"] for name in ("bid_taken", "ask_taken")]
    wrong = {
        "an event that waits": (np.diff(waiting["ts"]) < 0).any()
        or not np.isin(waiting["kind"], _KINDS).all()
        or not _within(waiting["instrument"], n_instruments - 1),
        "a row": not _within(rows["cursor"], len(waiting)) or not _within(rows["window"], state.FOREVER),
        "a quote in flight": not _within(held, length) or not _within(instruments["head"], state.FOREVER),
        "a size taken": not all(_within(one, state.TAKEN_PRICES) for one in taken),
        "a price step": not _within(instruments["price_step"], 2**53),
        "a report": not _within(found["reported"]["instrument"], n_instruments - 1),
    }
    for what, is_wrong in wrong.items():
        if is_wrong:
            raise ValueError(f"{what} is out of its range")


def _within(values, largest):
    return bool(((values >= 0) & (values <= largest)).all())
