"""What a WebSocket server sends, from a connection that is opened again whenever it is lost.

Assumes a server that sends by itself and needs no answers (public market data). Waiting times double with every failure
in a row, and are drawn from half to one and a half times of that, so that clients do not come back all at once.
"""

import logging
import random as random_lib
import time
import urllib.parse
from collections.abc import Generator
from typing import NamedTuple, TypeAlias

import msgspec
import websockets.exceptions
from websockets.sync import client

from tfmm import errors

_AGAIN = (408, 418, 429)  # HTTP errors of a client that go away: timed out, asked too often
_POLL_S = 0.05  # between looks for a pong
_QUEUED_FRAMES = 1 << 14
_SILENT = logging.Logger("websockets", logging.CRITICAL + 1)  # what went wrong is in what `listen` yields


class Settings(msgspec.Struct, frozen=True):
    """When a connection is lost, and how it is opened again. Times in s."""

    open_s: float = 10.0  # for a connection to open
    silence_s: float = 0.5  # without a message, after which a ping asks for the server
    pong_s: float = 5.0  # that it may take to answer
    read_s: float = 60.0  # without a message, after which a connection is lost although pings are answered
    first_wait_s: float = 0.5  # before it is opened again
    longest_wait_s: float = 30.0
    steady_s: float = 10.0  # after which a connection counts as a good one
    attempts: int = 20  # failures in a row before giving up
    largest_bytes: int = 1 << 20  # of a message


class Received(NamedTuple):
    """A message. received_s: time.perf_counter() when it was received."""

    data: bytes
    received_s: float


class Silence(NamedTuple):
    """Nothing was sent up to `elapsed_s` after the last message: a ping has been answered since, or nobody is
    connected."""

    elapsed_s: float


class Lost(NamedTuple):
    """The connection was lost, or could not be opened. reason: in words."""

    reason: str


Event: TypeAlias = Received | Silence | Lost


def listen(
    url: str, settings: Settings | None = None, random: random_lib.Random | None = None
) -> Generator[Event, None, None]:
    """Yields what happens on a connection, for ever.

    Args:
        url: ws:// or wss://. settings: None: the defaults. random: of the waiting times; None: seeded by the system.

    Raises:
        ConfigError: the URL is none, or the server refuses it (HTTP 4xx) before it was ever open.
        DataError: it could not be opened, or was lost at once, `settings.attempts` times in a row.
    """
    settings, random = settings or Settings(), random or random_lib.Random()
    host = _host(url)
    clock = _Clock()
    failures, was_open = 0, False
    while True:
        opened_s = None
        try:
            with _connect(url, settings) as connection:
                opened_s = time.monotonic()
                was_open = True
                yield from _receive(connection, settings, clock)
        except websockets.exceptions.InvalidStatus as error:
            code = error.response.status_code
            reason = f"HTTP {code}"
            if not was_open and 400 <= code < 500 and code not in _AGAIN:
                raise errors.ConfigError(f"--ws {url}: {host} answers {reason}, wanted a WebSocket there") from error
        except ImportError as error:  # of a SOCKS proxy that the environment names
            raise errors.ConfigError(f"--ws {url}: {_words(error)}") from error
        except (OSError, websockets.exceptions.WebSocketException) as error:
            reason = _words(error)
        if opened_s is not None and time.monotonic() - opened_s >= settings.steady_s:
            failures = 0
        failures += 1
        yield Lost(reason)
        if failures >= settings.attempts:
            raise errors.DataError(f"{host}: {failures} connections in a row failed, the last with: {reason}")
        wait_s = min(settings.longest_wait_s, settings.first_wait_s * 2.0 ** min(failures - 1, 60))
        yield from _wait(wait_s * (0.5 + random.random()), settings, clock)


class _Clock:
    """Time since the last message, s."""

    def __init__(self) -> None:
        self._last_s: float | None = None

    def received(self):
        self._last_s = time.perf_counter()
        return self._last_s

    def elapsed(self, at_s):
        return 0.0 if self._last_s is None else max(0.0, at_s - self._last_s)


def _host(url):
    """Host and port of a URL, for messages: the rest may hold keys."""
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme in ("ws", "wss") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url:
        raise errors.ConfigError(
            f"--ws {url}: no address of a WebSocket, wanted ws://HOST:PORT/PATH or wss://HOST/PATH"
        )
    return parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"


def _connect(url, settings):
    try:
        return client.connect(
            url, compression=None, open_timeout=settings.open_s, close_timeout=1.0, ping_interval=None,
            max_size=settings.largest_bytes, max_queue=_QUEUED_FRAMES, logger=_SILENT,
        )  # fmt: skip
    except (ValueError, websockets.exceptions.InvalidURI) as error:
        raise errors.ConfigError(f"--ws {url}: {_words(error)}") from error


def _receive(connection, settings, clock):
    """Yields Received and Silence until the connection closes or nothing comes any more, which raises."""
    pong, asked_s = None, 0.0
    last_s = time.perf_counter()
    while True:
        # a pong comes after all that was sent before it: with nothing left to read there was nothing
        is_answered = pong is not None and pong.is_set()
        patience_s = 0.0 if is_answered else settings.silence_s if pong is None else _POLL_S
        try:
            data = connection.recv(patience_s, decode=False)
        except TimeoutError:
            now_s = time.perf_counter()
            if now_s - last_s > settings.read_s:
                raise TimeoutError(f"no message for {settings.read_s:g} s") from None
            if is_answered:
                pong = None
                yield Silence(clock.elapsed(asked_s))
            elif pong is None:
                pong, asked_s = connection.ping(), now_s
            elif now_s - asked_s > settings.pong_s:
                raise TimeoutError(f"no answer to a ping for {settings.pong_s:g} s") from None
        else:
            pong = None
            last_s = clock.received()
            yield Received(data, last_s)


def _wait(seconds, settings, clock):
    """Waits and says every now and then that time goes on."""
    end_s = time.perf_counter() + seconds
    while (left_s := end_s - time.perf_counter()) > 0:
        yield Silence(clock.elapsed(time.perf_counter()))
        time.sleep(min(left_s, settings.silence_s))
    yield Silence(clock.elapsed(time.perf_counter()))


def _words(error):
    """One line on an error, without what a terminal would obey; parts of it may come from the server."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])
