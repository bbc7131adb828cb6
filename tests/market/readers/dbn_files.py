"""Records and files of Databento's DBN, written by the vendor's own library, and what is read of them."""

import datetime
import types

import databento_dbn as dbn
import numpy as np

from tfmm.market import readers
from tfmm.market.readers import delimited, naming

UNDEFINED = dbn.UNDEF_PRICE
SIDES = {"A": dbn.Side.ASK, "B": dbn.Side.BID, "N": dbn.Side.NONE}
ACTIONS = {one.value: one for one in dbn.Action.variants()}


def metadata(schema_name, *mappings, by_id=False):
    """mappings: (symbol, first day of July 2024, day after the last, id)."""
    found = {}
    for symbol, first, end, number in mappings:
        interval = types.SimpleNamespace(
            start_date=datetime.date(2024, 7, first), end_date=datetime.date(2024, 7, end),
            symbol=symbol if by_id else str(number),
        )  # fmt: skip
        found.setdefault(str(number) if by_id else symbol, []).append(interval)
    return bytes(
        dbn.Metadata(
            dataset="GLBX.MDP3", start=1, schema=schema_name and dbn.Schema.from_str(schema_name),
            stype_in=dbn.SType.INSTRUMENT_ID if by_id else dbn.SType.RAW_SYMBOL,
            stype_out=dbn.SType.RAW_SYMBOL if by_id else dbn.SType.INSTRUMENT_ID,
            mappings=[types.SimpleNamespace(raw_symbol=name, intervals=rows) for name, rows in found.items()],
        )
    )  # fmt: skip


def level(bid, bid_size, ask, ask_size):
    return dbn.BidAskPair(bid_px=bid, bid_sz=bid_size, ask_px=ask, ask_sz=ask_size)


def event(ts, action, side, price, size, book, sequence, **changes):
    kind, number = changes.get("kind", dbn.MBP1Msg), changes.get("number", 118)
    levels = level(*book) if kind is dbn.MBP1Msg else [level(*book), *[level(UNDEFINED, 0, UNDEFINED, 0)] * 9]
    return bytes(
        kind(
            publisher_id=1, instrument_id=number, ts_event=ts, price=price, size=size, action=ACTIONS[action],
            side=SIDES[side], depth=0, ts_recv=ts + 5, sequence=sequence, levels=levels,
            flags=changes.get("flags", 0),
        )
    )  # fmt: skip


def order(ts, action, side, price, size, number, flags=dbn.F_LAST, received=None):
    return bytes(
        dbn.MBOMsg(
            publisher_id=1, instrument_id=118, ts_event=ts, order_id=number, price=price, size=size,
            action=ACTIONS[action], side=SIDES[side], ts_recv=received or ts + 5, flags=flags,
        )
    )  # fmt: skip


def read(path):
    source, tally, parts = readers.detect(path), delimited.Tally(), {}
    for key, rows in delimited.read(source, tally):
        parts.setdefault(naming.name(key).symbol, []).append(rows)
    return source, {symbol: np.concatenate(rows) for symbol, rows in parts.items()}


def listed(rows):
    return [tuple(row[name].item() for name in ("ts", "lo", "hi", "lo_size", "hi_size", "side")) for row in rows]
