"""Fine ticks, sessions of other steps, zero and negative prices, crashes and one-sided days through prepare."""

import random

import numpy as np
import pandas as pd
import pytest

from tests.market import vendor_files
from tfmm import errors
from tfmm.market import schema
from tfmm.market.ingest import prepare

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
