"""Fine ticks, sessions of other steps, zero and negative prices, crashes and one-sided days through prepare."""

import random

import numpy as np
import pandas as pd
import pytest

from tests.market import vendor_files
from tfmm import errors, simulation
from tfmm.market import instruments, schema
from tfmm.market.ingest import prepare, quality_table
from tfmm.simulation.exchange import orders

DAY_NS = 86_400 * 10**9
OPEN_NS = 1_704_121_200_000_000_000  # 2024-01-01 15:00
request = vendor_files.request


def write(folder, day, rows, trade_px=None):
    """A day of native files from (bid, ask) as texts, a quote a second and a trade every tenth at the ask or bid."""
    folder.mkdir(exist_ok=True)
    quotes, trades = ["ts,bid,bid_size,ask,ask_size"], ["ts,price,size,side"]
    for k, (bid, ask) in enumerate(rows):
        ts = OPEN_NS + day * DAY_NS + k * 10**9
        quotes.append(f"{ts},{bid},{5 if bid else ''},{ask},{5 if ask else ''}")
        if k % 10 == 5:
            side = 1 if k % 20 == 5 else -1
            trades.append(f"{ts + 1000},{trade_px or (ask if side > 0 else bid) or bid or ask},1,{side}")
    (folder / f"tob_X_2024010{day + 1}.csv").write_text("\n".join(quotes) + "\n")
    (folder / f"trade_X_2024010{day + 1}.csv").write_text("\n".join(trades) + "\n")


def walk(step, places, count=2000, level=10000, seed=1):
    """(bid, ask) texts of a random walk by steps, in units of the last place."""
    draw = random.Random(seed)
    for _ in range(count):
        level += step * draw.choice([-1, 0, 0, 1])
        yield f"{level / 10**places:.{places}f}", f"{(level + step) / 10**places:.{places}f}"


def test_whole_ticks_of_1e_8_at_61801(tmp_path):
    rows = [(f"61801.{12345678 + 37 * k % 999}", f"61801.{12346678 + 53 * k % 999}") for k in range(1000)]
    write(tmp_path / "raw", 0, rows)
    out, (report,) = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert out.instruments[0].tick_size == 1e-8 and report["dropped"] == {}
    quotes = out.events[out.events["kind"] == schema.QUOTE]
    assert quotes["lo_tick"].tolist() == [int(bid.replace(".", "")) for bid, _ in rows]
    trades = out.events[out.events["kind"] == schema.TRADE]
    np.testing.assert_array_equal(trades["lo_tick"], trades["hi_tick"])


def test_parquet_of_32_bit_floats(tmp_path):
    write(tmp_path / "raw", 0, walk(1, 2, level=6180112))
    for path in list((tmp_path / "raw").iterdir()):
        frame = pd.read_csv(path)
        singles = {
            name: np.float32 for name in ("bid", "ask", "price", "bid_size", "ask_size", "size") if name in frame
        }
        frame.astype(singles).to_parquet(path.with_suffix(".parquet"))
        path.unlink()
    out, (report,) = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert out.instruments[0].tick_size == 0.01 and report["dropped"] == {}
    first = out.events[out.events["kind"] == schema.QUOTE][0]
    assert (first["lo_tick"], first["hi_tick"]) == (6180112, 6180113)


def test_steps_of_1e_10_are_found(tmp_path):
    write(tmp_path / "raw", 0, walk(1, 10, level=12345))
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert out.instruments[0].tick_size == 1e-10


def test_a_calendar_spread_is_refused_by_name(tmp_path):
    write(tmp_path / "raw", 0, [(f"-0.{35 + k % 3}", f"-0.{34 + k % 3}") for k in range(500)])
    with pytest.raises(
        errors.DataError, match=r"X: prices are zero or negative in 500 quotes from 2024-01-01T15:00:00\.000"
    ):
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request())


def test_a_short_dip_below_zero_refuses_the_session(tmp_path):
    # from 0.50 to -0.04 and back in cents: ten of 5000 quotes are at zero or below, far fewer than one in a hundred
    cents = [50] * 2000 + list(range(50, -5, -1)) + list(range(-4, 51)) + [50] * 2890
    write(tmp_path / "raw", 0, [(f"{c / 100:.2f}", f"{(c + 1) / 100:.2f}") for c in cents], trade_px="0.50")
    with pytest.raises(
        prepare.Refused, match=r"prices are zero or negative in \d+ quotes from 2024-01-01T15:34:10"
    ) as raised:
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert raised.value.report[0]["not_positive"] == 10  # 0.00 to -0.04, twice
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request(allow=True))
    events = out.events[out.events["kind"] != schema.TRADE]
    unknown = np.flatnonzero(events["kind"] == schema.NO_MARKET)
    assert len(unknown) == 1 and (events["lo_tick"][unknown - 1], events["lo_tick"][unknown + 1]) == ([1], [1])


def test_a_crash_is_kept_where_it_is_allowed_and_named_where_not(tmp_path):
    down = [round(100 * 0.9**k, 2) for k in range(30)]  # to 4.71
    prices = [100.0] * 1500 + down + [down[-1]] * 50 + down[::-1] + [100.0] * 500
    write(tmp_path / "raw", 0, [(f"{px:.2f}", f"{px + 0.01:.2f}") for px in prices])
    # 0.9^22 is .098: the first price below a tenth of 100 is 9.85
    words = r"price 9.85 at 2024-01-01T15:25:22.000 is more than 10 times from the session's median, and \d+ quotes are"
    with pytest.raises(prepare.Refused, match=words):
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    out, (report,) = prepare.prepare(tmp_path / "raw", tmp_path / "store", request(allow=True))
    assert out.sessions[0].n_quotes == len(prices) and report["dropped"] == {}


def test_a_day_that_is_locked_at_its_limit_for_hours_is_a_day(tmp_path):
    rows = [("10.97", "10.98")] * 500 + [("11.00", "")] * 500 + [("10.97", "10.98")] * 500
    write(tmp_path / "raw", 0, rows)
    out, (report,) = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert (report["one_sided"], report["dropped"], report["refused"]) == (500, {}, [])
    assert (out.events["kind"] == schema.ONE_SIDED).sum() == 500
    assert "20240101 X: 500 quotes have one side only" in quality_table.table([report])


def our_fills_inside(out, session):
    """Fills of quotes of one cent inside the touch, sent at every fifth quote."""
    one = out.tape(session)
    quotes = one.events[one.events["kind"] == schema.QUOTE][::5]
    tick = one.instruments[0].tick_size
    sent = np.zeros(len(quotes), orders.SCHEDULE)
    sent["ts_ns"], sent["bid_qty"], sent["ask_qty"] = quotes["ts"], 5.0, 5.0
    sent["bid_px"] = np.round(quotes["lo_tick"] * tick + 0.01, 2)
    sent["ask_px"] = np.round(quotes["hi_tick"] * tick - 0.01, 2)
    return simulation.replay(one, sent).fills["px"]


def test_each_session_keeps_its_price_step_and_our_quotes_keep_to_it(tmp_path):
    for day, step in ((0, 10), (1, 10), (2, 1)):  # cents
        write(tmp_path / "raw", day, walk(step, 2, seed=day))
    out, report = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert out.instruments[0].tick_size == 0.01
    assert [session.price_steps for session in out.sessions] == [(10,), (10,), ()]
    words = "sessions of X have different price steps: 0.01 in 20240103; 0.1 in 20240101 and 1 more"
    assert words in report[0]["notes"][-1]
    coarse = our_fills_inside(out, "20240101")
    assert len(coarse) and np.all(np.rint(coarse * 100) % 10 == 0)
    assert np.any(np.rint(our_fills_inside(out, "20240103") * 100) % 10)


@pytest.mark.parametrize("first", [10, 1])
def test_added_days_may_have_finer_or_coarser_prices(tmp_path, first):
    other = 11 - first
    write(tmp_path / "raw", 0, walk(first, 2))
    before, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    at_first = before.events["lo_tick"] * before.instruments[0].tick_size
    write(tmp_path / "raw", 1, walk(other, 2, seed=2))
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request(add=True))
    out.verify()
    assert out.instruments[0].tick_size == 0.01
    steps = {10: (10,), 1: ()}
    assert [session.price_steps for session in out.sessions] == [steps[first], steps[other]]
    same = out.tape("20240101").events["lo_tick"] * 0.01
    np.testing.assert_allclose(same, at_first, rtol=1e-12)
    # both days at once make the same store
    both, _ = prepare.prepare(tmp_path / "raw", tmp_path / "both", request())
    assert both.data_hash == out.data_hash


def test_a_step_that_all_sessions_share_is_the_tick_that_was_given(tmp_path):
    for day in range(2):
        write(tmp_path / "raw", day, walk(10, 2, seed=day))
    given = request(terms={"*": instruments.Terms(tick_size=0.01)})
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", given)
    assert [session.price_steps for session in out.sessions] == [(), ()]
