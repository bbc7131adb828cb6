"""Messages of Binance's streams: fields, order, numbers, losses, and whatever is none of them."""

import json
import random

import hypothesis
import pytest
from hypothesis import strategies

from tests.live import binance_lines
from tests.live.binance_lines import quote, trade
from tests.market import vendor_files
from tfmm import errors
from tfmm.live import binance, messages, websocket
from tfmm.market.ingest import prepare

T0 = 1_723_161_256_000  # ms
NS = 10**6


def taken(lines, feed=None):
    """The messages of lines, all of them."""
    feed = feed or binance.Feed(["BTCUSDT"])
    out = [one for k, line in enumerate(lines) for one in feed.take(line, f"message {k}")]
    return out + feed.close()


def test_fields_of_both_kinds_in_an_envelope_and_without():
    lines = [
        quote(T0, 5),
        trade(T0 + 1, 7),
        trade(T0 + 2, 8, maker_buys=True),
        quote(T0 + 3, 6, bid="", sizes=("", "1")),
    ]
    plain = [json.dumps(json.loads(lines[0])["data"]).encode(), *lines[1:3], lines[3]]
    expected = [
        messages.Quote(ts=T0 * NS, instrument="BTCUSDT", bid=100.0, bid_size=2.0, ask=100.1, ask_size=3.0),
        messages.Trade(ts=(T0 + 1) * NS, instrument="BTCUSDT", price=100.1, size=0.5, side=1),
        messages.Trade(ts=(T0 + 2) * NS, instrument="BTCUSDT", price=100.1, size=0.5, side=-1),
        messages.Quote(ts=(T0 + 3) * NS, instrument="BTCUSDT", bid=None, bid_size=None, ask=100.1, ask_size=1.0),
    ]
    assert taken(lines) == taken(plain) == expected


def test_messages_wait_for_others_of_their_time_and_come_in_the_order_of_a_tape():
    feed = binance.Feed(["BTCUSDT"], hold_s=0.1)
    assert feed.take(quote(T0 - 60, 4), "x") == feed.take(quote(T0, 5), "x") == []
    assert feed.take(trade(T0, 8), "x") == feed.take(trade(T0, 9), "x") == []
    assert feed.take(trade(T0 - 50, 10), "x") == []
    # the others are just 0.1 s behind
    assert [one.ts for one in feed.take(quote(T0 + 100, 6), "x")] == [(T0 - 60) * NS, (T0 - 50) * NS]
    out = feed.take(quote(T0 + 101, 7), "x")
    assert [type(one).__name__ for one in out] == ["Trade", "Trade", "Quote"]
    assert [one.ts for one in feed.close()] == [(T0 + 100) * NS, (T0 + 101) * NS]


def test_numbers_say_what_came_before_what_is_old_and_what_is_missing():
    feed = binance.Feed(["BTCUSDT"], hold_s=0.0)
    lines = [
        trade(T0 - 9, 9), quote(T0, 98), trade(T0, 10), trade(T0, 10), trade(T0 + 1, 11), trade(T0 + 2, 15),
        trade(T0 + 2, 13), trade(T0 + 2, 13),
        quote(T0 + 3, 100), quote(T0 + 3, 100), quote(T0 + 2, 99), quote(T0 + 4, 101),
        trade(T0 + 5, 16, X="INSURANCE_FUND"), trade(T0 + 6, 17), trade(T0 + 6, 3, kind="aggTrade"),
        json.dumps({"e": "depthUpdate", "s": "BTCUSDT", "b": [["1", "2"]], "a": []}).encode(),
    ]  # fmt: skip
    out = taken(lines, feed)
    assert [(type(one).__name__, one.ts // NS - T0) for one in out] == [
        ("Trade", 0), ("Quote", 0), ("Trade", 1), ("Trade", 2), ("Trade", 2), ("Quote", 3), ("Quote", 4), ("Trade", 6),
    ]  # fmt: skip
    # 12, 13, 14 were missing and 13 came later; 10 and 13 came twice; 9 was before the first quote
    assert feed.counts == binance.Counts(quotes=3, trades=6, others=3, duplicates=2, old=2, gaps=1, missed=2, before=1)


def test_aggregated_trades_are_taken_where_no_others_are():
    out = taken([quote(T0, 1), *(trade(T0 + k, 5 + k, kind="aggTrade") for k in range(3))])
    assert [one.ts // NS - T0 for one in out] == [0, 0, 1, 2]


@pytest.mark.parametrize("number", [2**62, 10**16])
def test_one_wrong_number_silences_nothing(number):
    feed = binance.Feed(["BTCUSDT"], hold_s=0.0)
    lines = [quote(T0, 5), trade(T0, 5), quote(T0 + 1, number), trade(T0 + 1, number)]
    lines += [line for k in range(2, 6) for line in (quote(T0 + k, 4 + k), trade(T0 + k, 4 + k))]
    assert len(taken(lines, feed)) == len(lines)
    assert (feed.counts.missed, feed.counts.old, feed.counts.duplicates) == (0, 0, 0)
    # a venue that begins its numbers anew: three are lost, then it is believed
    out = taken([quote(T0 + k, k - 100) for k in range(101, 111)], feed)
    assert len(out) == 8 and feed.counts.old == 2


def test_one_wrong_time_moves_no_others():
    feed = binance.Feed(["BTCUSDT"], hold_s=0.1)
    out = taken([quote(T0, 1), quote(T0 + 10**9, 2), quote(T0 + 50, 3), quote(T0 + 20, 4)], feed)
    assert [one.ts // NS - T0 for one in out] == [0, 10**9, 20, 50]
    # but what the next one confirms is so: a market that was closed
    out = taken([quote(T0 + 10**8, 5), quote(T0 + 10**8 + 60, 6), quote(T0 + 10**8 + 30, 7)], feed)
    assert [one.ts // NS - T0 - 10**8 for one in out] == [0, 30, 60]


def test_a_loss_makes_the_market_of_every_instrument_unknown_and_silence_is_time():
    feed = binance.Feed(["BTCUSDT@BINANCE", "ETHUSDT"], hold_s=0.1)
    assert feed.lost() == feed.silence(1.0) == []  # before the first message there is no time
    feed.take(quote(T0, 1), "x")
    waiting, *unknown = feed.lost()
    assert waiting.bid == 100.0
    nobody = {"bid": None, "bid_size": None, "ask": None, "ask_size": None}
    assert unknown == [
        messages.Quote(ts=T0 * NS + 1, instrument=name, **nobody) for name in ("BTCUSDT@BINANCE", "ETHUSDT")
    ]
    assert feed.silence(0.1) == [] and feed.silence(1.0) == [messages.Time(ts=(T0 + 900) * NS)]
    feed.take(quote(T0 + 2000, 2), "x")
    # in silence the time of the market goes on with that of the machine, behind by what messages wait
    assert [one.ts for one in feed.silence(0.25)] == [(T0 + 2000) * NS, (T0 + 2150) * NS]
    assert feed.counts.lost == 2


BAD = [
    b"", b"nonsense", b"\xff\xfe\x00", b"[]", b"{}", b"null", b"1e999", b"[" * 100_000, b'{"result":null,"id":1}',
    b'{"error":{"code":2,"msg":"x\\n"}}', b'{"stream":"s","data":[]}', quote(0, 1), quote(-5, 1), quote(2**63, 1),
    quote(T0, -1), quote(T0, 1, bid="x"), quote(T0, 1, symbol="ETHUSDT"), trade(T0, "x"), trade(T0, 1.5),
    trade(T0, 1, price=""), trade(T0, 1, m=None), trade(T0, 1, kind="aggTrade", a=[]), trade(10**30, 1),
]  # fmt: skip


@pytest.mark.parametrize("line", BAD)
def test_what_is_no_message_is_one_clear_line(line):
    feed = binance.Feed(["BTCUSDT"])
    with pytest.raises(errors.DataError, match=r"^message 3: .*, got '.*', wanted a message of Binance$") as error:
        feed.take(line, "message 3")
    assert str(error.value).isprintable() and len(str(error.value)) < 400
    assert taken([quote(T0, 1)], feed)


@hypothesis.given(strategies.integers(0, 2**32), strategies.integers(1, 6))
@hypothesis.settings(max_examples=200, deadline=None)
def test_mutated_messages_are_taken_or_refused_and_the_next_ones_are_taken(seed, count):
    draw = random.Random(seed)
    feed = binance.Feed(["BTCUSDT"])
    lines = binance_lines.recording(20, seed % 100)
    for line in lines:
        damaged = bytearray(line)
        for _ in range(count):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        try:
            feed.take(bytes(damaged), "x")
        except errors.DataError as error:
            assert str(error).isprintable()
    good = binance_lines.recording(200, 3, T0 + 10**6)
    assert len([one for line in good for one in feed.take(line, "x")]) > 150


def test_events_of_a_connection_become_messages_and_errors_are_handed_over():
    events = [websocket.Received(quote(T0, 1), 1.0), websocket.Received(b"?", 2.0), websocket.Lost("gone")]
    refused, feed = [], binance.Feed(["BTCUSDT"])
    out = [one for event in events for one in binance.of_event(event, feed, refused.append)]
    assert [where for where, _, _ in out] == ["message 2", "message 2"] and len(refused) == feed.counts.lost == 1
    assert out[1][1].bid is None and str(refused[0]).startswith("message 2: ")


def assert_tape(lines, folder, store):
    """The messages of `lines` are those of the tape of a folder of recorder files."""
    made, _ = prepare.prepare(folder, store, vendor_files.request())
    (session,) = made.sessions
    feed = binance.Feed([one.symbol for one in made.instruments])
    out, stored = taken(lines, feed), list(messages.of_tape(made.tape(session.name)))
    # trades after the last quote are not stored
    assert out[: len(stored)] == stored
    assert all(isinstance(one, messages.Trade) for one in out[len(stored) :])
    return out, feed.counts


def test_a_recording_comes_out_as_prepare_stores_it(tmp_path):
    (tmp_path / "raw").mkdir()
    lines = binance_lines.recording()
    binance_lines.write(tmp_path / "raw" / "btcusdt_20240808.gz", lines)
    out, counts = assert_tape(lines, tmp_path / "raw", tmp_path / "store")
    ts = [json.loads(line).get("data", json.loads(line))["T"] for line in lines]
    assert ts != sorted(ts) and [one.ts for one in out] == [one * NS for one in sorted(ts)][counts.before :]
    assert counts.quotes + counts.trades == len(lines) and counts.missed == counts.old == counts.duplicates == 0


def test_a_real_recording_comes_out_as_prepare_stores_it(shared_data, tmp_path):
    folder = shared_data / "vendor" / "binance_stream"
    _, counts = assert_tape(binance_lines.read(folder / "btcusdt_20240808.gz"), folder, tmp_path / "store")
    assert (counts.quotes, counts.trades, counts.others, counts.missed) == (66_089, 21_313, 6_551, 0)
