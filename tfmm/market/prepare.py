"""From raw files to a store: read, infer tick and lot, merge, report, write."""

import hashlib

import numpy as np

from tfmm import errors, files
from tfmm.market import instruments as instruments_lib
from tfmm.market import readers, schema, store, tape

QUALITY = "quality.json"


def prepare(folder, target, layout=None, symbols=(), tick_size=None, lot_size=None, overwrite=False, progress=iter):
    """Writes the store of a folder of raw files.

    Args:
        folder, target: pathlib.Path. layout: see readers.detect. symbols: only these; empty: all.
        tick_size, lot_size: for every instrument; None: inferred.
        progress: wraps the list of sessions (a progress bar).

    Returns:
        (Store, quality report: one dict per session).

    Raises:
        DataError, ConfigError: see readers, Tape.from_frames and store.create.
    """
    store.check_target(target, overwrite)
    reader, sessions = readers.detect(folder, layout)
    chosen = _symbols(folder, sessions, symbols)
    instruments = tuple(_instrument(reader, sessions, symbol, tick_size, lot_size) for symbol in chosen)
    quality = []

    def tapes():
        for raw in progress(sessions):
            parts = []
            for instrument in instruments:
                quotes, trades = reader.load(raw, instrument.symbol)
                one = tape.Tape.from_frames(quotes, trades, instrument, where=_names(raw, instrument.symbol))
                quality.append(report(raw.name, one, len(quotes), len(trades)))
                parts.append(one)
            merged = tape.Tape.merge(parts)
            if not (merged.events["kind"] == schema.QUOTE).any():
                raise errors.DataError(f"{folder}: session {raw.name} has no true quote, wanted at least one")
            paths = [path for symbol in chosen for path in raw.files[symbol]]
            yield raw.name, merged, {path.name: _sha256(path) for path in paths}

    out = store.create(target, instruments, tapes(), overwrite)
    files.write_json(out.path / QUALITY, {"sessions": quality})
    return out, quality


def report(name, one, quote_rows, trade_rows):
    """Quality of one instrument's session: counts, span, gaps and spread as a dict."""
    events = one.events
    quotes = events[events["kind"] == schema.QUOTE]
    spread = quotes["hi_tick"] - quotes["lo_tick"]
    gaps = np.diff(events["ts"]) * 1e-9
    instrument = one.instruments[0]
    return {
        "session": name,
        "symbol": instrument.symbol,
        "quotes_read": quote_rows,
        "trades_read": trade_rows,
        "quotes_kept": len(quotes),
        "trades_kept": len(events) - len(quotes),
        "dropped": {reason: count for reason, count in one.dropped.items() if count},
        "span_s": float(events["ts"][-1] - events["ts"][0]) * 1e-9 if len(events) else float("nan"),
        "longest_gap_s": float(gaps.max()) if len(gaps) else float("nan"),
        "locked": int((spread == 0).sum()),
        "median_spread_tick": float(np.median(spread)) if len(spread) else float("nan"),
        "tick_size": instrument.tick_size,
        "lot_size": instrument.lot_size,
    }


def _symbols(folder, sessions, wanted):
    known = sorted({symbol for raw in sessions for symbol in raw.files})
    for symbol in wanted:
        if symbol not in known:
            raise errors.ConfigError(f"--symbols {symbol}: not in {folder}, got {', '.join(known)}")
    chosen = tuple(wanted) or tuple(known)
    for raw in sessions:
        for symbol in chosen:
            if symbol not in raw.files:
                raise errors.DataError(
                    f"{folder}: session {raw.name} has no files of {symbol}, wanted every symbol in every session"
                )
    return chosen


def _instrument(reader, sessions, symbol, tick_size, lot_size):
    ticks, lots = [], []
    for raw in sessions if tick_size is None or lot_size is None else ():
        quotes, trades = reader.load(raw, symbol)
        where = _names(raw, symbol)
        px = [_positive(quotes, name, where) for name in ("bid", "ask")]
        sizes = [_positive(quotes, name, where) for name in ("bid_size", "ask_size")] + [
            _positive(trades, "size", where)
        ]
        ticks.append(instruments_lib.infer_step(np.concatenate(px), f"{where}: tick size of {symbol}"))
        lots.append(instruments_lib.infer_step(np.concatenate(sizes), f"{where}: lot size of {symbol}"))
    return schema.Instrument(
        symbol=symbol,
        tick_size=tick_size if tick_size is not None else instruments_lib.infer_step(np.array(ticks), symbol),
        lot_size=lot_size if lot_size is not None else instruments_lib.infer_step(np.array(lots), symbol),
    )


def _positive(frame, name, where):
    if name not in frame:
        raise errors.DataError(f"{where}: no column {name}, got {', '.join(map(str, frame.columns))}")
    values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return values[np.isfinite(values) & (values > 0)]


def _names(raw, symbol):
    return f"{raw.files[symbol][0].parent.name}/({', '.join(path.name for path in raw.files[symbol])})"


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
