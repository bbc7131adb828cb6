"""A store whose ticks become finer: a later day of it has prices between the ticks of the earlier ones."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from tfmm import arrays
from tfmm.market import schema, store
from tfmm.market.ingest import store_writer

_BLOCK_ROWS = 1 << 20


def add_sessions(writer: store_writer.Writer, old: store.Store, factors: Sequence[int]) -> None:
    """Adds the sessions of a store in finer ticks. factors: (N,) new ticks in one of the old ones."""
    for session in old.sessions:
        writer.add(session.name, _finer(old, session, np.asarray(factors, np.int64)))
        steps = session.price_steps or (1,) * len(factors)
        writer.note(session.sources, session.dropped, [step * k for step, k in zip(steps, factors, strict=True)])
        writer.sessions[-1] = msgspec.structs.replace(writer.sessions[-1], periods=session.periods)


def _finer(old: store.Store, session: store.Session, factors: arrays.Ints) -> Iterator[arrays.Records]:
    for start in range(session.start_row, session.stop_row, _BLOCK_ROWS):
        events = np.array(old.events[start : min(start + _BLOCK_ROWS, session.stop_row)])
        factor = factors[events["instrument"]]
        for name in ("lo_tick", "hi_tick"):
            is_price = np.abs(events[name]) < schema.NO_ASK
            events[name][is_price] *= factor[is_price]
        yield events
