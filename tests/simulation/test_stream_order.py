"""Events of a stream that come out of order: where they wait, against a plain list."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from tfmm.market import schema
from tfmm.simulation import stream
from tfmm.simulation.exchange import rules

KINDS = (schema.QUOTE, schema.ONE_SIDED, schema.TRADE, schema.NO_MARKET)
INSTRUMENTS = tuple(schema.Instrument(symbol=name, tick_size=0.1) for name in "AB")


@pytest.fixture(scope="module")
def parameters():
    return rules.parameters(INSTRUMENTS, rules.FillRules())


def add(waiting, event):
    """What Stream.add says: in order of time, behind others of its time; a true quote undoes NO_MARKET of its time."""
    ts, kind, instrument, _ = event
    if kind in (schema.QUOTE, schema.ONE_SIDED):
        waiting = [one for one in waiting if one[:3] != (ts, schema.NO_MARKET, instrument)]
    place = sum(one[0] <= ts for one in waiting)
    return [*waiting[:place], event, *waiting[place:]]


@hypothesis.given(strategies.lists(strategies.tuples(strategies.integers(1, 6), strategies.sampled_from(KINDS),
                                                     strategies.integers(0, 1)), max_size=40))  # fmt: skip
@hypothesis.settings(max_examples=200, deadline=None)
def test_events_wait_in_order_of_time_as_in_a_plain_list(parameters, drawn):
    live, waiting = stream.Stream(parameters, 1.0, 0.0), []
    first = np.zeros(1, schema.EVENT)  # the session begins at 0
    live.add(first[0])
    for number, (ts, kind, instrument) in enumerate(drawn, 1):
        event = first.copy()
        event["ts"], event["kind"], event["instrument"], event["lo_tick"] = ts, kind, instrument, number
        live.add(event[0])
        waiting = add(waiting, (ts, kind, instrument, number))
    found = [(int(one["ts"]), int(one["kind"]), int(one["instrument"]), int(one["lo_tick"])) for one in live.waiting]
    assert found[1:] == waiting
    assert live.seen_ns == max([0, *(ts for ts, _, _ in drawn)])
