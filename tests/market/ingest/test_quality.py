"""The quality report: worked numbers, clock skew, reasons for refusal, the page."""

import math

import numpy as np
import pandas as pd
import pytest

from tfmm.market import schema, tape
from tfmm.market.ingest import quality, quality_page, quality_table, sides

ONE = schema.Instrument(symbol="X", tick_size=1.0)
MS = 10**6


def measured(quotes, trades, gap_s=10.0, blocks=1):
    events = tape.Tape.from_frames(
        pd.DataFrame(quotes, columns=list(tape.QUOTE_COLUMNS)),
        pd.DataFrame(trades, columns=list(tape.TRADE_COLUMNS)),
        ONE,
    ).events
    meter = quality.Meter(0, (int(events["ts"][0]), int(events["ts"][-1])), gap_s)
    for block in np.array_split(events, blocks):
        meter.add(block)
    return meter.report()


SECOND = 10**9
QUOTES = [(SECOND, 10, 1, 12, 1), (2 * SECOND, 10, 1, 10, 1), (40 * SECOND, 20, 1, 22, 1)]
TRADES = [(SECOND + 5, 12, 1, 1), (3 * SECOND, 9, 1, -1), (41 * SECOND, 23, 1, -1), (42 * SECOND, 21, 1, 1)]


@pytest.mark.parametrize("blocks", [1, 2, 7])
def test_worked_numbers_in_any_blocks(blocks):
    one = measured(QUOTES, TRADES, blocks=blocks)
    assert (one["quotes_kept"], one["trades_kept"], one["locked"], one["buys"], one["sells"]) == (3, 4, 1, 2, 2)
    assert one["span_s"] == 41.0
    assert (one["gaps"], one["longest_gap_s"]) == (1, 37.0)
    assert one["longest_gaps"][0] == {"begin_ns": 3 * SECOND, "length_s": 37.0}
    assert one["median_spread_tick"] == 2
    # 12 is above 11: buy, right; 9 below 10: sell, right; 23 above 21: a buy, but sold; 21 is at the mid
    assert one["side_agreement"] == pytest.approx(2 / 3)
    # 9 < 10 and 23 > 22
    assert one["prints_beyond_best"] == 0.5
    assert one["spread_histogram"] == {"ticks": [0, 2], "quotes": [1, 2], "last_is_at_least": quality.SPREADS}
    assert sum(one["timeline"]["quotes"]) == 3


def test_nothing_is_nan_not_zero():
    one = measured([(1, 10, 1, 12, 1)], [])
    assert math.isnan(one["side_agreement"])
    assert math.isnan(one["longest_gap_s"])
    assert math.isnan(one["clock_skew_ms"])


def late_quotes(lag_ms):
    """A mid that jumps up and down; each jump follows a trade on that side, seen `lag_ms` too early."""
    times = np.arange(1, 400) * 200 * MS
    up = np.random.default_rng(0).integers(0, 2, len(times)).astype(bool)
    level = np.concatenate([[100], 100 + np.cumsum(np.where(up, 2, -2))])
    before = level[:-1]
    trades = [
        (int(t), int(b + 1 if u else b - 1), 1, 1 if u else -1) for t, b, u in zip(times, before, up, strict=True)
    ]
    seen = times + MS - lag_ms * MS
    quotes = [(int(t), int(m - 1), 1, int(m + 1), 1) for t, m in zip(np.r_[1, seen], level, strict=True)]
    return quotes, trades


@pytest.mark.parametrize("lag_ms", [0, 20, 100])
def test_clock_skew_is_found(lag_ms):
    quotes, trades = late_quotes(lag_ms)
    one = measured(quotes, trades)
    assert one["clock_skew_ms"] == lag_ms
    shares = {point["lag_ms"]: point["agreement"] for point in one["side_agreement_by_lag"]}
    assert shares[lag_ms] == 1.0


def report(**changes):
    rest = {"session": "s", "symbol": "X", "layouts": [], "files": [], "rows_read": 1000, "dropped": {}, "malformed": 0,
            "no_time": 0, "out_of_order": 0, "numbered": False, "tick_size": 1.0, "off_grid_px": math.nan,
            "time_faults": [], "missing_trades": None, "quotes_read": 900, "trades_read": 300, "unsized": 0,
            "trades_elsewhere": False, "assumed_size": None,
            "not_positive": 0, "far": 0, "lot_size": 1.0, "multiplier": 1.0, "inverse": False, "quote_lag_ms": 0.0,
            "refused": []}  # fmt: skip
    return {**rest, **measured(*late_quotes(0)), **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"dropped": {"quotes_crossed": 9}}, []),
        ({"dropped": {"quotes_crossed": 11}}, ["1.10% bad rows (quotes_crossed 1.10%)"]),
        ({"dropped": {"quotes_duplicate": 500, "trades_outside_span": 400}}, []),
        ({"dropped": {"quotes_off_grid": 50}, "off_grid_px": 1.5}, ["5.00%", "price 1.5 is not a multiple"]),
        ({"malformed": 6, "no_time": 6}, ["1.20% bad rows (malformed 0.60%, no_time 0.60%)"]),
        ({"out_of_order": 20}, ["2.00% of rows out of order"]),
        ({"out_of_order": 20, "numbered": True}, []),
        ({"time_faults": ["after 7 quotes time jumps back"]}, ["after 7 quotes time jumps back"]),
        ({"trades_kept": 0}, ["no trades (none of the 300 that were read is left)"]),
        ({"trades_kept": 0, "trades_read": 0}, []),
        ({"trades_kept": 0, "trades_read": 0, "trades_elsewhere": True}, ["no trades, but other sessions have some"]),
        ({"quotes_kept": 0, "unsized": 900, "dropped": {"quotes_no_size": 900}}, ["--assume-size SIZE"]),
        ({"unsized": 400, "dropped": {"quotes_no_size": 400}}, ["40.00% bad rows"]),
        ({"quotes_kept": 0}, ["no true quote"]),
        ({"buys": 0}, ["trades are on one side"]),
        ({"side_agreement_by_lag": [{"lag_ms": 0, "agreement": 0.1}]}, ["sides contradict the market: 10%"]),
    ],
)
def test_reasons_for_refusal(changes, words):
    reasons = "; ".join(quality.verdict(report(**changes), 0.01))
    assert bool(reasons) == bool(words), reasons
    assert all(word in reasons for word in words), reasons


def test_table_and_page_show_what_stands_out():
    one = report(clock_skew_ms=100, dropped={"quotes_crossed": 3}, refused=["no trades"], files=["<b>.csv"])
    one["side_agreement_by_lag"] = [{"lag_ms": lag, "agreement": 0.5} for lag in sides.LAGS_MS]
    text = quality_table.table([one])
    assert "dropped 3 quotes_crossed" in text
    assert "--quote-lag-ms 100 corrects it" in text
    assert "refused: no trades" in text
    page = quality_page.page([one])
    assert page.count("<img") == 4
    assert "&lt;b&gt;.csv" in page
    assert "not read" not in page
    assert "read once" not in page


def test_the_page_lists_files_beside_the_data():
    beside = [{"name": "a/<README>.txt", "what": "text"}, {"name": "b.sha256", "what": "checksum"}]
    page = quality_page.page([report()], beside, [{"name": "c.csv", "first": "d.csv.gz"}])
    assert "<summary>2 files passed over, not read</summary>" in page
    assert "<li>a/&lt;README&gt;.txt: text</li><li>b.sha256: checksum</li>" in page
    assert "<summary>1 file read once, as others hold the same</summary><ul><li>c.csv: d.csv.gz</li>" in page


def test_many_remarks_do_not_push_the_table_away_and_a_market_without_trades_has_no_plot_of_sides():
    breaks = [{"begin_ns": 0, "length_s": 5400.0}]
    few, many = ([report(session=f"2020080{k}", breaks=breaks) for k in range(count)] for count in (2, 8))
    assert "remarks on sessions" not in quality_page.page(few)
    page = quality_page.page(many)
    assert page.index("<summary>8 remarks on sessions</summary>") < page.index("<table>")
    assert "<p>20200800: 1 break" not in page and "<li>20200800: 1 break" in page
    quiet = report(trades_kept=0)
    quiet["side_agreement_by_lag"] = [{"lag_ms": lag, "agreement": None} for lag in sides.LAGS_MS]
    quiet["clock_skew_ms"] = float("nan")
    page = quality_page.page([quiet])
    assert page.count("<img") == 3
    assert "nan" not in page.partition("</table>")[0].partition("<table>")[2]
