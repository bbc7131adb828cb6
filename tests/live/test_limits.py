"""No quote that could breach a limit, whatever fills are reported, and none of an action that is no number."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.live.test_session import S, changed, policy_of, quote
from tfmm.live import messages, session as session_lib
from tfmm.policies import saved
from tfmm.training import export

DECISIONS = 50


@pytest.fixture(scope="module")
def task(small_config, small_store):
    return changed(small_config, small_store, rules={"inventory_limit_orders": 2, "cash_limit": 500.0})


report = st.tuples(st.sampled_from([1, -1]), st.integers(1, 40), st.integers(-30, 30))


@given(st.lists(st.lists(report, max_size=3), min_size=DECISIONS, max_size=DECISIONS))
@settings(max_examples=40, deadline=None)
def test_reported_fills_to_and_past_the_limit_leave_that_side_without_a_quote(task, reports):
    session = session_lib.Session(policy_of(task), fills="reported")
    order, limit = (int(task.parameters[name][0]) for name in ("order_lot", "limit_lot"))
    lot, tick = task.store.instruments[0].lot_size, task.store.instruments[0].tick_size
    cash_limit = float(task.parameters["cash_limit"][0])
    list(session.take(quote(0)))
    list(session.take(quote(5 * S)))
    held, cash, decided = 0, 0, 0
    for k, fills in enumerate(reports):
        for side, lots, away in fills:
            held, cash = held + side * lots, cash - side * lots * (10_000 + away)
            px = (10_000 + away) * tick
            list(session.take(messages.Fill(ts=(5 + k) * S, side=side, price=px, size=lots * lot)))
        ((answer,),) = session.take(quote((5 + k) * S + S // 2))
        decided += 1
        assert session.stream.instruments["inventory_lot"][0, 0] == held
        # one unit of cash is a tick x lot; the order costs at most what the bid asks
        is_limited = held + order > limit
        if is_limited:
            assert (answer["bid"], answer["bid_reason"]) == (None, "inventory limit")
        elif answer["bid"] is None:
            assert answer["bid_reason"] == "cash limit" and cash - 1.1 * order * 10_000 < -cash_limit
        else:
            assert cash - order * round(answer["bid"] / tick) >= -cash_limit
        if held - order < -limit:
            assert (answer["ask"], answer["ask_reason"]) == (None, "inventory limit")
        else:
            assert answer["ask"] is not None and "ask_reason" not in answer
    assert decided == DECISIONS


@pytest.mark.parametrize("action", [[np.nan, 0.0], [0.0, np.inf], [1e30, -1e30], [-np.inf, 1e18]])
def test_an_action_out_of_its_range_is_clipped_and_one_that_is_no_number_quotes_nothing(
    small_config, small_store, action
):
    task = changed(small_config, small_store)

    def quoted_of(raw):
        wild = saved.Policy("made", export.describe(task, 0), lambda _: {"action": np.array([raw], np.float32)})
        session = session_lib.Session(wild)
        list(session.take(quote(0)))
        return [one for k in range(6, 12) for (one,) in session.take(quote(k * S))]

    got = quoted_of(action)
    assert len(got) == 6
    if np.isnan(action).any():
        assert {one[f"{side}_reason"] for one in got for side in ("bid", "ask")} == {"action is no number"}
    else:
        assert got == quoted_of(np.clip(action, -1, 1))
        assert all(one["bid"] < 100.02 and one["ask"] > 100.0 for one in got)


def test_a_gap_ends_the_market(small_config, small_store):
    task = changed(small_config, small_store, rules={"gap_s": 3.0})
    session = session_lib.Session(policy_of(task))
    for k in range(7):
        before = list(session.take(quote(k * S)))
    assert before[-1][0]["bid"] is not None
    quiet = [one for k in range(7, 13) for (one,) in session.take(messages.Time(ts=k * S + 1))]
    # the last event was at 6 s: within 3 s of it the market stands
    assert [one["ts"] // S for one in quiet if one["bid"] is not None] == [6, 7, 8, 9]
    assert {one["bid_reason"] for one in quiet if one["bid"] is None} == {"market unknown"}
    again = [one for k in range(13, 16) for (one,) in session.take(quote(k * S))]
    assert [(one["ts"] // S, one["bid"] is not None) for one in again] == [(13, True), (14, True)]
