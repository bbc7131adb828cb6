"""The tape: all events of a session in time order, the only thing the simulator reads."""

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

import numpy as np

from tfmm import arrays, errors
from tfmm.market import clean, raw, schema, single_precision

if TYPE_CHECKING:
    import pandas as pd  # live quotes start faster, and in less memory, without it

QUOTE_COLUMNS = ("ts", "bid", "bid_size", "ask", "ask_size")
TRADE_COLUMNS = ("ts", "price", "size", "side")


@dataclasses.dataclass(frozen=True, eq=False)
class Tape:
    """Merged events of one session.

    Attributes:
        events: (E,) `schema.EVENT`, sorted by time; at equal times trades come before quotes.
        instruments: N instruments, indexed by `events["instrument"]`.
        dropped: rows left out by `from_frames`, by reason.
        rates: {instrument: instrument whose mid is the exchange rate of its quote currency}; those not named are quoted
            in the currency that accounts are kept in.
        price_steps: of each instrument in this session, ticks; empty: one tick. Our quotes are on whole steps.
    """

    events: arrays.Records
    instruments: tuple[schema.Instrument, ...]
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)
    rates: dict[int, int] = dataclasses.field(default_factory=dict)
    price_steps: tuple[int, ...] = ()

    @classmethod
    def from_frames(
        cls, quotes: "pd.DataFrame", trades: "pd.DataFrame", instrument: schema.Instrument, where: str = "frames"
    ) -> Self:
        """Builds the tape of one instrument.

        Args:
            quotes: data frame `ts, bid, bid_size, ask, ask_size`; ts int64 ns UTC (or datetimes),
                non-decreasing.
            trades: data frame `ts, price, size, side` (side +1 buy, -1 sell aggressor, 0 unknown).
            instrument: `schema.Instrument`.
            where: name used in errors.

        Returns:
            A Tape. Rows that cannot be true (NaN, price or size <= 0, bid > ask, a price over
            2^53 ticks) are dropped and counted in `dropped`, and the market is unknown from such a quote to the next
            one; locked rows (bid == ask), repeated rows and quotes with an empty side (no price, no size) stay.

        Raises:
            DataError: a column is missing or not a number, time goes back, a side is not -1, 0, +1,
                or a quote is not on the tick grid.
        """
        quote = _columns(quotes, QUOTE_COLUMNS, f"{where} quotes")
        trade = _columns(trades, TRADE_COLUMNS, f"{where} trades")
        wrong = ~np.isin(trade["side"], (-1, 0, 1)) & np.isfinite(trade["side"])
        if wrong.any():
            row = int(np.argmax(wrong))
            raise errors.DataError(
                f"{where} trades: column side has {trade['side'][row]:g} in row {row}, wanted +1, -1 or 0"
            )
        side = np.where(np.isfinite(trade["side"]), trade["side"], raw.WRONG_SIDE)
        rows = np.concatenate(
            [
                raw.trades(trade["ts"], trade["price"], trade["size"], side),
                raw.quotes(*(quote[name] for name in QUOTE_COLUMNS)),
            ]
        )
        cleaner = clean.Cleaner([instrument.tick_size], [np.nan], drop_duplicates=False)
        events = cleaner.clean(rows[raw.order(rows)])
        off = cleaner.noted["off_grid_px"][0]
        if np.isfinite(off):
            raise errors.DataError(
                f"{where} quotes: price {float(off)!r} is not a multiple of the tick size {instrument.tick_size} of "
                f"{instrument.symbol}"
            )
        return cls(events, (instrument,), cleaner.dropped(0))

    @classmethod
    def merge(cls, tapes: Iterable[Self]) -> Self:
        """Joins single- or multi-instrument tapes of the same span into one; instruments in order."""
        instruments: list[schema.Instrument] = []
        blocks, dropped, steps = [], dict[str, int](), list[int]()
        for one in tapes:
            block = one.events.copy()
            block["instrument"] += len(instruments)
            blocks.append(block)
            instruments.extend(one.instruments)
            steps.extend(one.price_steps or [1] * len(one.instruments))
            for reason, count in one.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
        coarse = tuple(steps) if any(step > 1 for step in steps) else ()
        return cls(_sorted(np.concatenate(blocks)), tuple(instruments), dropped, price_steps=coarse)

    def __len__(self) -> int:
        return len(self.events)


def _columns(frame, names, where):
    out = {}
    for name in names:
        if name not in frame:
            raise errors.DataError(
                f"{where}: no column {name}, got {', '.join(map(str, frame.columns))}, wanted {', '.join(names)}"
            )
        column = frame[name]
        if name == "ts":
            out[name] = _time(column, where)
            continue
        if len(column) and column.dtype.kind not in "iufb":
            raise errors.DataError(f"{where}: column {name} has type {column.dtype}, wanted numbers")
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        out[name] = single_precision.restored(values, True) if column.dtype == np.float32 else values
    back = np.flatnonzero(np.diff(out["ts"]) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise errors.DataError(
            f"{where}: time goes back at row {row}, got {out['ts'][row]} after {out['ts'][row - 1]}, wanted sorted ts"
        )
    return out


def _time(column, where):
    if column.isna().any():
        row = int(np.argmax(column.isna().to_numpy()))
        raise errors.DataError(f"{where}: column ts is empty at row {row}, wanted ns since 1970 UTC")
    if column.dtype.kind in "mM" or hasattr(column.dtype, "tz"):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None) if hasattr(column.dtype, "tz") else column
        return column.to_numpy().astype("datetime64[ns]").astype(np.int64)
    if len(column) and column.dtype.kind not in "iu":
        raise errors.DataError(f"{where}: column ts has type {column.dtype}, wanted int64 ns since 1970 UTC")
    return column.to_numpy(dtype=np.int64)


def _sorted(events):
    """By time, trades before quotes, otherwise in the order given."""
    return events[np.lexsort((events["kind"] != schema.TRADE, events["ts"]))]
