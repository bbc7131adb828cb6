"""The tape: all events of a session in time order, the only thing the simulator reads."""

import dataclasses

import numpy as np

from tfmm import errors
from tfmm.market import schema

QUOTE_COLUMNS = ("ts", "bid", "bid_size", "ask", "ask_size")
TRADE_COLUMNS = ("ts", "price", "size", "side")
_OFF_GRID = 1e-4  # a price this far (in ticks) from a tick is between two ticks
_LARGEST = 2.0**53  # ticks; above, float64 skips whole numbers


@dataclasses.dataclass(frozen=True, eq=False)
class Tape:
    """Merged events of one session.

    Attributes:
        events: (E,) `schema.EVENT`, sorted by time; at equal times trades come before quotes.
        instruments: N instruments, indexed by `events["instrument"]`.
        dropped: rows left out by `from_frames`, by reason.
    """

    events: np.ndarray
    instruments: tuple[schema.Instrument, ...]
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_frames(cls, quotes, trades, instrument, where="frames"):
        """Builds the tape of one instrument.

        Args:
            quotes: data frame `ts, bid, bid_size, ask, ask_size`; ts int64 ns UTC (or datetimes),
                non-decreasing.
            trades: data frame `ts, price, size, side` (side +1 buy, -1 sell aggressor, 0 unknown).
            instrument: `schema.Instrument`.
            where: name used in errors.

        Returns:
            A Tape. Rows that cannot be true (NaN, price or size <= 0, bid > ask) are dropped and
            counted in `dropped`; locked rows (bid == ask) stay.

        Raises:
            DataError: a column is missing or not a number, time goes back, a side is not -1, 0, +1,
                or a quote is not on the tick grid.
        """
        dropped = {}
        quote = _columns(quotes, QUOTE_COLUMNS, f"{where} quotes")
        trade = _columns(trades, TRADE_COLUMNS, f"{where} trades")
        quote = _keep(quote, ("bid", "ask", "bid_size", "ask_size"), "quotes", dropped)
        crossed = quote["bid"] > quote["ask"]
        dropped["quotes_crossed"] = int(crossed.sum())
        quote = {name: column[~crossed] for name, column in quote.items()}
        trade = _keep(trade, ("price", "size", "side"), "trades", dropped)
        wrong = ~np.isin(trade["side"], (-1, 0, 1))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise errors.DataError(
                f"{where} trades: column side has {trade['side'][row]:g} in kept row {row}, wanted +1, -1 or 0"
            )
        blocks = [_trade_events(trade, instrument, where), _quote_events(quote, instrument, where)]
        return cls(_sorted(np.concatenate(blocks)), (instrument,), dropped)

    @classmethod
    def merge(cls, tapes):
        """Joins single- or multi-instrument tapes of the same span into one; instruments in order."""
        instruments, blocks, dropped = [], [], {}
        for one in tapes:
            block = one.events.copy()
            block["instrument"] += len(instruments)
            blocks.append(block)
            instruments.extend(one.instruments)
            for reason, count in one.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
        return cls(_sorted(np.concatenate(blocks)), tuple(instruments), dropped)

    def __len__(self):
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
        out[name] = column.to_numpy(dtype=np.float64, na_value=np.nan)
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


def _keep(columns, positive, what, dropped):
    numbers = [columns[name] for name in positive]
    finite = np.isfinite(numbers).all(axis=0)
    above = np.all([columns[name] > 0 for name in positive if name != "side"], axis=0)
    dropped[f"{what}_not_finite"] = int((~finite).sum())
    dropped[f"{what}_not_positive"] = int((finite & ~above).sum())
    keep = finite & above
    return {name: column[keep] for name, column in columns.items()}


def _ticks(px, tick_size, where):
    """Prices in ticks, rounded down and up; equal where the price is on the grid. int64, int64."""
    exact = px / tick_size
    if len(exact) and exact.max() > _LARGEST:
        raise errors.DataError(
            f"{where}: price {px.max():g} is over {_LARGEST:g} ticks of {tick_size:g}, wanted a price"
        )
    near = np.rint(exact)
    on_grid = np.abs(exact - near) <= _OFF_GRID
    lo = np.where(on_grid, near, np.floor(exact)).astype(np.int64)
    return lo, np.where(on_grid, near, np.ceil(exact)).astype(np.int64)


def _quote_events(quote, instrument, where):
    events = np.zeros(len(quote["ts"]), schema.EVENT)
    events["ts"] = quote["ts"]
    for name, size in (("bid", "lo"), ("ask", "hi")):
        lo, hi = _ticks(quote[name], instrument.tick_size, f"{where} quotes")
        off = lo != hi
        if off.any():
            row = int(np.argmax(off))
            raise errors.DataError(
                f"{where} quotes: {name} {quote[name][row]:.10g} in kept row {row} is not a multiple of "
                f"the tick size {instrument.tick_size} of {instrument.symbol}"
            )
        events[f"{size}_tick"] = lo
        events[f"{size}_size"] = quote[f"{name}_size"]
    events["kind"] = schema.QUOTE
    return events


def _trade_events(trade, instrument, where):
    events = np.zeros(len(trade["ts"]), schema.EVENT)
    events["ts"] = trade["ts"]
    events["lo_tick"], events["hi_tick"] = _ticks(trade["price"], instrument.tick_size, f"{where} trades")
    events["lo_size"] = events["hi_size"] = trade["size"]
    events["side"] = trade["side"]
    events["kind"] = schema.TRADE
    return events


def _sorted(events):
    """By time, trades before quotes, otherwise in the order given."""
    return events[np.lexsort((events["kind"] == schema.QUOTE, events["ts"]))]
