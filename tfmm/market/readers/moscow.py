"""Finam and QUIK ticks of the Moscow exchange, and the order log of its derivatives market, which is not read.

Finam: <TICKER>, <PER>, <DATE> 20160104, <TIME> 100000, <LAST>, <VOL>; Moscow time; trades without a side.
"""

from tfmm import errors
from tfmm.market import raw, schema
from tfmm.market.readers import layout, local_times

ZONE = "Europe/Moscow"


def _finam(columns):
    ts = local_times.two(columns["DATE"], columns["TIME"], "%Y%m%d %H%M%S", ZONE)
    return raw.trades(ts, columns["LAST"], columns["VOL"], schema.UNKNOWN)


def _is_order_log(_path, head):
    return head[0].lstrip("#").upper().startswith("SYMBOL,SYSTEM,TYPE,MOMENT,")


def _refused(source):
    raise errors.DataError(
        f"{source.path}: an order log of MOEX FORTS, which is not read: rebuild the best quotes and trades from it, "
        "and give tob_SYMBOL_DATE and trade_SYMBOL_DATE"
    )


LAYOUTS = (
    layout.Layout(
        vendor="finam", table="ticks", symbol="TICKER", convert=_finam,
        columns={"TICKER": layout.TEXT, "DATE": layout.TEXT, "TIME": layout.TEXT, "LAST": layout.NUMBER,
                 "VOL": layout.NUMBER},
        note="Finam's ticks are trades without a side in Moscow time: the quotes must come from other files",
    ),
    layout.Layout(vendor="moex", table="order log", stream=_refused, recognise=_is_order_log),
)  # fmt: skip
