"""The fill log: every fill of a policy with its cause and its profit; the sums of its columns are the metrics."""

import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tfmm import errors
from tfmm.arrays import Array
from tfmm.backtest.record import Backtest
from tfmm.evaluation.metrics import currency, path
from tfmm.market import schema
from tfmm.simulation.exchange import explanation, replay

NO_QUOTE = -1


def columns(backtests: list[Backtest]) -> dict[str, Array]:
    """Every fill of a policy, segment after segment, in order of time.

    Args:
        backtests: one for each segment.

    Returns:
        {name: (F,) array}:
        number: of the fill, as `evaluate.py --explain` takes it. session, instrument: names.
        ts_ns; side (+1 bought, -1 sold); px; qty (size unit); rule.
        tape_row: row of the session's tape, Store.tape(session).
        quote: row of the segment's schedule that was filled, NO_QUOTE for a hedge. sent_ns: of that quote; 0: none.
        bid_px, ask_px, mid_px: the market in which we traded. bid_after_px, ask_after_px: the market after the event.
        inventory: size units after the fill. notional, spread_capture, fee: accounting currency.
        inventory_pnl: side x qty x (last mid of the segment - mid_px), converted as in evaluation.metrics.currency: the
            profit of holding this fill to the end of its segment. What a trading period carries over from the one
            before it in the session earns beside this.
        net_pnl: spread_capture + inventory_pnl - fee. markout_Ns_bps: see path.markouts.
    """
    blocks = [_block(run) for run in backtests]
    out = {"number": np.arange(sum(len(block["side"]) for block in blocks))}
    return out | {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def parquet_bytes(table: dict[str, Array]) -> bytes:
    """A parquet file of `columns`; the same fills give the same bytes."""
    buffer = io.BytesIO()
    parquet.write_table(pa.table({name: _plain(values) for name, values in table.items()}), buffer, compression="zstd")
    return buffer.getvalue()


def explain(backtests: Sequence[Backtest], number: int) -> str:
    """Why fill `number` of the log happened, in words.

    Raises:
        ConfigError: there is no such fill.
    """
    counts = [len(run.fills) for run in backtests]
    run, index = _find(backtests, counts, number, "fill")
    where = f"session {run.session}" + (f", tape rows count from its row {run.first_row}" if run.first_row else "")
    return f"{where}\n{explanation.fill(_result(run), index)}"


def explain_quote(backtests: Sequence[Backtest], number: int) -> str:
    """What became of quote `number`, counted through the schedules of all segments, filled or not, in words.

    Raises:
        ConfigError: there is no such quote, or clients or hedges are drawn, which explain no quote that is not filled.
    """
    run, index = _find(backtests, [len(run.schedule) for run in backtests], number, "quote")
    if run.outcomes is None:
        raise errors.ConfigError(
            f"quote {number}: clients or hedges trade in this backtest, only quotes of a plain replay are explained"
        )
    return f"session {run.session}\n{explanation.quote(_result(run), index)}"


def _find(backtests, counts, number, what):
    if not 0 <= number < sum(counts):
        raise errors.ConfigError(f"{what} {number}: the backtest has {sum(counts)}, wanted 0 to {sum(counts) - 1}")
    ends = np.cumsum(counts)
    segment = int(np.searchsorted(ends, number, side="right"))
    return backtests[segment], number - int(ends[segment] - counts[segment])


def _result(run):
    nothing = np.zeros(0)
    return replay.Result(run.fills, nothing, nothing, nothing, run.outcomes, run.tape, run.schedule, run.rules)


def _plain(values):
    return pa.array(values.tolist(), pa.string()) if values.dtype.kind == "U" else pa.array(values)


def _block(run):
    """Columns of one segment."""
    fills, instruments = run.fills, run.tape.instruments
    out = {
        "session": np.full(len(fills), run.session),
        "instrument": np.array([instrument.symbol for instrument in instruments])[fills["instrument"]],
        **{name: fills[name] for name in ("ts_ns", "side", "px", "qty", "rule")},
        "tape_row": fills["event"] + run.first_row,
    }
    for n in range(len(instruments)):
        rows = np.flatnonzero(fills["instrument"] == n)
        for name, values in _instrument_columns(run, fills[rows], n).items():
            out.setdefault(name, np.zeros(len(fills), values.dtype))[rows] = values
    return out


def _instrument_columns(run, fills, n):
    """Columns of one instrument's fills."""
    instrument = run.tape.instruments[n]
    quote_ts, quote_mid, quote_row = path.mids(run.tape, n)
    quotes = run.tape.events[quote_row]
    bid, ask = (schema.multiples(quotes[name].astype(float), instrument.tick_size) for name in ("lo_tick", "hi_tick"))
    before = path.last_quote(quote_row, fills)
    after = np.maximum(np.searchsorted(quote_row, fills["event"], side="right") - 1, 0)
    value = path.unit_value(run.tape, n)
    signed, mid = fills["side"] * fills["qty"], quote_mid[before]
    last_mid = quote_mid[max(int(np.searchsorted(quote_ts, run.span[1], side="right")) - 1, 0)]
    quote, sent = _quotes(run, fills, n)
    capture, revaluation = path.captured(run.tape, fills, n), signed * (value(last_mid) - value(mid))
    markouts, rate = path.markouts(run.tape, fills, n), currency.Rate(run.tape, n)
    at_fill, at_end = rate(fills["ts_ns"]), rate(np.full(len(fills), run.span[1]))
    net = at_end * (capture + revaluation - fills["fee"])
    capture, fee = at_fill * capture, at_fill * fills["fee"]
    return {
        "quote": quote,
        "sent_ns": sent,
        "bid_px": bid[before],
        "ask_px": ask[before],
        "mid_px": mid,
        "bid_after_px": bid[after],
        "ask_after_px": ask[after],
        "inventory": run.opening(n)[0] + np.cumsum(signed),
        "notional": path.notional(fills, run.tape),
        "spread_capture": capture,
        "inventory_pnl": net - capture + fee,
        "fee": fee,
        "net_pnl": net,
        **{f"markout_{horizon:g}s_bps": values for horizon, values in markouts.items()},
    }


def _quotes(run, fills, n):
    """(row of the schedule, time sent) of the quote that each fill hit."""
    rows = np.flatnonzero(run.schedule["instrument"] == n)
    latency = np.broadcast_to(run.rules.latency_ns, len(run.tape.instruments))[n]
    active = run.schedule["ts_ns"][rows] + latency
    # a fill names an event later than the activation, or follows the activation itself
    index = np.searchsorted(active, fills["ts_ns"] + path.happened_after(fills), side="left") - 1
    has_quote = (index >= 0) & (fills["rule"] != "HEDGE")
    index = np.maximum(index, 0)
    if not len(rows):
        return np.full(len(fills), NO_QUOTE), np.zeros(len(fills), np.int64)
    return np.where(has_quote, rows[index], NO_QUOTE), np.where(has_quote, run.schedule["ts_ns"][rows[index]], 0)
