"""The fill log: every fill of a policy with what explains it and what it earned; its sums are the metrics."""

import io

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tfmm import errors
from tfmm.evaluation.metrics import currency, path
from tfmm.market import schema
from tfmm.simulation.exchange import explanation, replay

NO_QUOTE = -1


def columns(backtests):
    """Every fill of a policy, segment after segment, in order of time.

    Args:
        backtests: list of assess.Backtest.

    Returns:
        {name: (F,) array}:
        number: of the fill, as `evaluate.py --explain` takes it. session, instrument: names.
        ts_ns; side (+1 bought, -1 sold); px; qty (size unit); rule; tape_row: of the session's tape
        (Store.tape(session)); quote: row of the schedule of the segment that was filled, NO_QUOTE for a hedge; sent_ns
        of it (0 without).
        bid_px, ask_px, mid_px: the market that we traded in; bid_after_px, ask_after_px: once the event is applied.
        inventory: held after the fill. notional, spread_capture, fee: accounting currency.
        inventory_pnl: side x qty x (last mid of the segment - mid_px): this fill held to the end (see
            evaluation.metrics.currency).
        net_pnl: spread_capture + inventory_pnl - fee. markout_Ns_bps: see metrics.markouts.
    """
    blocks = [_block(one) for one in backtests]
    out = {"number": np.arange(sum(len(block["side"]) for block in blocks))}
    return out | {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def parquet_bytes(table):
    """A parquet file of `columns`; the same fills give the same bytes."""
    buffer = io.BytesIO()
    parquet.write_table(pa.table({name: _plain(values) for name, values in table.items()}), buffer, compression="zstd")
    return buffer.getvalue()


def explain(backtests, number):
    """Why fill `number` of the log happened, in words.

    Raises:
        ConfigError: there is no such fill.
    """
    counts = [len(one.fills) for one in backtests]
    one, place = _find(backtests, counts, number, "fill")
    where = f"session {one.session}" + (f", tape rows count from its row {one.first_row}" if one.first_row else "")
    return f"{where}\n{explanation.fill(_result(one), place)}"


def explain_quote(backtests, number):
    """What became of quote `number`, counted through the schedules of all segments, filled or not, in words.

    Raises:
        ConfigError: there is no such quote, or fills were drawn and say nothing about quotes without one.
    """
    one, place = _find(backtests, [len(one.schedule) for one in backtests], number, "quote")
    if one.outcomes is None:
        raise errors.ConfigError(
            f"quote {number}: clients or hedges trade in this backtest, only quotes of a plain replay are explained"
        )
    return f"session {one.session}\n{explanation.quote(_result(one), place)}"


def _find(backtests, counts, number, what):
    if not 0 <= number < sum(counts):
        raise errors.ConfigError(f"{what} {number}: the backtest has {sum(counts)}, wanted 0 to {sum(counts) - 1}")
    ends = np.cumsum(counts)
    segment = int(np.searchsorted(ends, number, side="right"))
    return backtests[segment], number - int(ends[segment] - counts[segment])


def _result(one):
    nothing = np.zeros(0)
    return replay.Result(one.fills, nothing, nothing, nothing, one.outcomes, one.tape, one.schedule, one.rules)


def _plain(values):
    return pa.array(values.tolist(), pa.string()) if values.dtype.kind == "U" else pa.array(values)


def _block(one):
    fills, instruments = one.fills, one.tape.instruments
    out = {
        "session": np.full(len(fills), one.session),
        "instrument": np.array([each.symbol for each in instruments])[fills["instrument"]],
        **{name: fills[name] for name in ("ts_ns", "side", "px", "qty", "rule")},
        "tape_row": fills["event"] + one.first_row,
    }
    own = {}
    for n in range(len(instruments)):
        mine = np.flatnonzero(fills["instrument"] == n)
        for name, values in _own(one, fills[mine], n).items():
            own.setdefault(name, np.zeros(len(fills), values.dtype))[mine] = values
    return out | own


def _own(one, fills, n):
    """Columns of one instrument's fills."""
    instrument = one.tape.instruments[n]
    quote_ts, quote_mid, quote_row = path.mids(one.tape, n)
    quotes = one.tape.events[quote_row]
    bid, ask = (schema.multiples(quotes[name].astype(float), instrument.tick_size) for name in ("lo_tick", "hi_tick"))
    before = path.last_quote(quote_row, fills)
    after = np.maximum(np.searchsorted(quote_row, fills["event"], side="right") - 1, 0)
    worth = path.worth_of(one.tape, n)
    signed, mid = fills["side"] * fills["qty"], quote_mid[before]
    last_mid = quote_mid[max(int(np.searchsorted(quote_ts, one.span[1], side="right")) - 1, 0)]
    quote, sent = _quotes(one, fills, n)
    capture, drift = path.captured(one.tape, fills, n), signed * (worth(last_mid) - worth(mid))
    marks, rate = path.markouts(one.tape, fills, n), currency.Rate(one.tape, n)
    now, later = rate(fills["ts_ns"]), rate(np.full(len(fills), one.span[1]))
    net, capture, fee = later * (capture + drift - fills["fee"]), now * capture, now * fills["fee"]
    return {
        "quote": quote,
        "sent_ns": sent,
        "bid_px": bid[before],
        "ask_px": ask[before],
        "mid_px": mid,
        "bid_after_px": bid[after],
        "ask_after_px": ask[after],
        "inventory": np.cumsum(signed),
        "notional": path.notional(fills, one.tape),
        "spread_capture": capture,
        "inventory_pnl": net - capture + fee,
        "fee": fee,
        "net_pnl": net,
        **{f"markout_{horizon:g}s_bps": values for horizon, values in marks.items()},
    }


def _quotes(one, fills, n):
    """(row of the schedule, time sent) of the quote that each fill met."""
    rows = np.flatnonzero(one.schedule["instrument"] == n)
    latency = np.broadcast_to(one.rules.latency_ns, len(one.tape.instruments))[n]
    active = one.schedule["ts_ns"][rows] + latency
    # a fill names an event later than the activation, or follows the activation itself
    place = np.searchsorted(active, fills["ts_ns"] + path.happened_after(fills), side="left") - 1
    known = (place >= 0) & (fills["rule"] != "HEDGE")
    place = np.maximum(place, 0)
    if not len(rows):
        return np.full(len(fills), NO_QUOTE), np.zeros(len(fills), np.int64)
    return np.where(known, rows[place], NO_QUOTE), np.where(known, one.schedule["ts_ns"][rows[place]], 0)
