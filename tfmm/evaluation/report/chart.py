"""The data of the report's zoomable chart: market, quotes and fills of a policy as compact arrays."""

import base64
import json
from collections.abc import Sequence

import numpy as np

from tfmm.backtest.record import Backtest
from tfmm.evaluation.metrics import path as path_lib
from tfmm.market import schema

_UNIT_NS = 100_000  # time unit of the chart; 2^32 of them are 119 hours
_ROWS = 120_000  # of market and quotes together, about a megabyte
_FEWEST_ROWS = 1000


def payload(backtests: list[Backtest], instruments: Sequence[int] = (0,)) -> str:
    """JSON text for the chart, without any `<`, which could end the script element that holds it.

    Each instrument has its share of _ROWS: whole segments, those with most fills first, and of a segment that is longer
    than what is left the stretch with most fills. Prices are in half ticks, times in 0.1 ms after `start_ms`. Quotes
    that only change a size are left out.

    Args:
        backtests: of one policy, one for each segment. instruments: indices of those to show.
    """
    facts, segments = backtests[0].tape.instruments, []
    for index, n in enumerate(instruments):
        left = _ROWS // len(instruments)
        n_fills = [int((run.fills["instrument"] == n).sum()) for run in backtests]
        for k in np.argsort(-np.array(n_fills), kind="stable"):
            if left < _FEWEST_ROWS:
                break
            segment, used = _segment(backtests[k], n, left)
            left -= used
            segments.append({"instrument": index} | segment)
    segments.sort(key=lambda segment: (segment["start_ms"], segment["instrument"]))
    shown = [
        {"symbol": facts[n].symbol, "half_tick": facts[n].tick_size / 2,
         "digits": max(0, int(np.ceil(-np.log10(facts[n].tick_size) - 1e-9)))}
        for n in instruments
    ]  # fmt: skip
    return json.dumps({"instruments": shown, "segments": segments}).replace("<", "\\u003c")


def _segment(run, n, limit):
    """(dict of one segment, number of rows used)."""
    events = run.tape.events[run.tape.events["instrument"] == n]
    quotes, trades = events[events["kind"] == schema.QUOTE], events[events["kind"] == schema.TRADE]
    sent = run.schedule[run.schedule["instrument"] == n]
    fills = run.fills[run.fills["instrument"] == n]
    numbers = np.flatnonzero(run.fills["instrument"] == n)
    low, high = _stretch(run, quotes, trades, sent, fills, limit)
    start = low // 10**6 * 10**6

    def inside(rows, name):
        return rows[(rows[name] >= low) & (rows[name] <= high)]

    quotes, trades, sent = inside(quotes, "ts"), inside(trades, "ts"), inside(sent, "ts_ns")
    quotes = quotes[_changed(quotes["lo_tick"], quotes["hi_tick"])]
    half = run.tape.instruments[n].tick_size / 2
    prices = np.stack([_half_ticks(sent[name], half) for name in ("bid_px", "ask_px")])
    kept = _changed(*prices)
    chosen = (fills["ts_ns"] >= low) & (fills["ts_ns"] <= high)
    fills, numbers = fills[chosen], numbers[chosen]
    path = path_lib.of_backtest(run, n)
    columns = {
        "quote_t": _times(quotes["ts"], start), "bid": 2 * quotes["lo_tick"], "ask": 2 * quotes["hi_tick"],
        "trade_t": _times(trades["ts"], start), "trade": trades["lo_tick"] + trades["hi_tick"],
        "our_t": _times(sent["ts_ns"][kept], start), "our_bid": prices[0, kept], "our_ask": prices[1, kept],
        "fill_t": _times(fills["ts_ns"], start), "fill": _half_ticks(fills["px"], half), "fill_side": fills["side"],
        "fill_number": numbers,
    }  # fmt: skip
    return {
        "name": run.session,
        "start_ms": int(start // 10**6),
        "columns": {name: base64.b64encode(np.asarray(values).astype("<i4").tobytes()).decode()
                    for name, values in columns.items()},
        "qty": [float(f"{value:.6g}") for value in fills["qty"]],
        "rule": fills["rule"].tolist(),
        "inventory": [float(f"{value:.6g}") for value in path.at(fills["ts_ns"], path.inventory)],
    }, len(quotes) + len(trades) + int(kept.sum())  # fmt: skip


def _stretch(run, quotes, trades, sent, fills, limit):
    """(first, last) ns to show: all, or the window of `limit` rows with most fills."""
    times = np.sort(np.concatenate([quotes["ts"], trades["ts"], sent["ts_ns"]]))
    if len(times) <= limit:
        return run.span
    starts = np.arange(0, len(times) - limit, max(1, limit // 20))
    counts = np.searchsorted(fills["ts_ns"], times[starts + limit]) - np.searchsorted(fills["ts_ns"], times[starts])
    first = int(starts[np.argmax(counts)])
    return int(times[first]), int(times[first + limit])


def _changed(*columns):
    """(K,) bool: the first row, and rows that differ from the one before."""
    out = np.ones(len(columns[0]), bool)
    if len(out):
        out[1:] = np.any([np.diff(column) != 0 for column in columns], axis=0)
    return out


def _half_ticks(px, half):
    """Whole half ticks; -1 for no price."""
    return np.where(np.isnan(px), -1, np.rint(np.nan_to_num(px) / half)).astype(np.int64)


def _times(ns, start):
    return (ns - start) // _UNIT_NS
