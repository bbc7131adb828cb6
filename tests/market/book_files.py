"""One small market of an order book, as the files of every layout that holds changes of levels or orders."""

import datetime
import io
import json
import types
import zipfile

import databento_dbn as dbn
import numpy as np

START = 1_704_103_200_000  # 2024-01-01 10:00, ms
MS = 10**6
BID, ASK = 1, -1


class Market:
    """messages: [(ms, [(side, tick, size)])], the first of them all levels. trades: [(ms, tick, size, side)].
    best: [(ms, bid tick, size, ask tick, size)] after each message that changed them. Prices are ticks of 0.5."""

    def __init__(self, seed=0, count=400):
        random = np.random.default_rng(seed)
        book = {BID: {1000 - k: 5 + k for k in range(8)}, ASK: {1001 + k: 6 + k for k in range(8)}}
        self.messages = [
            (START, [(side, tick, size) for side, levels in book.items() for tick, size in levels.items()])
        ]
        self.trades = []
        self.best = [(START, *self._top(book))]
        now = START
        for _ in range(count):
            now += int(random.integers(2, 400))
            if random.random() < 0.2:
                side = int(random.choice([BID, ASK]))
                bid, _, ask, _ = self._top(book)
                self.trades.append((now - 1, ask if side == BID else bid, int(random.integers(1, 5)), side))
            changes = {}
            for _ in range(int(random.integers(1, 5))):
                side = int(random.choice([BID, ASK]))
                far = min(book[ASK]) if side == BID else max(book[BID])
                tick = far - side * int(random.integers(1, 9))
                size = int(random.integers(0, 20) * (random.random() < 0.6))
                if size == 0 and (tick not in book[side] or len(book[side]) < 4):
                    continue
                changes[side, tick] = size
                book[side][tick] = size
                if not size:
                    del book[side][tick]
            self.messages.append((now, [(*key, size) for key, size in changes.items()]))
            if self._top(book) != self.best[-1][1:]:
                self.best.append((now, *self._top(book)))

    @staticmethod
    def _top(book):
        bid, ask = max(book[BID]), min(book[ASK])
        return bid, book[BID][bid], ask, book[ASK][ask]


def _px(tick):
    return f"{tick / 2:.1f}"


def _sides(changes):
    return [[[_px(tick), str(size)] for one, tick, size in changes if one == side] for side in (BID, ASK)]


def _lines(rows):
    return "\n".join(json.dumps(row, separators=(",", ":")) for row in rows).encode() + b"\n"


def bybit(market):
    rows = []
    for k, (ms, changes) in enumerate(market.messages):
        bids, asks = _sides(changes)
        rows.append({"topic": "orderbook.500.XUSDT", "type": "delta" if k else "snapshot", "ts": ms + 9,
                     "data": {"s": "XUSDT", "b": bids, "a": asks, "u": 70 + k, "seq": k}, "cts": ms})  # fmt: skip
    lines = ["timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"]
    lines += [
        f"{ms / 1000:.3f},XUSDT,{'Buy' if side > 0 else 'Sell'},{size},{_px(tick)},Tick,a{k},1,{size},{size * tick / 2}"
        for k, (ms, tick, size, side) in enumerate(market.trades)
    ]
    return {"2024-01-01_XUSDT_ob500.data": _lines(rows), "XUSDT2024-01-01.csv": "\n".join(lines).encode() + b"\n"}


def okx(market):
    rows = []
    for k, (ms, changes) in enumerate(market.messages):
        bids, asks = ([[*level, "1"] for level in side] for side in _sides(changes))
        rows.append(
            {"instId": "X-USDT", "action": "update" if k else "snapshot", "ts": str(ms), "asks": asks, "bids": bids}
        )
    lines = ["instrument_name,trade_id,side,price,size,created_time"]
    lines += [
        f"X-USDT,{k},{'buy' if side > 0 else 'sell'},{_px(tick)},{size},{ms}"
        for k, (ms, tick, size, side) in enumerate(market.trades)
    ]
    text = "\n".join(lines).encode() + b"\n"
    return {"X-USDT-L2orderbook-400lv-2024-01-01.data": _lines(rows), "X-USDT-trades-2024-01-01.csv": text}


def tardis(market):
    lines = ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
    lines += [
        f"bybit,XUSDT,{ms}000,{ms + 3}000,{str(not k).lower()},{'bid' if side > 0 else 'ask'},{_px(tick)},{size}"
        for k, (ms, changes) in enumerate(market.messages)
        for side, tick, size in changes
    ]
    trades = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount"]
    trades += [
        f"bybit,XUSDT,{ms}000,{ms + 3}000,{k},{'buy' if side > 0 else 'sell'},{_px(tick)},{size}"
        for k, (ms, tick, size, side) in enumerate(market.trades)
    ]
    return {
        "bybit_incremental_book_L2_2024-01-01_XUSDT.csv": "\n".join(lines).encode() + b"\n",
        "bybit_trades_2024-01-01_XUSDT.csv": "\n".join(trades).encode() + b"\n",
    }


def binance(market):
    """The snapshot comes after the first change, which it already holds."""
    (begin, levels), *changes = market.messages
    bids, asks = _sides(levels)
    rows = [(begin - 5, {"e": "depthUpdate", "E": begin, "T": begin - 5, "s": "XUSDT", "U": 90, "u": 99, "pu": 80,
                         "b": bids[:1], "a": []}),
            (begin, {"lastUpdateId": 100, "E": begin, "T": begin, "bids": bids, "asks": asks})]  # fmt: skip
    for k, (ms, levels) in enumerate(changes):
        bids, asks = _sides(levels)
        rows.append((ms, {"e": "depthUpdate", "E": ms, "T": ms, "s": "XUSDT", "U": 100 + 10 * k, "u": 108 + 10 * k,
                          "pu": 98 + 10 * k, "b": bids, "a": asks}))  # fmt: skip
    rows += [
        (ms, {"e": "trade", "E": ms, "T": ms, "s": "XUSDT", "t": k, "p": _px(tick), "q": str(size), "X": "MARKET",
              "m": side < 0})
        for k, (ms, tick, size, side) in enumerate(market.trades)
    ]  # fmt: skip
    rows.sort(key=lambda row: row[0])
    text = "\n".join(f"{ms + 4}000000 {json.dumps(row, separators=(',', ':'))}" for ms, row in rows)
    return {"xusdt_20240101.txt": text.encode() + b"\n"}


def hftbacktest(market):
    fields = [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8"),
              ("order_id", "<u8"), ("ival", "<i8"), ("fval", "<f8")]  # fmt: skip
    seen, side_bit = 0xC0000000, {BID: 1 << 29, ASK: 1 << 28}
    rows = [
        (ms, (1 if k else 4) | side_bit[side] | seen, tick, size)
        for k, (ms, changes) in enumerate(market.messages)
        for side, tick, size in changes
    ]
    rows += [(ms, 2 | side_bit[side] | seen, tick, size) for ms, tick, size, side in market.trades]
    rows.sort(key=lambda row: row[0])
    out = np.array([(ev, ms * MS, ms * MS + 9, tick / 2, size, 0, 0, 0) for ms, ev, tick, size in rows], fields)
    file, array = io.BytesIO(), io.BytesIO()
    np.save(array, out)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", array.getvalue())
    return {"xusdt_20240101.npz": file.getvalue()}


def databento(market):
    """One order at each level, numbered by it; the snapshot's orders are of the day before."""
    interval = types.SimpleNamespace(
        start_date=datetime.date(2024, 1, 1), end_date=datetime.date(2024, 1, 2), symbol="7"
    )
    metadata = dbn.Metadata(
        dataset="GLBX.MDP3", start=1, schema=dbn.Schema.MBO, stype_in=dbn.SType.RAW_SYMBOL,
        stype_out=dbn.SType.INSTRUMENT_ID,
        mappings=[types.SimpleNamespace(raw_symbol="XUSDT", intervals=[interval])],
    )  # fmt: skip
    rows, there = [], set()
    for k, (ms, changes) in enumerate(market.messages):
        if not k:
            rows.append((ms, ms - 90_000_000, dbn.Action.CLEAR, dbn.Side.NONE, 0, 0, 0, dbn.F_SNAPSHOT))
        # a level that came and went within the message was never an order
        changes = [(side, tick, size) for side, tick, size in changes if size or (side, tick) in there]
        for number, (side, tick, size) in enumerate(changes, 1):
            key, known = (side, tick), (side, tick) in there
            action = dbn.Action.CANCEL if not size else dbn.Action.MODIFY if known else dbn.Action.ADD
            there.discard(key) if not size else there.add(key)
            flags = dbn.F_LAST if number == len(changes) else 0
            word = dbn.Side.BID if side > 0 else dbn.Side.ASK
            time = ms if k else ms - 90_000_000
            rows.append(
                (
                    ms,
                    time,
                    action,
                    word,
                    tick,
                    size or 10**6,
                    2 * tick + (side > 0),
                    flags | (0 if k else dbn.F_SNAPSHOT),
                )
            )
    for ms, tick, size, side in market.trades:
        word = dbn.Side.BID if side > 0 else dbn.Side.ASK
        rows.append((ms, ms, dbn.Action.TRADE, word, tick, size, 0, dbn.F_LAST))
    rows.sort(key=lambda row: row[0])
    records = b"".join(
        bytes(
            dbn.MBOMsg(
                publisher_id=1, instrument_id=7, ts_event=time * MS, order_id=number, price=tick * 500_000_000,
                size=size, action=action, side=side, ts_recv=ms * MS, sequence=k, flags=flags,
            )
        )
        for k, (ms, time, action, side, tick, size, number, flags) in enumerate(rows)
    )  # fmt: skip
    return {"xusdt.mbo.dbn": bytes(metadata) + records}


LAYOUTS = {one.__name__: one for one in (bybit, okx, tardis, binance, hftbacktest, databento)}
