"""MOEX's log of all orders against a dictionary of orders, and what it does with rows that it cannot understand."""

import numpy as np
import pandas as pd

from tests.market.readers import test_layouts
from tfmm.market import schema
from tfmm.market.ingest import prepare

HEADER = "#SYMBOL,SYSTEM,TYPE,MOMENT,ID,ACTION,PRICE,VOLUME,ID_DEAL,PRICE_DEAL\n"
START = pd.Timestamp("2024-10-01 10:00", tz="Europe/Moscow")
DAY = "20241001100000"


def _quotes(path):
    keys = ("lo", "lo_size", "hi", "hi_size")
    return [
        (name, (int(row["ts"]) - START.value) // 10**6, *(row[key].item() for key in keys))
        for name, row in test_layouts.read(path)[1]
    ]


def _write(path, *rows):
    """rows: (ms, symbol, side, id, action, price, volume)."""
    text = HEADER
    for ms, symbol, side, number, action, px, volume in rows:
        deal = f"77,{px:.5f}" if action == 2 else ","
        text += f"{symbol},F,{side},{DAY}{ms:03d},{number},{action},{px:.5f},{volume},{deal}\n"
    path.write_text(text)
    return path


def test_an_order_that_crosses_trades_within_its_moment_and_is_never_seen_crossed(tmp_path):
    big = 1892947028292403201  # more than a float holds
    path = _write(
        tmp_path / "20241001_fut_ord.csv",
        (1, "Si", "B", big, 1, 100, 5), (1, "Si", "S", big + 1, 1, 101, 4), (2, "Eu", "B", 9, 1, 50, 1),
        (3, "Si", "B", big + 2, 1, 101, 6), (3, "Si", "B", big + 2, 2, 101, 4), (3, "Si", "S", big + 1, 2, 101, 4),
        (4, "Si", "S", big + 3, 1, 102, 1), (5, "Si", "B", big + 2, 0, 101, 2),
    )  # fmt: skip
    nan = np.nan
    np.testing.assert_equal(
        sorted(_quotes(path), key=lambda row: (row[0] != "Si", row[1])),
        [("Si", 1, 100, 5, 101, 4), ("Si", 3, 101, 2, nan, nan), ("Si", 4, 101, 2, 102, 1), ("Si", 5, 100, 5, 102, 1),
         ("Eu", 2, 50, 1, nan, nan)],
    )  # fmt: skip


def test_a_log_separated_by_semicolons(tmp_path):
    path = _write(tmp_path / "20241001_fut_ord.csv", (1, "Si", "B", 1, 1, 100, 5), (1, "Si", "S", 2, 1, 101, 4))
    path.write_text(path.read_text().replace(",", ";"))
    assert _quotes(path) == [("Si", 1, 100, 5, 101, 4)]


def test_random_logs_equal_a_dictionary_of_orders(tmp_path):
    for seed in range(20):
        random, resting, rows, wanted = np.random.default_rng(seed), {}, [], []
        for ms in range(200):
            for _ in range(random.integers(1, 4)):
                if resting and random.random() < 0.5:
                    number = int(random.choice(list(resting)))
                    side, px, size = resting[number]
                    taken = size if random.random() < 0.5 else int(random.integers(1, size + 1))
                    rows.append((ms, "Si", side, number, 0 if taken == size else 2, px, taken))
                    resting[number] = (side, px, size - taken)
                    if taken == size:
                        del resting[number]
                else:
                    side, number = str(random.choice(["B", "S"])), len(rows) + 1
                    px = int(random.integers(90, 100)) if side == "B" else int(random.integers(100, 110))
                    resting[number] = (side, px, int(random.integers(1, 9)))
                    rows.append((ms, "Si", side, number, 1, px, resting[number][2]))
            best = []
            for side, choose in (("B", max), ("S", min)):
                levels = [(px, size) for of, px, size in resting.values() if of == side]
                px = choose(levels)[0] if levels else np.nan
                best += [px, sum(size for at, size in levels if at == px) or np.nan]
            before = wanted[-1][2:] if wanted else [np.nan] * 4  # an empty book
            if not np.array_equal(best, before, equal_nan=True):
                wanted.append(("Si", ms, *best))
        found = _quotes(_write(tmp_path / f"2024100{1 + seed % 9}_fut_ord.csv", *rows))
        np.testing.assert_equal(found, wanted)


def test_what_is_not_understood_makes_the_market_unknown(tmp_path):
    """An order that was never seen, and a row whose action is none: no quotes from then on."""
    for wrong in ((3, "Si", "B", 7, 0, 100, 5), (3, "Si", "B", 7, 4, 100, 5)):
        path = _write(
            tmp_path / "20241001_fut_ord.csv",
            (1, "Si", "B", 1, 1, 100, 5), (2, "Si", "S", 2, 1, 101, 4), wrong, (4, "Si", "B", 8, 1, 100.5, 1),
        )  # fmt: skip
        rows = _quotes(path)
        assert rows[1] == ("Si", 2, 100, 5, 101, 4)
        assert all(np.isnan(row[2]) and np.isnan(row[4]) for row in rows[2:]), rows
        assert len(rows) > 2


def test_a_log_and_its_deals_make_a_store_in_roubles(tmp_path):
    random, deals = np.random.default_rng(0), "#SYMBOL,SYSTEM,MOMENT,ID_DEAL,PRICE_DEAL,VOLUME,OPEN_POS,DIRECTION\n"
    rows = [(0, "SiZ4", "B", 1, 1, 100, 50), (0, "SiZ4", "S", 2, 1, 101, 50)]
    for k in range(1, 200):
        side, other, px, passive = (("B", "S", 101, 2), ("S", "B", 100, 1))[random.integers(2)]
        ms, number = 4 * k, 10 + k
        rows += [(ms, "SiZ4", side, number, 1, px, 1), (ms, "SiZ4", side, number, 2, px, 1),
                 (ms, "SiZ4", other, passive, 2, px, 1), (ms + 1, "SiZ4", other, passive, 0, px, 49),
                 (ms + 1, "SiZ4", other, passive, 1, px, 50)]  # fmt: skip
        deals += f"SiZ4,F,{DAY}{ms:03d},{k},{px:.5f},1,7,{side}\n"
    _write(tmp_path / "20241001_fut_ord.csv", *rows)
    (tmp_path / "20241001_fut_deal.csv").write_text(deals)
    store, (report,) = prepare.prepare(tmp_path, tmp_path / "store", prepare.Request(plots=False, jobs=1))
    assert (store.instruments[0].symbol, store.instruments[0].quote_currency) == ("SiZ4", "RUB")
    assert report["trades_kept"] == 199
    assert (store.events["kind"] == schema.TRADE).sum() == 199
    assert (store.events["kind"] == schema.QUOTE).sum() == 1 + 2 * 199
