"""Connections against a real server: messages, losses, silence, and whatever a server may do wrong."""

import http
import random
import socket
import threading
import time

import pytest

from tests.live import stream_server
from tfmm import errors
from tfmm.live import websocket

FAST = websocket.Settings(
    open_s=2.0, silence_s=0.05, pong_s=0.3, read_s=5.0, first_wait_s=0.01, longest_wait_s=0.04, attempts=4,
    largest_bytes=1 << 16,
)  # fmt: skip


def heard(url, count, settings=FAST):
    """The first `count` events but silences, Received as text."""
    out = []
    events = websocket.listen(url, settings, random.Random(1))
    for event in events:
        if not isinstance(event, websocket.Silence):
            out.append(event.data.decode() if isinstance(event, websocket.Received) else event)
        if len(out) == count:
            break
    events.close()
    return out


def test_messages_come_in_order_and_go_on_after_each_loss():
    scripts = [["a", "b", stream_server.Abort()], ["c", stream_server.Close(1001, "going away")], [b"d"]]
    with stream_server.StreamServer(*scripts) as server:
        one, two, lost, three, again, four = heard(server.url, 6)
    assert (one, two, three, four) == ("a", "b", "c", "d")
    assert isinstance(lost, websocket.Lost) and "1001 (going away) going away" in again.reason
    assert server.connections == 3


@pytest.mark.parametrize(
    ("step", "words"),
    [("x" * (1 << 17), "1009"), (stream_server.Close(4999, "\x1b[31mno\x07\nmore"), "?[31mno? more")],
)
def test_what_no_message_may_be_loses_the_connection_with_one_clean_line(step, words):
    with stream_server.StreamServer([step], ["fine"]) as server:
        lost, text = heard(server.url, 2)
    assert words in lost.reason and lost.reason.isprintable() and len(lost.reason) <= 200
    assert text == "fine"


def test_silence_is_told_once_a_ping_was_answered():
    with stream_server.StreamServer(["a", stream_server.Pause(0.5), "b"]) as server:
        elapsed, received_s = [], []
        for event in websocket.listen(server.url, FAST):
            if isinstance(event, websocket.Silence):
                elapsed.append(event.elapsed_s)
            else:
                received_s.append(event.received_s)
            if len(received_s) == 2:
                break
    between = received_s[1] - received_s[0]
    assert elapsed == sorted(elapsed) and len(elapsed) >= 2
    # it was asked after a silence of 0.05 s at least (clocks differ by a little), and before the next message came
    assert all(0.045 <= one <= between for one in elapsed)


def test_a_server_that_answers_no_pings_is_lost_and_so_is_one_that_only_answers_pings():
    mute = socket.create_server(("127.0.0.1", 0))
    with stream_server.StreamServer(["a"], ["b"]) as server:
        patient = websocket.Settings(silence_s=0.05, read_s=0.2, first_wait_s=0.01)
        first, lost, second = heard(server.url, 3, patient)
    assert (first, second) == ("a", "b") and "no message for 0.2 s" in lost.reason
    # a server that accepts and says nothing: the opening handshake times out
    with mute:
        (lost,) = heard(f"ws://127.0.0.1:{mute.getsockname()[1]}", 1, websocket.Settings(open_s=0.2))
    assert "timed out" in lost.reason


def test_a_frozen_server_is_lost_for_want_of_a_pong():
    with stream_server.StreamServer(["a", stream_server.Freeze(1.0)], ["b"]) as server:
        first, lost, second = heard(server.url, 3)
    assert (first, second) == ("a", "b") and "no answer to a ping for 0.3 s" in lost.reason


def test_it_gives_up_after_some_failures_in_a_row_with_one_line():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(errors.DataError, match=rf"^127.0.0.1:{port}: 4 connections in a row .* refused") as error:
        heard(f"ws://127.0.0.1:{port}/ws", 100)
    assert "\n" not in str(error.value)
    # a server that drops everybody at once
    with stream_server.StreamServer(*([["a", stream_server.Abort()]] * 9)) as server:
        with pytest.raises(errors.DataError, match="4 connections in a row failed"):
            heard(server.url, 100)
        assert server.connections == 4


@pytest.mark.parametrize(("code", "fatal"), [(404, True), (401, True), (429, False), (503, False)])
def test_http_errors_of_the_request_are_fatal_and_others_pass(code, fatal):
    answers = [http.HTTPStatus(code)]

    def process_request(connection, _):
        return connection.respond(answers.pop(), "no\n") if answers else None

    with stream_server.StreamServer(["a"], process_request=process_request) as server:
        if fatal:
            with pytest.raises(errors.ConfigError, match=rf"^--ws ws://.*: 127.0.0.1:\d+ answers HTTP {code}, wanted"):
                heard(server.url, 2)
        else:
            assert heard(server.url, 2) == [websocket.Lost(f"HTTP {code}"), "a"]


def test_a_subprotocol_that_nobody_asked_for_is_a_failure():
    def impose(_, __, response):
        response.headers["Sec-WebSocket-Protocol"] = "mqtt"

    with (
        stream_server.StreamServer(["a"], process_response=impose) as server,
        pytest.raises(errors.DataError, match=r"in a row failed, the last with: .*subprotocol"),
    ):
        heard(server.url, 100)


def test_a_server_that_speaks_something_else_is_a_failure():
    def answer(listener):
        for _ in range(4):
            peer, _ = listener.accept()
            with peer:
                peer.recv(1 << 12)
                peer.sendall(b"220 smtp.example ESMTP\x00\xff\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        with pytest.raises(errors.DataError, match="4 connections in a row failed"):
            heard(f"ws://127.0.0.1:{listener.getsockname()[1]}", 100)
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "btcusdt",
        "http://x",
        "ws://",
        "ws://h:0/",
        "ws://h:99999",
        "ws://h:x",
        "ws://[::1",
        "wss://a b",
        "ws://h/\n",
    ],
)
def test_what_is_no_url_is_refused_in_one_line(url):
    with pytest.raises(errors.ConfigError, match=r"wanted ws://HOST:PORT/PATH or wss://HOST/PATH"):
        next(websocket.listen(url, FAST))


def test_waits_double_up_to_a_bound_and_are_scattered():
    waits = []

    class Counted(random.Random):
        def random(self):
            waits.append(super().random())
            return waits[-1]

    settings = websocket.Settings(first_wait_s=0.01, longest_wait_s=0.04, silence_s=1.0, attempts=6)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    began_s = time.perf_counter()
    with pytest.raises(errors.DataError):
        list(websocket.listen(f"ws://127.0.0.1:{port}", settings, Counted(3)))
    bases = [0.01, 0.02, 0.04, 0.04, 0.04]  # after the sixth it gives up
    assert len(waits) == 5
    wanted = sum(base * (0.5 + one) for base, one in zip(bases, waits, strict=True))
    assert time.perf_counter() - began_s >= 0.9 * wanted  # clocks differ by a little
