"""Lines of a Binance stream recorder: `<local ns, us or ms> <json>`, or the JSON alone.

Their fields are in tfmm.market.binance_messages. The bookTicker of spot carries no time at all: all rows of a spot
recorder get the time of receipt, so that quotes and trades are on one clock.
"""

from collections.abc import Sequence

from tfmm import errors
from tfmm.market import binance_messages, raw
from tfmm.market.readers import json_lines, layout

_MS = 10**6
_EVENTS = ("bookTicker", "trade", "aggTrade", "depthUpdate", "markPriceUpdate", "kline", "forceOrder")


class _Decoder:
    decode = staticmethod(binance_messages.decode)


def seen(head: Sequence[str]) -> set[str]:
    """Kinds of the messages in the first lines, and "spot" where they are the spot market's."""
    out = set()
    for one in json_lines.messages(head, _Decoder):
        if one.kind in _EVENTS:
            out.add(one.kind)
            if one.symbol and not one.time and one.kind == "bookTicker":
                out.add("spot")
    return out


def _stream(spot):
    def stream(source):
        """Yields (symbol, rows); a line that is no such message is a row without a time."""
        if spot and not any(json_lines.split(line.encode())[0] != raw.TIME_UNKNOWN for line in source.head):
            raise errors.DataError(
                f"{source.path}: the bookTicker of Binance spot holds no time, and no line begins with the time of "
                "receipt, wanted lines `<ns> <json>`"
            )
        aggregated = {"trade", "aggTrade"} & seen(source.head) == {"aggTrade"}

        def read(ns, text):
            one = binance_messages.decode(text)
            found = binance_messages.row(one, "aggTrade" if aggregated else "trade", ns if spot else one.time * _MS)
            return [] if found is None else [(one.symbol, found)]

        return json_lines.rows(source, read)

    return stream


LAYOUTS = (
    layout.Layout(
        vendor="binance_stream", table="spot recorder", stream=_stream(True), venue="binance",
        recognise=lambda _, head: "spot" in seen(head),
        note="Binance spot's bookTicker holds no exchange time: quotes and trades have the time of receipt",
    ),
    layout.Layout(
        vendor="binance_stream", table="recorder", stream=_stream(False), recognise=lambda _, head: bool(seen(head)),
        venue="binance-futures",
    ),
)  # fmt: skip
