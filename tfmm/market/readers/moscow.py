"""Finam and QUIK ticks of the Moscow exchange: trades without a side in Moscow time.

<TICKER>, <PER>, <DATE> 20160104, <TIME> 100000, <LAST>, <VOL>.
"""

from tfmm.market import raw, schema
from tfmm.market.readers import layout, local_times

ZONE = "Europe/Moscow"


def _finam(columns):
    ts = local_times.two(columns["DATE"], columns["TIME"], "%Y%m%d %H%M%S", ZONE)
    return raw.trades(ts, columns["LAST"], columns["VOL"], schema.UNKNOWN)


LAYOUTS = (
    layout.Layout(
        vendor="finam", table="ticks", symbol="TICKER", convert=_finam,
        columns={"TICKER": layout.TEXT, "DATE": layout.TEXT, "TIME": layout.TEXT, "LAST": layout.NUMBER,
                 "VOL": layout.NUMBER},
        note="Finam's ticks are trades without a side in Moscow time: the quotes must come from other files",
    ),
)  # fmt: skip
