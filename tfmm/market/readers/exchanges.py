"""Trade dumps of Bybit and OKX, Coinbase messages. The quotes that go with trades come from other files."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from tfmm.market import instruments, raw, schema
from tfmm.market.readers import containers, layout

_SIDES = {"buy": schema.BUY, "sell": schema.SELL}
_MAKER_SIDES = {"buy": schema.SELL, "sell": schema.BUY}
_NEAR = 0.02


def _bybit_perpetual(columns):
    side = columns["side"].translate(_SIDES, raw.WRONG_SIDE)
    return raw.trades(columns["timestamp"], columns["price"], columns["size"], side)


def notional_contract(columns: Mapping[str, Any]) -> instruments.Terms:
    """The kind of contract that the values of trades tell.

    Linear: foreignNotional = size x price. Inverse: homeNotional = size / price, the size in USD.
    """
    if "homeNotional" not in columns or "foreignNotional" not in columns:
        return instruments.Terms()
    with np.errstate(divide="ignore", invalid="ignore"):
        linear = _middle(columns["foreignNotional"] / (columns["size"] * columns["price"]))
        inverse = _middle(columns["homeNotional"] * columns["price"] / columns["size"])
    if abs(linear - 1.0) < _NEAR:
        return instruments.Terms(inverse=False, multiplier=1.0)
    return instruments.Terms(inverse=True, multiplier=1.0) if abs(inverse - 1.0) < _NEAR else instruments.Terms()


def _middle(values):
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan


def _bybit_spot(columns):
    side = columns["side"].translate(_SIDES, raw.WRONG_SIDE)
    return raw.trades(columns["timestamp"], columns["price"], columns["volume"], side, columns["id"])


def _okx(columns):
    side = columns["side"].translate(_SIDES, raw.WRONG_SIDE)
    return raw.trades(columns["created_time"], columns["price"], columns["size"], side, columns["trade_id"])


def _coinbase_recognise(path, head):
    text = "".join(head[:40])
    return text[:1] in "[{" and '"time"' in text and ('"trade_id"' in text or '"best_bid"' in text)


def _coinbase_stream(source):
    """REST trades (a JSON array) or websocket messages (one a line). A trade's side is the MAKER's."""
    if source.head[0].startswith("["):
        with containers.open_text(source.path) as stream:
            messages = msgspec.json.decode(stream.read(), type=list[dict])
    else:
        messages = [msgspec.json.decode(line, type=dict) for line in containers.lines(source.path) if line.strip()]
    books = [one for one in messages if one.get("type") == "ticker" and "best_bid" in one]
    matches = [one for one in messages if "trade_id" in one and one.get("type", "match") in ("match", "last_match")]
    for one, build in ((books, _coinbase_quotes), (matches, _coinbase_trades)):
        frame = pd.DataFrame(one)
        if not len(frame):
            continue
        named = "product_id" in frame
        for symbol, part in frame.groupby("product_id") if named else ((source.symbol, frame),):
            yield symbol, build(part)


def _coinbase_quotes(frame):
    sizes = [_numbers(frame, name) for name in ("best_bid_size", "best_ask_size")]
    bid, ask = _numbers(frame, "best_bid"), _numbers(frame, "best_ask")
    return raw.quotes(_iso(frame), bid, sizes[0], ask, sizes[1], _sequence(frame, "sequence"))


def _coinbase_trades(frame):
    side = frame["side"].str.lower().map(_MAKER_SIDES).fillna(raw.WRONG_SIDE).to_numpy(np.int16)
    return raw.trades(
        _iso(frame), _numbers(frame, "price"), _numbers(frame, "size"), side, _sequence(frame, "trade_id")
    )


def _numbers(frame, name):
    if name not in frame:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)


def _sequence(frame, name):
    values = _numbers(frame, name)
    return np.where(np.abs(values) < 2.0**63, values, raw.NO_SEQUENCE).astype(np.int64)


def _iso(frame):
    if "time" not in frame:
        return np.full(len(frame), raw.TIME_UNKNOWN)
    times = pd.to_datetime(frame["time"], utc=True, errors="coerce", format="ISO8601")
    ns = times.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    return np.where(times.isna().to_numpy(), raw.TIME_UNKNOWN, ns)


LAYOUTS = (
    layout.Layout(
        vendor="bybit", table="perpetual trades", symbol="symbol", convert=_bybit_perpetual, contract=notional_contract,
        venue="bybit",
        columns={"timestamp": layout.TIME, "symbol": layout.TEXT, "side": layout.TEXT, "size": layout.NUMBER,
                 "price": layout.NUMBER, "trdMatchID": layout.TEXT},
        fits=lambda first: "-" not in first.get("timestamp", ""),
        optional={"homeNotional": layout.NUMBER, "foreignNotional": layout.NUMBER},
    ),
    layout.Layout(
        vendor="bybit", table="spot trades", convert=_bybit_spot, venue="bybit-spot",
        columns={"id": layout.INTEGER, "timestamp": layout.TIME, "price": layout.NUMBER, "volume": layout.NUMBER,
                 "side": layout.TEXT},
    ),
    layout.Layout(
        vendor="okx", table="trades", symbol="instrument_name", convert=_okx, dense_ids=True,
        columns={"instrument_name": layout.TEXT, "trade_id": layout.INTEGER, "side": layout.TEXT,
                 "price": layout.NUMBER, "size": layout.NUMBER, "created_time": layout.TIME},
    ),
    layout.Layout(
        vendor="okx", table="trades of a file", convert=_okx, dense_ids=True,
        columns={"trade_id": layout.INTEGER, "side": layout.TEXT, "size": layout.NUMBER, "price": layout.NUMBER,
                 "created_time": layout.TIME},
    ),
    layout.Layout(
        vendor="coinbase", table="messages", stream=_coinbase_stream, recognise=_coinbase_recognise, dense_ids=True,
    ),
)  # fmt: skip
