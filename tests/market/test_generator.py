"""The embedded market: true rows, the same for the same seed, and the stylised facts of real sessions."""

import numpy as np
import pytest

from tfmm import errors
from tfmm.market import generator, schema, tape
from tfmm.market.ingest import prepare
from tfmm.simulation.exchange import replay, rules

HOURS = 1.0


def events_of(frames, member):
    quotes, trades = frames
    return tape.Tape.from_frames(quotes, trades, generator.instrument(member)).events


@pytest.fixture(scope="module")
def simulated():
    """(E,) schema.EVENT of three sessions of the default market, one after another."""
    days = [events_of(generator.session(day, 0, HOURS)[1:], generator.Parameters()) for day in range(3)]
    return np.concatenate(days)


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    """{folder: (E,) schema.EVENT of a session of its first instrument, Instrument}."""
    out = {}
    for folder in ("us_equity", "binance_usdm"):
        target = tmp_path_factory.mktemp("real") / folder
        opened, _ = prepare.prepare(shared_data / folder, target, prepare.Request(plots=False))
        events = np.array(opened.tape(opened.sessions[0].name).events)
        out[folder] = events[events["instrument"] == 0], opened.instruments[0]
    return out


def mid_of(events):
    quotes = events[events["kind"] == schema.QUOTE]
    return quotes, 0.5 * (quotes["lo_tick"] + quotes["hi_tick"])


def imbalance_tells(events):
    """Mean sign of the next move of the mid, by imbalance in (-1, -.5), (-.5, .5), (.5, 1)."""
    quotes, mid = mid_of(events)
    imbalance = (quotes["lo_size"] - quotes["hi_size"]) / (quotes["lo_size"] + quotes["hi_size"])
    moves = np.flatnonzero(np.diff(mid))
    following = np.searchsorted(moves, np.arange(len(mid) - 1))
    known = following < len(moves)
    sign = np.sign(np.diff(mid))[moves[following[known]]]
    group = np.digitize(imbalance[:-1][known], (-0.5, 0.5))
    return [float(sign[group == k].mean()) for k in range(3)]


def sign_memory(events):
    """Correlation of the side of market orders (prints of one time together) with the next one's."""
    trades = events[(events["kind"] == schema.TRADE) & (events["side"] != 0)]
    side = trades["side"][np.r_[True, np.diff(trades["ts"]) != 0]].astype(float)
    return float(np.corrcoef(side[:-1], side[1:])[0, 1])


def volatility_memory(events, seconds=10.0):
    """Correlation of absolute changes of the mid with the next one's."""
    quotes, mid = mid_of(events)
    times = np.arange(quotes["ts"][0], quotes["ts"][-1], round(seconds * 1e9))
    moves = np.abs(np.diff(mid[np.searchsorted(quotes["ts"], times, side="right") - 1]))
    moves = moves[moves < 50 * np.median(moves[moves > 0])]
    return float(np.corrcoef(moves[:-1], moves[1:])[0, 1])


def dispersion(events):
    """Variance over mean of the number of quotes in 10 s; a Poisson process has 1."""
    quotes, _ = mid_of(events)
    counts = np.bincount((quotes["ts"] - quotes["ts"][0]) // (10 * 10**9))
    counts = counts[counts > 0]
    return float(counts.var() / counts.mean())


def fill_shares(events, instrument, distances):
    """Share of bids, each alive for 10 s at a distance from the mid in ticks, that fill under the default rules."""
    quotes, mid = mid_of(events)
    times = np.arange(quotes["ts"][0], quotes["ts"][-1], 10 * 10**9)
    place = np.searchsorted(quotes["ts"], times, side="right") - 1
    one = tape.Tape(events, (instrument,))
    out = []
    for distance in distances:
        sent = np.zeros(len(times), replay.SCHEDULE)
        sent["ts_ns"] = times
        sent["bid_px"] = np.floor(mid[place] - distance) * instrument.tick_size
        sent["ask_px"] = np.nan
        sent["bid_qty"] = instrument.lot_size
        fills = replay.replay(one, sent, rules.FillRules()).fills
        out.append(len(np.unique(np.searchsorted(times, fills["ts_ns"]))) / len(times))
    return out


def test_rows_are_true_and_the_same_for_the_same_seed():
    name, quotes, trades = generator.session(1, 5, 0.2)
    assert name == "20240103"
    again = generator.session(1, 5, 0.2)
    assert quotes.equals(again[1])
    assert trades.equals(again[2])
    assert not quotes.equals(generator.session(1, 6, 0.2)[1])
    one = tape.Tape.from_frames(quotes, trades, generator.instrument(generator.Parameters()))
    assert one.dropped == {}
    assert len(one) == len(quotes) + len(trades)
    assert (one.events["lo_tick"] < one.events["hi_tick"])[one.events["kind"] == schema.QUOTE].all()
    assert (one.events["lo_size"] == np.rint(one.events["lo_size"])).all()


def test_a_days_activity_and_rate(simulated):
    quotes = simulated[simulated["kind"] == schema.QUOTE]
    seconds = 3 * HOURS * 3600
    assert 0.6 < len(quotes) / seconds / generator.Parameters().rate < 1.4
    flat = generator.fair_value.day_shape(np.linspace(0, 1, 100_001), 0.8)
    assert flat.mean() == pytest.approx(1.0, abs=1e-4)
    assert flat[0] == pytest.approx(1.8 * flat[50_000])


@pytest.mark.parametrize("market", ["simulated", "us_equity", "binance_usdm"])
def test_stylised_facts_hold_in_the_embedded_market_as_in_real_ones(market, simulated, request):
    if market == "simulated":
        events, instrument = simulated, generator.instrument(generator.Parameters())
    else:
        events, instrument = request.getfixturevalue("real")[market]
    low, middle, high = imbalance_tells(events)
    assert low < -0.05 < 0.05 < high
    assert low < middle < high
    assert sign_memory(events) > 0.02
    assert volatility_memory(events) > 0.03
    assert dispersion(events) > 3.0
    shares = fill_shares(events, instrument, (1, 3, 6, 12))
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 1.5 * shares[-1] > 0 or market == "binance_usdm"
    quotes, _ = mid_of(events)
    spread = quotes["hi_tick"] - quotes["lo_tick"]
    assert np.percentile(spread, 99) >= 2 * np.median(spread)


@pytest.mark.parametrize("folder", ["us_equity", "binance_usdm"])
def test_a_market_like_a_real_session(real, folder):
    events, instrument = real[folder]
    member = generator.measure(events, instrument)
    hours = float(events["ts"][-1] - events["ts"][0]) / 3.6e12
    made = events_of(generator.session(0, 0, hours, member)[1:], member)
    again = generator.measure(made, instrument)
    for name, factor in (("rate", 1.6), ("trade_share", 1.2), ("sigma_tick", 1.8), ("sweep", 1.4)):
        ratio = getattr(again, name) / getattr(member, name)
        assert 1 / factor < ratio < factor, (name, ratio)
    spreads = [np.median((one["hi_tick"] - one["lo_tick"])[one["kind"] == schema.QUOTE]) for one in (events, made)]
    assert spreads[1] <= 2 * spreads[0] <= 4 * spreads[1]
    assert again.branching > 0.5


def sampled_mid(frames, times):
    quotes = frames[0]
    place = np.searchsorted(quotes["ts"].to_numpy(), times, side="right") - 1
    return quotes["bid"].to_numpy()[place], quotes["ask"].to_numpy()[place]


def test_a_triangle_is_consistent_and_instruments_move_together():
    members = generator.instruments(3, triangle=True)
    _, frames = generator.market(0, 0, HOURS, members, triangle=True)
    start = max(pair[0]["ts"].iloc[0] for pair in frames.values())
    times = start + np.arange(1, int(HOURS * 3600) - 10) * 10**9
    (xb, xa), (yb, ya), (cb, ca) = (sampled_mid(frames[name], times) for name in ("XY", "YZ", "XZ"))
    bid, ask = xb * yb, xa * ya
    away = 0.5 * (cb + ca) - 0.5 * (bid + ask)
    assert abs(away.mean()) < 0.1 * (ask - bid).mean()
    assert away.std() < (ask - bid).mean()
    assert ((cb > ask) | (ca < bid)).mean() < 0.1
    # mean reverting: what is away now is mostly gone a minute later, the cross itself is not
    assert np.corrcoef(away[:-60], away[60:])[0, 1] < 0.3
    moves = np.diff(np.array([xb + xa, yb + ya, cb + ca])[:, ::30])
    table = np.corrcoef(moves)
    assert (table[np.triu_indices(3, 1)] > 0.25).all()


def test_settings_that_make_no_market():
    with pytest.raises(errors.ConfigError, match="generator: branching is 1"):
        generator.Parameters(branching=1.0)
    with pytest.raises(errors.ConfigError, match="generator: rate is 0"):
        generator.Parameters(rate=0.0)
    with pytest.raises(errors.ConfigError, match="wanted 3 instruments"):
        generator.instruments(2, triangle=True)
    with pytest.raises(errors.DataError, match="0 quotes and 0 trades"):
        generator.measure(np.zeros(0, schema.EVENT), generator.instrument(generator.Parameters()))
