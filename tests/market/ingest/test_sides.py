"""Sides of trades that contradict the market, that run ahead of it, or that say nothing."""

import numpy as np
import pandas as pd
import pytest

from tfmm.market.ingest import prepare, quality_table, sides

MS = 10**6
BEGIN_NS = 1_704_100_000 * 10**9


def market(agreement, quote_lag_ms=0, count=600, seed=3):
    """Quotes and trades: every second a buy at the ask or a sell at the bid moves the market 2 ticks its way.

    A share `agreement` of the trades keeps its true side; quotes are stamped quote_lag_ms too early.
    """
    rng = np.random.default_rng(seed)
    up = rng.random(count) < 0.5
    middle = 1000 + np.concatenate([[0], np.cumsum(np.where(up, 2, -2))])
    ts = BEGIN_NS + np.arange(1, count + 1) * 1000 * MS
    true_side = np.where(up, 1, -1)
    side = np.where(rng.random(count) < agreement, true_side, -true_side)
    quotes = pd.DataFrame({
        "ts": np.concatenate([[BEGIN_NS], ts + (1 - quote_lag_ms) * MS]),
        "bid": 0.01 * (middle - 1), "bid_size": 5, "ask": 0.01 * (middle + 1), "ask_size": 5,
    })  # fmt: skip
    trades = pd.DataFrame({"ts": ts, "price": 0.01 * (middle[:-1] + true_side), "size": 1, "side": side})
    return quotes.round(2), trades.round(2)


def prepared(folder, tables, **changes):
    raw = folder / "raw"
    raw.mkdir()
    for name, table in zip(("tob", "trade"), tables, strict=True):
        table.to_csv(raw / f"{name}_X_20240101.csv", index=False)
    request = prepare.Request(plots=False, jobs=1, **changes)
    return prepare.prepare(raw, folder / "store", request)


@pytest.mark.parametrize("agreement", [0.0, 0.04, 0.3])
@pytest.mark.parametrize("quote_lag_ms", [0, 50])
def test_sides_of_makers_are_refused_and_may_be_turned(tmp_path, agreement, quote_lag_ms):
    tables = market(agreement, quote_lag_ms)
    with pytest.raises(prepare.Refused, match=r"sides contradict the market: .* --flip-sides turns them") as caught:
        prepared(tmp_path, tables)
    assert "quote-lag" not in quality_table.table(caught.value.report)
    (tmp_path / "turned").mkdir()
    store, (report,) = prepared(tmp_path / "turned", tables, flip_sides=True)
    assert report["flipped_sides"]
    trades = store.events[store.events["kind"] == 1]
    np.testing.assert_array_equal(
        trades["side"], -tables[1]["side"][: len(trades)]
    )  # the last comes after the last quote


def test_true_sides_with_a_skew_are_told_the_skew(tmp_path):
    _, (report,) = prepared(tmp_path, market(0.97, 50))
    assert report["clock_skew_ms"] == 50
    assert "--quote-lag-ms 50 corrects it" in quality_table.table([report])


def test_sides_that_are_drawn_say_little_and_hint_at_no_skew(tmp_path):
    _, (report,) = prepared(tmp_path, market(0.5))
    text = quality_table.table([report])
    assert "sides say little: at most 5" in text
    assert "quote-lag" not in text


def test_quotes_after_the_trade_do_not_speak_against_its_side():
    """A trade that moves the market through its own price: later quotes contradict it, older ones decide."""
    curve = [(-10, 0.05), (0, 0.98), (10, 0.9)]
    assert not sides.contradiction(curve, 500)
    contrary = sides.contradiction([(-10, 0.9), (0, 0.02), (10, 0.2)], 500)
    assert contrary.startswith("sides contradict the market: 2% of 500")
    assert not sides.contradiction([(0, 0.02)], sides.ENOUGH_TRADES - 1)


def test_a_better_lag_without_a_plausible_level_is_no_skew():
    assert sides.skew_ms([(0, 0.45), (50, 0.55)]) == 0
    assert sides.skew_ms([(0, 0.55), (50, 0.65)]) == 50


def test_prints_beyond_the_best_raise_one_note_with_their_causes(tmp_path):
    quotes, trades = market(1.0)
    trades["price"] = (trades["price"] + 0.01 * trades["side"]).round(2)
    _, report = prepared(tmp_path, (quotes, trades))
    notes = [line for line in quality_table.table(report).splitlines() if "beyond the best prices" in line]
    assert len(notes) == 1
    assert notes[0].startswith("note: 100% of the trades of 1 of 1 sessions")


def test_a_median_at_the_ceiling_is_shown_as_such(tmp_path):
    quotes, trades = market(1.0)
    quotes["ask"] += 41.0
    trades["price"] += 20.0
    _, report = prepared(tmp_path, (quotes, trades))
    shown = dict(zip(*quality_table.rows(report), strict=True))
    assert shown["spread"] == ">=4096"


def test_allow_says_what_it_cannot_keep(tmp_path):
    quotes, trades = market(1.0)
    quotes["bid"], quotes["ask"] = quotes["ask"], quotes["bid"]
    with pytest.raises(prepare.Refused, match="--allow cannot keep 20240101 X, --skip leaves these sessions out"):
        prepared(tmp_path, (quotes, trades), allow=True)
