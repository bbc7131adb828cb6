"""A feed of anything at all: every line is answered, counted or skipped, and what follows the damage is right."""

import io
import json
import os
import random

import msgspec
import pytest

from tests.live.feeds import T0, S, answers_to, desk_of, line_of, made
from tests.live.test_session import changed, policy_of
from tfmm import errors
from tfmm.live import desk, lines, messages

DAMAGED = int(os.environ.get("TFMM_DAMAGED_LINES", "20000"))
VALUES = [0, -1, 1e300, 2**63, 2**64, -(2**63), None, "x", [], {}, True, 1e-300, 10**18, 1704531600000, 99.999]
BAD = [
    b"[" * 4000, b'{"a":' * 3000, bytes(50), b"\xff\xfe{}", b'{"observation":[1e308,1]}', b'{"observation":[]}',
    b'{"observation":' + b"[" * 2000, b"null", b'{"type":"time","ts":4102444799999999999}', b"{}", b'"', b"\r",
    b'{"type":"time","ts":18446744073709551616}', b'{"type":"no_market","ts":1704531600000}',
]  # fmt: skip


@pytest.fixture(scope="module")
def policy(small_config, small_store):
    return policy_of(changed(small_config, small_store, rules={"gap_s": 30.0}))


def damaged(line, chosen):
    """One line that a machine, a network or a venue has spoilt."""
    how = chosen.randrange(10)
    if how < 3:
        out = bytearray(line)
        for _ in range(chosen.randrange(1, 6)):
            out[chosen.randrange(len(out))] = chosen.randrange(256)
        return bytes(out).replace(b"\n", b" ")
    if how < 7:
        tree = json.loads(line)
        name = chosen.choice([key for key in tree if key != "instrument"])
        if name == "ts":
            tree[name] += chosen.choice([-1, 1]) * 10 ** chosen.randrange(6, 19)
        else:
            tree[name] = chosen.choice(VALUES)
        if chosen.random() < 0.2:
            tree["sequence"] = chosen.choice([1, 5, 10**12, -1])
        return json.dumps(tree).encode()
    if how == 7:
        return bytes(chosen.randrange(256) for _ in range(chosen.randrange(1, 200))).replace(b"\n", b"")
    return chosen.choice(BAD) if how == 8 else line[: chosen.randrange(len(line))]


def test_damage_of_any_kind_leaves_at_most_a_tick_after_some_minutes(policy):
    feed = [line_of(one) for one in made(4000)]
    chosen, between = random.Random(4), DAMAGED // 1000
    spoilt = [damaged(line, chosen) + b"\n" for line in feed[1000:2000] for _ in range(between)]
    whole = feed[:1000]
    for k, line in enumerate(feed[1000:2000]):
        whole += [*spoilt[k * between : (k + 1) * between], line]
    got, answering = answers_to(policy, [*whole, *feed[2000:]], max_errors=10**7)
    expected, _ = answers_to(policy, feed)
    assert answering.lines == len(feed) + len(spoilt) and answering.bad_lines > len(spoilt) / 3
    assert sum(answering.status()["rejected"].values()) > len(spoilt) / 50
    settled = T0 + 200 * S + 100 * S  # the longest average of the features is over a minute
    after = {one["ts"]: one for one in got if one.get("ts", 0) > settled}
    clean = {one["ts"]: one for one in expected if one["ts"] > settled}
    assert len(clean) > 90 and after.keys() == clean.keys()
    for ts, one in clean.items():
        for side in ("bid", "ask"):
            assert abs(after[ts][side] - one[side]) < 0.0101, (ts, side)
    assert sum(after[ts] != one for ts, one in clean.items()) <= len(clean) / 4
    # while the damage lasts no quote is beyond what the market was
    quoted = [one[side] for one in got if "ts" in one for side in ("bid", "ask") if one[side] is not None]
    assert min(quoted) > 90 and max(quoted) < 110


def test_bad_lines_are_skipped_up_to_a_number(policy):
    feed = [line_of(one) for one in made(300)]
    mixed = [line for k, one in enumerate(feed) for line in ((one, b"nonsense\n") if k % 30 == 9 else (one,))]
    expected, _ = answers_to(policy, feed)
    got, answering = answers_to(policy, mixed, max_errors=10)
    assert got == expected and answering.bad_lines == 10
    with pytest.raises(errors.DataError, match="10 bad lines, wanted at most --max-errors 9; the first: line 11: JSON"):
        answers_to(policy, mixed, max_errors=9)


def test_a_feed_without_one_good_line_is_an_error(policy):
    with pytest.raises(errors.DataError, match="line 1: JSON is malformed"):
        answers_to(policy, [b"ts,bid,ask\n", b"1,2,3\n"])
    with pytest.raises(errors.DataError, match="no event can be true: times_impossible 2"):
        answers_to(policy, [b'{"type":"time","ts":5}\n'] * 2)


def test_lines_of_many_megabytes_are_skipped_and_the_last_needs_no_end(policy):
    feed = [line_of(one) for one in made(300)]
    expected, _ = answers_to(policy, feed)
    long = b'{"type":"' + b"x" * (3 * lines.LONGEST) + b'"}\n'
    got, answering = answers_to(policy, [*feed[:100], long, *feed[100:-1], feed[-1].rstrip()])
    assert got == expected and (answering.bad_lines, answering.lines) == (1, 301)


def test_observations_that_cannot_be_answered_keep_their_place(policy):
    good = [0.0] * len(policy.description["features"])
    rows = [good, [1.0], [1e300] * len(good), good]
    got, _ = answers_to(policy, [msgspec.json.encode({"observation": row}) + b"\n" for row in rows])
    assert [set(one) for one in got] == [{"action"}, {"error"}, {"error"}, {"action"}]


def test_after_a_silence_there_is_one_decision_and_the_quotes_were_pulled(policy):
    feed = made(400)
    later = [msgspec.structs.replace(one, ts=one.ts + 3600 * S) for one in feed[200:]]
    got, _ = answers_to(policy, [line_of(one) for one in [*feed[:200], *later]])
    times = [(one["ts"] - T0) / S for one in got]
    before, after = [t for t in times if t < 30], [t for t in times if t > 30]
    assert before == [float(t) for t in range(5, 20)]
    # the last decision of the silence, then one for each second again
    assert after == [float(t) for t in range(3619, 3640)]
    assert got[len(before)]["bid_reason"] == "market unknown"
    assert all(one["bid"] is not None for one in got[len(before) + 1 :])


def test_positions_set_the_inventory_and_limits_see_it(policy, small_config, small_store):
    feed = made(300)
    limit = float(changed(small_config, small_store).parameters["limit_lot"][0])
    held = messages.Position(ts=feed[150].ts, size=limit)
    got, answering = answers_to(policy, [line_of(one) for one in [*feed[:150], held, *feed[150:]]])
    assert answering.status()["inventory"] == {"SIM": limit}
    refused = {(one["ts"] - T0) // S for one in got if one.get("bid_reason") == "inventory limit"}
    assert refused == set(range(15, 30))
    # before the first decision too
    got, _ = answers_to(policy, [line_of(one) for one in [feed[0], msgspec.structs.replace(held, ts=T0), *feed[1:]]])
    assert all(one["bid_reason"] == "inventory limit" for one in got) and len(got) > 20
    # a session whose fills are simulated has no use for it
    _, answering = answers_to(policy, [line_of(one) for one in [*feed, held]], fills="simulated")
    assert answering.bad_lines == 1


def test_the_status_tells_what_was_stopped(policy, tmp_path, capsys):
    feed = [line_of(one) for one in made(300)]
    crossed = b'{"type":"quote","ts":%d,"bid":101,"bid_size":1,"ask":99,"ask_size":1}\n' % (T0 + 10 * S)
    _, answering = answers_to(policy, [*feed[:100], crossed, b"\xff\n", *feed[100:]], status=tmp_path / "status")
    status = json.loads((tmp_path / "status").read_text())
    assert (status["lines"], status["bad_lines"], status["quotes"]) == (302, 1, answering.answers)
    assert status["rejected"] == {"quotes_crossed": 1}
    assert (status["market_known"], status["inventory"]) == ({"SIM": True}, {"SIM": 0.0})
    assert status["event_ns"] == T0 + 29_900_000_000 + 1 and status["first_error"].startswith("line 102: ")
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("status: ")]
    assert "302 lines" in line and "quotes_crossed 1" in line and "market known" in line


def test_the_state_of_any_moment_goes_on_exactly(policy, tmp_path):
    feed = [line_of(one) for one in made(600)]
    feed.insert(300, line_of(messages.Fill(ts=T0 + 30 * S, side=1, price=100.0, size=1.0)))
    feed.insert(30, line_of(messages.Fill(ts=T0 + S, side=-1, price=100.0, size=2.0)))
    expected, whole = answers_to(policy, feed, state=tmp_path / "whole")
    for cut in (0, 1, 20, 40, 77, 305, 500, 602):
        state = tmp_path / f"{cut}"
        first, _ = answers_to(policy, feed[:cut], state=state)
        out = io.BytesIO()
        second = desk_of(policy, out, state=state)
        second.resume()
        with lines.Signals() as signals:
            second.run(desk.of_lines(io.BytesIO(b"".join(feed[cut:])), signals, second.lines, 60.0), signals)
        rest = [msgspec.json.decode(line) for line in out.getvalue().splitlines()]
        assert [*first, *rest] == expected, cut
        assert (second.lines, second.answers) == (whole.lines, whole.answers)
