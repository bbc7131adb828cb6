"""The same rows in any wrapping give the same store: three layouts times what people wrap files in."""

import bz2
import gzip
import itertools
import json
import lzma
import zipfile

import pyarrow as pa
import pytest

from tests.market import vendor_files
from tfmm.market.ingest import prepare

DAYS = ("2024-01-01", "2024-01-02")
START_NS = 1_704_067_200 * 10**9


def _own(symbol, day, seed):
    """Quotes of ticks of a hundredth, trades at the touch."""
    quotes, trades = ["ts,bid,bid_size,ask,ask_size"], ["ts,price,size,side"]
    for k in range(200):
        ts, bid = START_NS + day * 86_400 * 10**9 + (k + 1) * 10**9, 1000 + 100 * seed + (7 * k + seed) % 13
        quotes.append(f"{ts},{bid / 100:.2f},{3 + k % 4},{(bid + 1) / 100:.2f},{5 + k % 3}")
        if k % 5 == 2:
            trades.append(f"{ts + 1000},{(bid + k % 2) / 100:.2f},{1 + k % 2},{1 if k % 2 else -1}")
    date = DAYS[day].replace("-", "")
    return {f"tob_{symbol}_{date}": "\n".join(quotes) + "\n", f"trade_{symbol}_{date}": "\n".join(trades) + "\n"}


def _binance(symbol, day, seed):
    made = vendor_files.book(day, seed=seed, symbol=symbol)[:2], vendor_files.prints(day, seed=seed, symbol=symbol)
    return {name.removesuffix(".csv"): text for name, text in made}


def _tardis(symbol, day, seed):
    quotes = ["exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"]
    trades = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount"]
    for k in range(200):
        us, bid = START_NS // 1000 + day * 86_400_000_000 + (k + 1) * 10**6, 7000 + 100 * seed + (7 * k + seed) % 13
        quotes.append(f"deribit,{symbol},{us},{us + 9},{5 + k % 3},{bid + 1},{bid},{3 + k % 4}")
        if k % 5 == 2:
            side = "buy" if k % 2 else "sell"
            trades.append(f"deribit,{symbol},{us + 1},{us + 9},{1000 * day + k},{side},{bid + k % 2},{1 + k % 2}")
    return {
        f"deribit_quotes_{DAYS[day]}_{symbol}": "\n".join(quotes) + "\n",
        f"deribit_trades_{DAYS[day]}_{symbol}": "\n".join(trades) + "\n",
    }


VENDORS = {
    "tfmm": (_own, ("ABC", "DEF")),
    "binance": (_binance, ("BTCUSDT", "ETHUSDT")),
    "tardis": (_tardis, ("A-PERP", "B-PERP")),
}
PACKED = {
    "plain": (".csv", bytes), "gz": (".csv.gz", gzip.compress), "bz2": (".csv.bz2", bz2.compress),
    "xz": (".csv.xz", lzma.compress), "zst": (".csv.zst", lambda data: pa.compress(data, codec="zstd", asbytes=True)),
}  # fmt: skip
FOLDERS = {
    "folder a day": lambda symbol, day: f"{day}", "folder a symbol": lambda symbol, day: f"{symbol}",
    "folder a symbol and day": lambda symbol, day: f"{symbol}/{day.replace('-', '/')}",
    "hive": lambda symbol, day: f"symbol={symbol}/date={day}",
}  # fmt: skip
ZIPS = {
    "zip": lambda symbol, day, name: (f"{name}.zip", f"{name}.csv"),
    "zip of a day": lambda symbol, day, name: (f"{day}.zip", f"{name}.csv"),
    "zip of all, in folders": lambda symbol, day, name: ("all.zip", f"{symbol}/{day}/{name}.csv"),
}
BARE = {"bare names, hive": "hive", "bare names, folder a symbol and day": "folder a symbol and day"}
WRAPPINGS = [*PACKED, *FOLDERS, *ZIPS, "zip of gz", "hive of zst", *BARE]


def wrap(root, files, wrapping):
    """files: [(symbol, day, name without suffix, text)]."""
    for symbol, day, name, text in files:
        data = text.encode()
        if wrapping in ZIPS or wrapping == "zip of gz":
            archive, member = ZIPS.get(wrapping, ZIPS["zip of a day"])(symbol, day, name)
            data, member = (gzip.compress(data), member + ".gz") if wrapping == "zip of gz" else (data, member)
            with zipfile.ZipFile(root / archive, "a", zipfile.ZIP_DEFLATED) as out:
                out.writestr(member, data)
            continue
        if wrapping in BARE:  # only the kind of data is left
            name = next(kind for kind in ("tob", "trades", "trade", "quotes", "bookTicker") if kind in name)
        suffix, pack = PACKED["zst"] if wrapping == "hive of zst" else PACKED.get(wrapping, PACKED["plain"])
        folder = root / FOLDERS.get(BARE.get(wrapping, wrapping.removesuffix(" of zst")), lambda *_: "")(symbol, day)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}{suffix}").write_bytes(pack(data))


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_wrapping_gives_the_same_store(tmp_path, vendor):
    make, symbols = VENDORS[vendor]
    files = [
        (symbol, DAYS[day], name, text)
        for (seed, symbol), day in itertools.product(enumerate(symbols), range(2))
        for name, text in make(symbol, day, seed).items()
    ]
    found = {}
    for wrapping in WRAPPINGS:
        root = tmp_path / wrapping
        root.mkdir()
        wrap(root, files, wrapping)
        store, report = prepare.prepare(root, tmp_path / f"store {wrapping}", vendor_files.request())
        found[wrapping] = store.data_hash
        assert [one.symbol for one in store.instruments] == list(symbols)
        assert [one.name for one in store.sessions] == ["20240101", "20240102"]
        assert all(one["trades_kept"] > 30 for one in report)
        told = json.loads((tmp_path / f"store {wrapping}" / prepare.QUALITY).read_text())
        assert (told["passed_over"], told["repeated"]) == ([], [])
    assert set(found.values()) == {found["plain"]}, found


def test_workers_read_members_of_zips_as_one_process_does(tmp_path, monkeypatch):
    make, symbols = VENDORS["binance"]
    files = [(symbols[0], DAYS[day], name, text) for day in range(2) for name, text in make(symbols[0], day, 0).items()]
    wrap(tmp_path, files, "zip of all, in folders")
    alone, _ = prepare.prepare(tmp_path / "all.zip", tmp_path / "alone", vendor_files.request(layout="binance"))
    monkeypatch.setattr(prepare, "_SMALL_BYTES", 0)
    store, _ = prepare.prepare(tmp_path / "all.zip", tmp_path / "store", vendor_files.request(layout="binance", jobs=2))
    assert store.data_hash == alone.data_hash
