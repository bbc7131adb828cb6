"""Raw rows: what every reader delivers, before anything is checked or rounded to a tick."""

import numpy as np

from tfmm import arrays
from tfmm.market import schema

RAW = np.dtype(
    [
        ("ts", np.int64),  # ns UTC; TIME_UNKNOWN where it could not be read
        ("sequence", np.int64),  # the venue's id, orders rows of one time; NO_SEQUENCE where there is none
        ("lo", np.float64),  # quote: bid price; trade: price
        ("hi", np.float64),  # quote: ask price; trade: price
        ("lo_size", np.float64),  # quote: bid size; trade: size
        ("hi_size", np.float64),  # quote: ask size; trade: size
        ("kind", np.int16),  # schema.QUOTE or TRADE
        ("side", np.int16),  # trade: aggressor; WRONG_SIDE where the word is unknown
        ("instrument", np.int32),
    ],
    align=True,
)
"""One row of a file, 56 bytes. A missing number is NaN."""

NO_SEQUENCE = -1
TIME_UNKNOWN = np.iinfo(np.int64).min
WRONG_SIDE = 99


def quotes(
    ts: arrays.Array,
    bid: arrays.Array,
    bid_size: arrays.Array,
    ask: arrays.Array,
    ask_size: arrays.Array,
    sequence: arrays.Ints | int = NO_SEQUENCE,
) -> arrays.Records:
    """(K,) RAW of quotes from columns of length K."""
    rows = np.empty(len(ts), RAW)
    rows["ts"], rows["sequence"], rows["kind"], rows["side"], rows["instrument"] = ts, sequence, schema.QUOTE, 0, 0
    rows["lo"], rows["lo_size"], rows["hi"], rows["hi_size"] = bid, bid_size, ask, ask_size
    return rows


def trades(
    ts: arrays.Array,
    price: arrays.Array,
    size: arrays.Array,
    side: arrays.Array,
    sequence: arrays.Ints | int = NO_SEQUENCE,
) -> arrays.Records:
    """(K,) RAW of trades from columns of length K."""
    rows = np.empty(len(ts), RAW)
    rows["ts"], rows["sequence"], rows["kind"], rows["side"], rows["instrument"] = ts, sequence, schema.TRADE, side, 0
    rows["lo"] = rows["hi"] = price
    rows["lo_size"] = rows["hi_size"] = size
    return rows


def order(rows: arrays.Records, sequenced: bool | arrays.Bools = False) -> arrays.Ints:
    """Stable order of rows, (K,) int64.

    By time; at one time by the venue's sequence where `sequenced` (scalar or (K,) bool), else trades before
    quotes and then by the venue's ids.
    """
    is_quote = rows["kind"] == schema.QUOTE
    first = np.where(sequenced, rows["sequence"], is_quote)
    second = np.where(sequenced, 0, rows["sequence"])
    return np.lexsort((second, first, rows["ts"]))
