"""Closed hours inside a session: where it is cut, what is said of it, and what of real Chinese ETFs."""

import json

import numpy as np
import pandas as pd
import pytest

from tfmm.config import market as market_config
from tfmm.market import schema, splits, store, tape
from tfmm.market.ingest import periods, prepare, quality_table, store_writer

NS = 10**9
MORNING = 1_704_418_200 * NS  # 2024-01-05 01:30 UTC
ONE = schema.Instrument(symbol="X", tick_size=0.01)


def events(seconds, instrument=0):
    """A quote at each of these seconds after the morning's opening."""
    out = np.zeros(len(seconds), schema.EVENT)
    out["ts"], out["kind"], out["instrument"] = MORNING + np.asarray(seconds) * NS, schema.QUOTE, instrument
    out["lo_tick"], out["hi_tick"], out["lo_size"], out["hi_size"] = 100, 101, 1.0, 1.0
    return out


def found(rows, break_s=1800.0, block=7):
    """[(first, last)] seconds of the trading periods, read in small blocks."""
    finder = periods.Finder(0, break_s)
    for start in range(0, len(rows), block):
        finder.add(rows[start : start + block])
    return [((one.first_ns - MORNING) // NS, (one.last_ns - MORNING) // NS) for one in finder.periods()]


def both(*parts):
    rows = np.concatenate(parts)
    return rows[np.argsort(rows["ts"], kind="stable")]


@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_a_lunch_break_cuts_a_day_in_two_whatever_the_blocks(block):
    rows = events([*range(0, 7201, 20), *range(12_600, 19_800, 20)])
    assert found(rows, block=block) == [(0, 7200), (12_600, 19_780)]


def test_a_day_without_a_break_is_one_period():
    assert found(events(range(0, 20_000, 20))) == []
    # 1800 s is not longer than 1800 s
    assert found(events([*range(0, 3600, 20), *range(3580 + 1800, 9000, 20)])) == []


def test_a_setting_of_0_never_cuts_and_a_smaller_one_cuts_a_quarter_of_an_hour():
    rows = events([*range(0, 8100, 20), *range(9000, 16_000, 20)])
    assert found(rows) == found(rows, break_s=0.0) == []
    assert found(rows, break_s=600.0) == [(0, 8080), (9000, 15_980)]


def test_a_thin_market_is_not_cut_at_its_quiet_stretches():
    # a quote every 5 to 35 minutes: 1 in 6 waits is over half an hour, none is over ten mean waits
    seconds = np.cumsum(np.random.default_rng(0).integers(300, 2100, 100))
    assert (np.diff(seconds) > 1800).sum() >= 10
    assert found(events(seconds)) == []


def test_bursts_of_a_second_each_hour_are_no_trading_periods():
    seconds = [3600 * hour + second for hour in range(20) for second in range(5)]
    assert found(events(seconds)) == []


def test_a_wait_of_one_instrument_is_no_break_while_another_trades():
    rows = both(events(range(0, 20_000, 20)), events([*range(0, 7200, 20), *range(12_600, 20_000, 20)], 1))
    assert found(rows) == []


def test_a_period_in_which_an_instrument_has_no_quote_is_left_out():
    day, night = [*range(0, 7200, 20)], [*range(20_000, 27_200, 20)]
    rows = both(events([*day, *range(12_600, 15_000, 20), *night]), events(day + night, 1))
    assert found(rows) == [(0, 7180), (20_000, 27_180)]


def test_a_single_snapshot_before_the_opening_is_no_trading_period():
    assert found(events([-7200, *range(0, 7200, 20), *range(12_600, 19_000, 20)])) == [(0, 7180), (12_600, 18_980)]


def lunch(number, closed_s=5400, open_s=3600):
    """Tape of a day with two trading periods; 86400 s between days."""
    seconds = np.concatenate(
        [np.arange(0, open_s + 1, 10), np.arange(open_s + closed_s, 2 * open_s + closed_s + 1, 10)]
    )
    frame = pd.DataFrame({"ts": MORNING + (seconds + 86_400 * number) * NS, "bid": 1.0, "bid_size": 1.0, "ask": 1.1,
                          "ask_size": 2.0})  # fmt: skip
    return tape.Tape.from_frames(frame, pd.DataFrame([], columns=list(tape.TRADE_COLUMNS)), ONE)


def make(path, count, **kinds):
    days = ((f"day{number}", lunch(number, **kinds), {}) for number in range(count))
    return store_writer.create(path, [ONE], days)


def test_a_split_keeps_a_day_together_and_no_segment_spans_a_break(tmp_path):
    out = make(tmp_path / "store", 5)
    assert [len(one.periods) for one in out.sessions] == [2] * 5
    parts = splits.split(out, market_config.Data())
    assert [one.session for one in parts["train"]] == ["day0", "day0", "day1", "day1", "day2", "day2"]
    assert [one.session for one in parts["test"]] == ["day4", "day4"]
    every = [one for part in splits.PARTS for one in parts[part]]
    assert sum(one.stop_ns - one.start_ns for one in every) == 5 * 7200 * NS
    for one in every:
        ts = out.events["ts"][one.start_row : one.stop_row]
        assert (ts[0], ts[-1]) == (one.start_ns, one.stop_ns) and np.diff(ts).max() == 10 * NS


def test_one_day_is_cut_by_its_trading_time(tmp_path):
    parts = splits.split(make(tmp_path / "store", 1), market_config.Data(gap_s=0.0, fractions=(0.6, 0.2, 0.2)))
    # 7200 s are open: train is the morning's 3600 s and 720 s of the afternoon, which begins at 9000 s
    spans = {part: [((one.start_ns - MORNING) // NS, (one.stop_ns - MORNING) // NS) for one in parts[part]]
             for part in splits.PARTS}  # fmt: skip
    assert spans == {"train": [(0, 3600), (9000, 9720)], "validation": [(9720, 11_160)], "test": [(11_160, 12_600)]}


def test_breaks_count_in_the_hash_and_a_store_of_an_earlier_version_opens_as_one_period(tmp_path):
    cut = make(tmp_path / "store", 2)
    manifest = json.loads((cut.path / store.MANIFEST).read_text())
    for session in manifest["sessions"]:
        del session["periods"]
    (cut.path / store.MANIFEST).write_text(json.dumps(manifest))
    old = store.Store.open(cut.path)
    assert [(one.first_ns, one.last_ns) for one in old.sessions[0].trading] == [(MORNING, MORNING + 12_600 * NS)]
    assert old.sessions[0].breaks == () and cut.sessions[0].trading_s == 7200.0
    assert old.data_hash != cut.data_hash


def raw(folder, number, symbol="X", shift=0):
    """A morning and an afternoon of an hour each around 90 closed minutes, a quote every 10 s, a trade every minute."""
    seconds = np.concatenate([np.arange(0, 3601, 10), np.arange(9000, 12_601, 10)])
    ts, up = MORNING + (seconds + 86_400 * number) * NS + shift, np.arange(len(seconds)) // 60 % 2
    folder.mkdir(exist_ok=True)
    quotes = pd.DataFrame({"ts": ts, "bid": 1.0 + 0.01 * up, "bid_size": 3.0, "ask": 1.01 + 0.01 * up, "ask_size": 4.0})
    chosen = slice(3, None, 6)
    trades = pd.DataFrame({"ts": ts[chosen] + 1, "price": quotes["ask"][chosen], "size": 1.0, "side": 1})
    trades.loc[::2, ["price", "side"]] = np.stack([quotes["bid"][chosen][::2], -np.ones(len(trades[::2]))], axis=1)
    trades["side"] = trades["side"].astype(int)
    quotes.to_csv(folder / f"tob_{symbol}_2024010{5 + number}.csv", index=False)
    trades.to_csv(folder / f"trade_{symbol}_2024010{5 + number}.csv", index=False)


def test_prepare_says_what_it_cut_and_gaps_exclude_breaks(tmp_path):
    raw(tmp_path / "raw", 0)
    raw(tmp_path / "raw", 0, "Y", shift=NS)
    out, report = prepare.prepare(tmp_path / "raw", tmp_path / "store", prepare.Request(plots=True, jobs=1))
    assert [len(one.periods) for one in out.sessions] == [2]
    line = "20240105: 1 break of 5399 s (02:30-04:00 UTC) cut"
    assert periods.lines(report) == [line] and line in quality_table.table(report).splitlines()
    assert line in (tmp_path / "store" / prepare.PAGE).read_text()
    # both have quotes from 1 to 12600 s: X from 10 to 12600, Y from 1 to 12591, and 3601 to 9000 is closed
    assert [(one["gaps"], one["span_s"]) for one in report] == [(0, 7191.0), (0, 7191.0)]
    assert report[0]["longest_gap_s"] == pytest.approx(10.0)
    whole, report = prepare.prepare(
        tmp_path / "raw", tmp_path / "whole", prepare.Request(jobs=1, plots=False, break_s=0)
    )
    assert whole.sessions[0].periods == () and periods.lines(report) == []
    assert [(one["gaps"], one["span_s"]) for one in report] == [(1, 12_590.0), (1, 12_590.0)]


def test_days_that_are_added_are_cut_too(tmp_path):
    raw(tmp_path / "raw", 0)
    prepare.prepare(tmp_path / "raw", tmp_path / "store", prepare.Request(plots=False, jobs=1))
    raw(tmp_path / "raw", 1)
    out, report = prepare.prepare(tmp_path / "raw", tmp_path / "store", prepare.Request(plots=False, jobs=1, add=True))
    assert [len(one.periods) for one in out.sessions] == [2, 2]
    assert periods.lines(report) == ["20240106: 1 break of 5400 s (02:30-04:00 UTC) cut"]


def test_a_break_over_midnight_is_named_with_its_days():
    report = [{"session": "W", "breaks": [{"begin_ns": MORNING, "length_s": 60 * 3600.0}], "events_outside": 2}]
    when = "2024-01-05 01:30-2024-01-07 13:30 UTC"
    assert periods.lines(report) == [
        f"W: 1 break of 216000 s ({when}) cut, 2 events outside of trading periods left out"
    ]


def test_a_setting_below_0_is_refused(run_script, tmp_path):
    raw(tmp_path / "raw", 0)
    done = run_script("prepare.py", tmp_path / "raw", "--store", tmp_path / "store", "--break-s", "-1")
    assert done.returncode == 2 and "--break-s -1" in done.stderr


@pytest.mark.parametrize("folder", ["sse_etf", "sse_510360"])
def test_lunch_breaks_of_chinese_etfs_are_cut_and_nothing_else(shared_data, tmp_path, folder):
    if not (shared_data / folder).is_dir():
        pytest.skip(f"no {folder} beside the checkout")
    out, report = prepare.prepare(shared_data / folder, tmp_path / "store", prepare.Request(plots=False, allow=True))
    assert len(out.sessions) >= 50 and len(periods.lines(report)) == len(out.sessions)
    for one in out.sessions:
        ((begin, end),) = one.breaks
        # 11:30 to 13:00 in Shanghai is 03:30 to 05:00 UTC
        noon = one.first_ns // (86_400 * NS) * 86_400 * NS + 3600 * 3 * NS + 1800 * NS
        assert begin <= noon + NS and noon + 5400 * NS <= end and end - begin < 5700 * NS
        assert one.trading_s == pytest.approx(2 * 3600 + 117 * 60, abs=330)
    assert all(gap["length_s"] < 1800 for one in report for gap in one["longest_gaps"])
