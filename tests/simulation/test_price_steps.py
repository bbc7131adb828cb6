"""Sessions whose price step is coarser than the tick: every quote of ours is on a whole step."""

import numpy as np
import pytest

from tfmm.market import generator, schema, tape
from tfmm.simulation import price_steps, simulator, stream
from tfmm.simulation.exchange import rules


@pytest.mark.parametrize(
    ("tick", "step", "below", "above"), [(103, 10, 100, 110), (100, 10, 100, 100), (7, 1, 7, 7), (7, 0, 7, 7)]
)
def test_whole_steps_below_and_above(tick, step, below, above):
    assert (price_steps.down(tick, step), price_steps.up(tick, step)) == (below, above)


def parameters(instruments):
    out = rules.parameters(instruments, rules.FillRules(inventory_limit=20.0))
    out["order_lot"], out["sigma_tick"], out["half_spread_tick"] = 1, 1.0, 1.0
    out["skew_range"], out["range_low"], out["range_high"] = 3.0, -2.0, 1.5
    return out


@pytest.fixture(scope="module")
def market():
    """A session on the grid of five ticks."""
    cent = schema.Instrument(symbol="X", tick_size=0.01)
    _, quotes, trades = generator.session(0, seed=3, hours=0.1)
    events = tape.Tape.from_frames(quotes, trades, cent).events.copy()
    for name in ("lo_tick", "hi_tick"):
        events[name] *= 5
    return tape.Tape(events, (cent,), price_steps=(5,))


def steps_of(market, steps):
    events = market.events
    segments = [(0, len(events), events["ts"][0], events["ts"][-1])]
    sim = simulator.Simulator(
        simulator.Tape(events, segments, price_steps=steps), parameters(market.instruments), 8,
        simulator.Decisions(1.0, 60.0, 5.0), seed=1, record=True,
    )  # fmt: skip
    sim.reset()
    actions, sent, filled = np.random.default_rng(0).uniform(-1, 1, (100, 8, 1, 2)), [], []
    for action in actions:
        sim.step(action)
        sent.append(sim.sent.copy())
        filled.append(sim.fills["tick"].copy())
    return np.concatenate(sent).ravel(), np.concatenate(filled)


def test_a_simulator_quotes_and_fills_on_whole_steps_below_the_bid_and_above_the_ask(market):
    fine, _ = steps_of(market, None)
    sent, filled = steps_of(market, np.array([[5]]))
    quoted = sent["bid_lot"] > 0
    assert quoted.sum() > 100 and len(filled) > 10
    assert (sent["bid_tick"] % 5 == 0).all() and (sent["ask_tick"] % 5 == 0).all()
    # clamped quotes rest a whole step behind the far touch, so fills are on steps too
    assert (filled % 5 == 0).all()
    assert (fine["bid_tick"][fine["bid_lot"] > 0] % 5 != 0).any()


def test_a_stream_quotes_on_whole_steps(market):
    one = stream.Stream(parameters(market.instruments), 1.0, 5.0, price_steps=market.price_steps)
    action, prices = np.array([0.3, -0.7]), []
    for event in market.events[:2000]:
        one.add(event)
        while one.due():
            one.decide(action)
            order = one.quotes(action)[0]
            prices += [order["bid_tick"], order["ask_tick"]]
    assert len(prices) > 20 and not (np.array(prices) % 5).any()
    assert one.instruments["price_step"].tolist() == [[5]]
