"""Feeds made for tests: a market that moves a tick at a time, as messages and as lines."""

import io
import random

import msgspec

from tfmm.live import desk, guard, lines, messages, session as session_lib

S = 10**9
T0 = 1_704_531_600 * S
"""A time that a feed may have."""


def made(count, seed=12, step_ns=S // 10):
    """Messages of a market near 100, every tenth a trade."""
    chosen, mid, out = random.Random(seed), 10_000, []
    for k in range(count):
        mid += chosen.choice([-1, 0, 1])
        ts = T0 + k * step_ns
        if k % 10 == 5:
            out.append(messages.Trade(ts=ts, price=(mid + 1) / 100, size=5.0, side=1))
        else:
            px = (mid - 1) / 100, (mid + 1) / 100
            out.append(messages.Quote(ts=ts, bid=px[0], bid_size=100.0, ask=px[1], ask_size=100.0))
    return out


def line_of(message):
    return msgspec.json.encode(message) + b"\n"


def desk_of(policy, out, fills="reported", clock=lambda: 0, **options):
    """A Desk on a policy of a market, with a machine's clock of its own."""
    session = session_lib.Session(policy, fills, silence_s=60.0)
    watch = guard.Guard(session.instruments, session.scales, 60.0, clock)
    return desk.Desk(policy, session, watch, out, desk.Options(**options))


def answers_to(policy, feed, **options):
    """(answers, Desk) of lines, bytes each."""
    out = io.BytesIO()
    answering = desk_of(policy, out, **options)
    with lines.Signals() as signals:
        answering.run(desk.of_lines(io.BytesIO(b"".join(feed)), signals, 0, 60.0), signals)
    return [msgspec.json.decode(line) for line in out.getvalue().splitlines()], answering
