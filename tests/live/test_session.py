"""Streaming sessions: the quotes of a live session are those of the backtest, every one."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from tests.live import admitted
from tfmm import errors
from tfmm.backtest import closed_loop
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.live import messages, session as session_lib
from tfmm.market import generator, schema, tape
from tfmm.market.ingest import store_writer
from tfmm.policies import saved
from tfmm.training import export

S = 10**9


def policy_of(task, spread=0.3):
    """A policy that reacts to every feature, as the saved ones do, with random weights."""
    random = np.random.default_rng(5)
    weights = np.float32(random.normal(size=(len(task.specs.columns), len(task.action_names))) * spread)

    def outputs(observation):
        return {"action": np.tanh(observation @ weights - np.float32(0.3))}

    return saved.Policy("made", export.describe(task, 0), outputs)


def assert_admitted(answer, expected, number):
    """An answer quotes what the rules let rest, and says why it does not."""
    for side in ("bid", "ask"):
        assert [answer[side], answer[f"{side}_size"]] == [expected[side], expected[f"{side}_size"]], (number, side)
        assert (f"{side}_reason" in answer) == (answer[side] is None)
        if expected[f"{side}_reason"] is not None:
            assert answer[f"{side}_reason"] == expected[f"{side}_reason"], (number, side)


def assert_streamed(task, split="test", end=True, spread=0.3):
    """The session quotes what the backtest of the same events lets rest; returns the last one and its answers."""
    policy = policy_of(task, spread)
    runs = closed_loop.run(task, split, closed_loop.policy_actions(task, policy), False, "made")
    for one in runs:
        session = session_lib.Session(policy, end_ns=int(one.tape.events["ts"][-1]) if end else None)
        answers = [answer for message in messages.of_tape(one.tape) for answer in session.take(message)]
        answers += session.close()
        sent = one.schedule.reshape(-1, len(task.scales))
        assert len(answers) - len(sent) in ((0,) if end else (0, 1))
        expected = iter(admitted.of_backtest(task, one))
        for number, answer in enumerate(answers[: len(sent)]):
            for side in answer:
                assert_admitted(side, next(expected), number)
        assert next(expected, None) is None
        assert [row[0]["ts"] for row in answers[: len(sent)]] == sent["ts_ns"][:, 0].tolist()
        unknown = int((one.tape.events["kind"] == schema.NO_MARKET).sum())
        assert (session.stream.late, session.dropped) == (0, {"quotes_not_finite": unknown} if unknown else {})
    return one, session, answers


def changed(config, store, **sections):
    tree = msgspec.to_builtins(config)
    for name, values in sections.items():
        tree[name] |= values
    return tape_task.TapeTask.create(loading.with_store(loading.decode(tree, "test"), store))


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"rules": {"latency_s": 1.7, "touch": "queue", "maker_fee_bps": 0.2, "cash_limit": 1e4},
         "environment": {"sizes": True, "features": ("inventory", "bid_queue", "ask_queue", "cash", "time_left")}},
        {"environment": {"clock": "events", "interval_quotes": 3}},
        {"environment": {"clock": "both", "interval_s": 2.5, "action": "offsets"}},
        {"environment": {"action": "ticks", "features": ("bid_depth", "ask_depth", "bid_ahead", "ask_ahead")},
         "rules": {"touch": "queue"}},
        {"clients": {"rate_s": 0.3, "random_size": True}, "rules": {"hedge": "action", "taker_fee_bps": 1.0}},
        {"clients": {"rate_s": 0.3}, "rules": {"hedge": "limit", "hedge_limit_orders": 1, "gap_s": 2.0}},
    ],
)  # fmt: skip
def test_quotes_equal_the_backtest(small_config, small_store, sections):
    task = changed(small_config, small_store, **sections)
    one, session, _ = assert_streamed(task)
    assert len(one.fills) > 0
    assert session.stream.instruments["n_fills"][0, 0] == len(one.fills)


def test_quotes_equal_the_backtest_for_two_instruments(small_config, tmp_path):
    instruments = [
        schema.Instrument(symbol=name, tick_size=0.01, lot_size=lot) for name, lot in (("A", 1.0), ("B", 5.0))
    ]

    def sessions():
        for day in range(3):
            frames = [generator.session(day, seed=30 + n, hours=0.05) for n in range(2)]
            parts = [
                tape.Tape.from_frames(*frame[1:], instrument)
                for frame, instrument in zip(frames, instruments, strict=True)
            ]
            yield frames[0][0], tape.Tape.merge(parts), {}

    store_writer.create(tmp_path / "store", instruments, sessions())
    task = changed(small_config, tmp_path / "store", rules={"latency_s": (0.0, 0.4), "touch": "always"})
    one, _, answers = assert_streamed(task, end=False)
    assert [row["instrument"] for row in answers[0]] == ["A", "B"]
    assert len(one.fills) > 0
    only_b = changed(small_config, tmp_path / "store", environment={"quoted": ("B",)}, rules={"touch": "always"})
    _, session, answers = assert_streamed(only_b, end=False)
    assert [row["instrument"] for row in answers[0]] == ["B"] and session.stream.instruments["n_fills"][0, 1] > 0


@pytest.mark.parametrize(
    ("rules", "reasons"),
    [({"inventory_limit_orders": 2}, {"inventory limit"}), ({"cash_limit": 3e4, "gap_s": 60.0}, {"cash limit"})],
)
def test_quotes_equal_the_backtest_on_real_sessions_with_limits_that_bind(
    small_config, shared_data, tmp_path, rules, reasons
):
    instrument = schema.Instrument(symbol="IBM", tick_size=0.01)

    def sessions():
        for day in ("20131007", "20131008", "20131009", "20131010", "20131011"):
            quotes, trades = (pd.read_parquet(shared_data / "us_equity" / f"{kind}_IBM_{day}.parquet")
                              for kind in ("tob", "trade"))  # fmt: skip
            yield day, tape.Tape.from_frames(quotes, trades, instrument), {}

    store_writer.create(tmp_path / "store", [instrument], sessions())
    environment = {"interval_s": 10.0, "half_spread_range": (0.2, 4.0)}
    split = {"train": ["20131007", "20131008"], "validation": ["20131009"], "test": ["20131010", "20131011"]}
    task = changed(small_config, tmp_path / "store", environment=environment, rules=rules, data=split)
    assert len(task.segments["test"]) == 2
    one, _, answers = assert_streamed(task)
    assert len(answers) > 2000 and len(one.fills) > 10
    assert reasons <= {side.get(f"{name}_reason") for (side,) in answers for name in ("bid", "ask")}


def session_of(small_config, small_store, **arguments):
    task = changed(small_config, small_store)
    return task, session_lib.Session(policy_of(task), **arguments)


def quote(ts, bid=100.0, **changes):
    return messages.Quote(**({"ts": ts, "bid": bid, "bid_size": 5.0, "ask": bid + 0.02, "ask_size": 5.0} | changes))


def test_decisions_wait_for_events_that_may_still_arrive_and_the_clock_releases_them(small_config, small_store):
    _, session = session_of(small_config, small_store)
    # warm-up of 5 s: the first decision is at 5 s, and an event at 5 s still belongs before it
    assert list(session.take(quote(0))) == []
    assert list(session.take(quote(5 * S))) == []
    ((answer,),) = session.take(messages.Time(ts=5 * S + 1))
    assert answer["ts"] == 5 * S
    assert answer["bid"] < answer["ask"] and answer["bid_size"] > 0
    # an event at 7.5 s releases the decisions of 6 and 7 s
    assert [row[0]["ts"] for row in session.take(quote(7 * S + S // 2))] == [6 * S, 7 * S]


def test_events_out_of_order_find_their_place_or_are_counted(small_config, small_store):
    ordered, shuffled = (session_of(small_config, small_store)[1] for _ in range(2))
    events = [quote(k * S // 4, 100 + 0.01 * (k % 3)) for k in range(40)]
    swapped = [*events[:29], events[30], events[29], *events[31:]]  # 7.5 s before 7.25 s: still undecided
    one, two = ([a for m in sent for a in session.take(m)]
                for session, sent in ((ordered, events), (shuffled, swapped)))  # fmt: skip
    assert one == two and shuffled.stream.late == 0
    assert list(shuffled.take(quote(S))) == []
    assert shuffled.stream.late == 1


def test_nothing_is_quoted_while_the_market_is_unknown_or_has_one_side(small_config, small_store):
    _, session = session_of(small_config, small_store)
    list(session.take(quote(0)))
    list(session.take(quote(6 * S)))
    # the venue makes its step finer: none of its quotes is on the grid of the policy
    answers = [a for k in range(4) for a in session.take(quote(6 * S + (k + 1) * S, 99.0 - 0.001 * k, ask=99.0155))]
    ((first,), *later) = answers  # the decision at 6 s does not know them yet
    assert first["bid"] is not None
    assert [one[side] for (one,) in later for side in ("bid", "ask")] == [None] * 6
    assert session.dropped == {"quotes_off_grid": 4}
    # a market of bids alone: what rests there would stay, nothing new is sent
    empty = {"ask": None, "ask_size": None}
    assert list(session.take(quote(10 * S + 1)))[-1][0]["bid"] is None
    ((again,),) = session.take(quote(11 * S + 1, **empty))
    ((one_sided,),) = session.take(quote(12 * S + 1))
    assert again["bid"] is not None and (one_sided["bid"], one_sided["ask"]) == (None, None)
    assert np.isfinite(session.stream.observation).all()


def test_impossible_events_are_dropped_and_counted(small_config, small_store):
    _, session = session_of(small_config, small_store)
    for message in (
        quote(0), quote(1, ask=99.0), quote(2, bid_size=0.0), quote(3, 100.001, ask=100.02),
        messages.Trade(ts=4, price=-1.0, size=1.0),
    ):  # fmt: skip
        list(session.take(message))
    assert session.dropped == {
        "quotes_crossed": 1, "quotes_not_positive": 1, "quotes_off_grid": 1, "trades_not_positive": 1,
    }  # fmt: skip


def test_reported_fills_move_the_inventory_and_simulated_sessions_refuse_them(small_config, small_store):
    task, session = session_of(small_config, small_store, fills="reported")
    before = list(session.take(quote(0))) + list(session.take(quote(6 * S)))
    assert len(before) == 1
    list(
        session.take(
            messages.Fill(ts=6 * S + 1, side=-1, price=100.02, size=2 * float(task.parameters["order_lot"][0]))
        )
    )
    list(session.take(quote(8 * S)))
    inventory_lot = session.stream.instruments["inventory_lot"][0, 0]
    assert inventory_lot == -2 * task.parameters["order_lot"][0]
    column = task.feature_names.index("inventory")
    assert session.stream.observation[0, task.specs.columns][column] == pytest.approx(-2 / 10)
    # trades far through our quotes fill nothing here
    list(session.take(messages.Trade(ts=9 * S, price=50.0, size=1.0, side=-1)))
    list(session.take(quote(11 * S)))
    assert session.stream.instruments["inventory_lot"][0, 0] == inventory_lot
    with pytest.raises(errors.DataError, match="line 3: a fill, but fills of this session are simulated"):
        list(session_of(small_config, small_store)[1].take(messages.Fill(ts=1, side=1, price=1.0, size=1.0), "line 3"))


def test_sessions_with_reported_fills_ask_for_hedges_and_wait_for_them(small_config, small_store):
    task = changed(small_config, small_store, rules={"hedge": "limit", "hedge_limit_orders": 1})
    lot = int(task.parameters["order_lot"][0])
    session = session_lib.Session(policy_of(task), fills="reported")
    list(session.take(quote(0)))
    list(session.take(messages.Fill(ts=1, side=1, price=100.0, size=3.0 * lot)))
    for ts in (6 * S, 8 * S):
        answers = list(session.take(quote(ts)))
    assert answers[-1][0]["hedge"] == -2.0 * lot
    list(session.take(messages.Fill(ts=8 * S, side=-1, price=100.0, size=2.0 * lot)))
    assert list(session.take(quote(9 * S + 1)))[-1][0]["hedge"] == 0.0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 1: "),
        ('{"type": "quote", "ts": 1}', "missing required field `bid`"),
        ('{"type": "order", "ts": 1}', "Invalid value 'order'"),
        ('{"type": "trade", "ts": "now", "price": 1, "size": 1}', "Expected `int`"),
        ('{"type": "trade", "ts": 1, "price": 1, "size": 1, "colour": 2}', "unknown field `colour`"),
    ],
)
def test_a_wrong_line_is_one_clear_error(line, words):
    with pytest.raises(
        errors.DataError, match=r"^line 1: .*; wanted type quote, trade, time, fill, position or no_market"
    ) as error:
        messages.decode(line, "line 1")
    assert words in str(error.value)


def test_lines_are_messages():
    line = b'{"type":"trade","ts":5,"price":1.5,"size":2,"side":-1}'
    assert messages.decode(line, "x") == messages.Trade(ts=5, price=1.5, size=2.0, side=-1)
    assert messages.decode('{"observation": [1, 2.5]}', "x") == messages.Observation(observation=[1.0, 2.5])
