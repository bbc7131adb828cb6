"""MetaTrader 5's export of ticks: <DATE> 2022.11.10, <TIME> 15:00:00.017, <BID>, <ASK>, <LAST>, <VOLUME>, <FLAGS>.

Separated by tabs, in the time of the broker's server, which the file does not say. An empty bid or ask is unchanged.
"""

import pandas as pd

from tfmm import errors
from tfmm.market import raw
from tfmm.market.readers import containers, layout, local_times

_ROWS = 1 << 18
_HEADER = "<DATE>\t<TIME>\t<BID>\t<ASK>\t"


def _ticks(source):
    if not source.zone:
        raise errors.DataError(
            f"{source.path}: MetaTrader's times are those of the broker's server, wanted --time-zone, as "
            "Europe/Athens, Etc/GMT-2 or UTC"
        )
    last = pd.DataFrame({"<BID>": [float("nan")], "<ASK>": [float("nan")]})
    with containers.open_text(source.path) as stream:
        for frame in pd.read_csv(stream, sep="\t", dtype={"<DATE>": str, "<TIME>": str}, chunksize=_ROWS):
            known = pd.concat([last, frame[["<BID>", "<ASK>"]]], ignore_index=True).ffill()
            last = known.iloc[-1:]
            texts = frame["<DATE>"] + " " + frame["<TIME>"]
            form = "%Y.%m.%d %H:%M:%S.%f" if "." in str(frame["<TIME>"].iloc[0]) else "%Y.%m.%d %H:%M:%S"
            ts = local_times.utc(pd.to_datetime(texts, format=form, errors="coerce"), source.zone)
            bid, ask = (known[name].to_numpy()[1:] for name in ("<BID>", "<ASK>"))
            yield source.symbol, raw.quotes(ts, bid, float("nan"), ask, float("nan"))


LAYOUTS = (
    layout.Layout(
        vendor="metatrader", table="ticks", stream=_ticks,
        recognise=lambda _path, head: head[0].startswith(_HEADER),
        note=layout.FX_TICKS,
    ),
)  # fmt: skip
