"""What cannot be true is stopped and counted, and what follows it is not lost."""

import msgspec
import numpy as np
import pytest

from tests.live.feeds import T0, S, made
from tfmm import errors
from tfmm.calibration import scales as scales_lib
from tfmm.live import guard as guard_lib, messages
from tfmm.market import schema

HOUR = 3600 * S
SCALES = {"order_lot": 1, "half_spread_tick": 1.0, "sigma_tick": 1.0}


def created(clock=lambda: 0):
    fields = {field.name for field in msgspec.structs.fields(scales_lib.Scales)}
    instrument = schema.Instrument(symbol="A", tick_size=0.01, lot_size=1.0)
    return guard_lib.Guard([instrument], [_scales(fields)], 60.0, clock)


def _scales(fields):
    class Made:
        half_spread_tick, sigma_tick = 1.0, 1.0

    assert {"half_spread_tick", "sigma_tick"} <= fields
    return Made


def passed(guard, feed):
    return [one for number, message in enumerate(feed) for one in guard.check(message, f"line {number}")]


def moved(message, by_ns):
    return msgspec.structs.replace(message, ts=message.ts + by_ns)


@pytest.mark.parametrize(("factor", "unit"), [(1, "ns"), (10**3, "us"), (10**6, "ms")])
def test_times_in_other_units_are_known_by_their_size(factor, unit):
    guard, feed = created(), made(50)
    assert passed(guard, [msgspec.structs.replace(one, ts=one.ts // factor) for one in feed]) == feed
    assert (guard.unit, guard.counts) == (unit, {})


@pytest.mark.parametrize("ahead", [HOUR, 1000 * HOUR, 61 * S])
@pytest.mark.parametrize("at", [0, 1, 20])
def test_one_time_ahead_is_held_until_the_next_event_speaks_against_it(ahead, at):
    guard, feed = created(), made(50)
    wrong = [*feed[:at], moved(feed[at], ahead), *feed[at + 1 :]]
    assert passed(guard, wrong) == [*feed[:at], *feed[at + 1 :]]
    assert guard.counts == {"times_ahead": 1}


def test_a_hole_in_the_feed_is_confirmed_and_loses_nothing():
    guard, feed = created(), made(50)
    feed = [*feed[:20], *(moved(one, HOUR) for one in feed[20:])]
    assert passed(guard, feed) == feed
    # sparse: three minutes between events
    guard, feed = created(), made(12, step_ns=180 * S)
    assert passed(guard, feed)[:5] == feed[:5]


def test_a_time_of_the_machine_needs_no_confirmation():
    feed = made(5)
    guard = created(lambda: T0 + HOUR)
    assert passed(guard, feed[:3]) == feed[:3]
    late = moved(feed[3], HOUR)
    assert list(guard.check(late, "x")) == [late]


@pytest.mark.parametrize("ts", [0, -1, 1, 2**63 - 1, -(2**63), 4_102_444_800 * S])
def test_times_of_no_age_are_stopped(ts):
    guard, feed = created(), made(50)
    assert passed(guard, [messages.Time(ts=ts), *feed[:9], messages.Time(ts=ts), *feed[9:]]) == feed
    assert guard.counts == {"times_impossible": 2}


def test_times_back_are_stopped_and_a_clock_that_was_led_ahead_goes_back():
    guard, feed = created(), made(60)
    assert passed(guard, [*feed[:30], moved(feed[30], -HOUR), *feed[31:]]) == [*feed[:30], *feed[31:]]
    assert guard.counts == {"times_back": 1}
    # three times an hour ahead that agree are believed, until ten in a row say otherwise
    guard = created()
    wrong = [moved(one, HOUR) for one in feed[10:13]]
    got = passed(guard, [*feed[:10], *wrong, *feed[13:]])
    again = 10 + 3 + guard_lib._BACK - 1
    assert got == [*feed[:10], *wrong, messages.Restart(ts=feed[again].ts), *feed[again:]]
    assert guard.counts == {"times_back": 10, "restarts": 1}
    # not where the machine's clock says that the last time is right: this is history sent again
    guard = created(lambda: feed[-1].ts)
    assert passed(guard, [*feed, *(moved(one, -HOUR) for one in feed)]) == feed


def test_repeats_are_stopped_by_their_numbers_or_because_they_say_nothing_new():
    feed = [msgspec.structs.replace(one, sequence=100 + k) for k, one in enumerate(made(50))]
    guard = created()
    assert passed(guard, [*feed[:30], *feed[10:]]) == feed
    assert guard.counts == {"quotes_repeated": 18, "trades_repeated": 2}
    guard, bare = created(), made(3)
    assert passed(guard, [bare[0], bare[0], *bare[1:]]) == bare


@pytest.mark.parametrize("factor", [0.5, 0.97, 1.03, 10.0, 1e6])
def test_one_wild_quote_makes_the_market_unknown_and_several_alike_are_where_it_went(factor):
    guard, feed = created(), made(50)
    wild = [
        msgspec.structs.replace(one, bid=one.bid * factor, ask=one.ask * factor)
        for one in feed
        if isinstance(one, messages.Quote)
    ]
    unknown = messages.NoMarket(ts=feed[20].ts)
    assert passed(guard, [*feed[:20], wild[18], *feed[21:]]) == [*feed[:20], unknown, *feed[21:]]
    assert guard.counts == {"quotes_outlier": 1}
    guard = created()
    assert passed(guard, feed[:5]) == feed[:5]
    assert [isinstance(one, messages.Quote) for one in passed(guard, wild[5:10])] == [False, False, True, True, True]


def test_wild_trades_are_stopped():
    guard, feed = created(), made(5)
    passed(guard, feed)
    for px in (50.0, 103.0, 1e300):
        assert passed(guard, [messages.Trade(ts=feed[-1].ts, price=px, size=1.0)]) == []
    assert guard.counts == {"trades_outlier": 3}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (messages.Fill(ts=T0, side=0, price=100.0, size=1.0), "side 0, wanted a lot"),
        (messages.Fill(ts=T0, side=1, price=100.0, size=-1.0), "wanted a lot, "),
        (messages.Fill(ts=T0, side=1, price=100.0, size=0.5), "wanted whole lots"),
        (messages.Fill(ts=T0, side=1, price=100.0, size=1e300), "wanted whole lots"),
        (messages.Fill(ts=T0, side=1, price=-100.0, size=1.0), "near the market"),
        (messages.Fill(ts=T0, side=1, price=1e300, size=1.0), "near the market"),
        (messages.Fill(ts=T0, side=1, price=40.0, size=1.0), "near the market"),
        (messages.Position(ts=T0, size=0.3), "position of 0.3, wanted whole lots"),
        (messages.Fill(ts=T0, instrument="B", side=1, price=100.0, size=1.0), "instrument B, wanted A"),
        (messages.Trade(ts=T0, price=100.0, size=1.0, side=7), "side 7, wanted"),
    ],
)
def test_wrong_reports_are_one_line(message, words):
    guard = created()
    passed(guard, made(5))
    with pytest.raises(errors.DataError, match=r"^line 3: ") as error:
        guard.check(message, "line 3")
    assert words in str(error.value)


def test_a_report_counts_once_and_whatever_its_time():
    guard, feed = created(), made(5)
    passed(guard, feed)
    fill = messages.Fill(ts=T0 + HOUR, side=1, price=100.0, size=1.0, id="a")
    (taken,) = guard.check(fill, "x")
    assert (taken.ts, taken.size) == (feed[-1].ts, 1.0)
    assert list(guard.check(fill, "x")) == []
    assert guard.counts == {"fills_of_another_time": 1, "fills_repeated": 1}


def test_the_state_goes_on_exactly():
    feed = made(400)
    chosen = np.random.default_rng(1)
    wrong = [
        moved(one, int(chosen.choice([0, 0, 0, HOUR, -HOUR, S, 200 * S])))
        for k, one in enumerate(feed)
        if k % 7 or isinstance(one, messages.Trade)
    ]
    for cut in range(0, len(wrong), 37):
        whole, first, second = created(), created(), created()
        expected = passed(whole, wrong)
        got = passed(first, wrong[:cut])
        second.set_state(msgspec.json.decode(msgspec.json.encode(first.get_state()), type=guard_lib.State))
        assert [*got, *passed(second, wrong[cut:])] == expected
        assert second.counts == whole.counts
