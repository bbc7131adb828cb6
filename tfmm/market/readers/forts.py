"""MOEX's archives of its derivatives market FORTS; MOMENT 20240930190505117 is Moscow time in ms.

DATE_fut_deal.csv: #SYMBOL, SYSTEM, MOMENT, ID_DEAL, PRICE_DEAL, VOLUME, OPEN_POS, DIRECTION (B, S: the aggressor).
DATE_fut_ord.csv, all orders (type A): #SYMBOL, SYSTEM, TYPE (B, S), MOMENT, ID, ACTION, PRICE, VOLUME, ID_DEAL,
PRICE_DEAL. ACTION 0 takes an order away, 1 adds one, 2 is a deal, whose VOLUME leaves the order; each deal has a row of
both orders, and is read from the file of deals alone. All rows of a MOMENT are one state of the book, which is empty
where a log begins. A row that is not understood makes the market unknown until the next file.
"""

import numpy as np
import pandas as pd

from tfmm import errors
from tfmm.market import raw, schema
from tfmm.market.readers import containers, layout, local_times, moscow, orders

_MOMENT = "%Y%m%d%H%M%S%f"
_ORDER_LOG = ("SYMBOL", "SYSTEM", "TYPE", "MOMENT", "ID", "ACTION", "PRICE", "VOLUME", "ID_DEAL", "PRICE_DEAL")
_SIDES = {"B": schema.BUY, "S": schema.SELL}
_ACTIONS = {"0": "C", "1": "A", "2": "C"}
_DOUBTFUL, _ROWS = 4, 1 << 18


def _deals(columns):
    side = columns["DIRECTION"].translate({name.lower(): value for name, value in _SIDES.items()}, raw.WRONG_SIDE)
    ts = local_times.ns(columns["MOMENT"], _MOMENT, moscow.ZONE)
    return raw.trades(ts, columns["PRICE_DEAL"], columns["VOLUME"], side, columns["ID_DEAL"])


def _names(line):
    return tuple(name.strip().lstrip("#").upper() for name in line.split(_separator(line)))


def _separator(line):
    return max(",;\t|", key=line.count)


def _order_log(source):
    """Yields (symbol, orders.ORDER): the book is empty where a log begins."""
    begun = set()
    written = {"sep": _separator(source.head[0]), "names": _ORDER_LOG, "header": 0, "index_col": False, "dtype": str}
    with containers.open_text(source.path) as stream:
        for frame in pd.read_csv(stream, chunksize=_ROWS, **written):
            for symbol, rows in frame.groupby("SYMBOL", sort=False):
                out = _orders(rows)
                if symbol not in begun:
                    begun.add(symbol)
                    first = out[:1].copy()
                    first["action"], first["doubtful"] = ord("R"), False
                    out = np.concatenate([first, out])
                yield str(symbol), out


def _orders(rows):
    ts = local_times.utc(pd.to_datetime(rows["MOMENT"], format=_MOMENT, errors="coerce"), moscow.ZONE)
    px, size = (pd.to_numeric(rows[name], errors="coerce").to_numpy(np.float64) for name in ("PRICE", "VOLUME"))
    number = pd.to_numeric(rows["ID"], errors="coerce", dtype_backend="numpy_nullable").astype("Int64")
    side, action = rows["TYPE"].map(_SIDES), rows["ACTION"].map(_ACTIONS)
    wrong = (side.isna() | action.isna() | number.isna()).to_numpy() | ~(np.isfinite(px) & (size > 0))
    wrong |= ts == raw.TIME_UNKNOWN
    return orders.create(
        flags=np.where(wrong, _DOUBTFUL, 0), ts=ts, sequence=np.full(len(ts), raw.NO_SEQUENCE),
        order_id=number.fillna(0).to_numpy(np.int64), side=side.fillna(0).to_numpy(np.int8), px=px,
        size=np.where(rows["ACTION"] == "0", np.inf, size),
        action=np.where(wrong, ord("N"), action.fillna("N").map(ord).to_numpy()),
    )  # fmt: skip


def _is_ticks(_path, head):
    return _names(head[0])[:5] == ("SYMBOL", "SYSTEM", "TYPE", "MOMENT", "DEAL_ID")


def _refused(source):
    raise errors.DataError(
        f"{source.path}: ticks of MOEX FORTS (type B), which are not read: what their rows say of the best quotes is "
        "not documented; give the log of all orders (type A, fut_ord), or tob_SYMBOL_DATE and trade_SYMBOL_DATE"
    )


LAYOUTS = (
    layout.Layout(
        vendor="moex", table="deals", symbol="SYMBOL", convert=_deals,
        columns={"SYMBOL": layout.TEXT, "MOMENT": layout.TEXT, "ID_DEAL": layout.INTEGER, "PRICE_DEAL": layout.NUMBER,
                 "VOLUME": layout.NUMBER, "DIRECTION": layout.TEXT},
    ),
    layout.Layout(
        vendor="moex", table="order log", stream=_order_log, recognise=lambda _, head: _names(head[0]) == _ORDER_LOG
    ),
    layout.Layout(vendor="moex", table="ticks", stream=_refused, recognise=_is_ticks),
)  # fmt: skip
