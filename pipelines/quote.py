"""Quotes of a saved policy on a live market: JSON lines on stdin, a JSON line of quotes for every decision on stdout.

Events: {"type": "quote", "ts": ns, "bid": px, "bid_size": qty, "ask": px, "ask_size": qty},
{"type": "trade", "ts": ns, "price": px, "size": qty, "side": 1, -1 or 0}, with "instrument" where there are several;
{"type": "time", "ts": ns} advances the clock; {"type": "fill", "ts": ns, "side": 1 or -1, "price": px,
"size": qty} reports a fill of our quotes with --fills reported. {"observation": [features]}: the answer is
{"action": [...]}.
"""

import argparse
import pathlib
import sys
import time

import msgspec
import numpy as np

from tfmm import cli, errors
from tfmm.config import experiment
from tfmm.market import store
from tfmm.policies import saved


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", type=pathlib.Path, metavar="POLICY_DIR")
    how = "fills come from the fill rules, as in a backtest, or from fill lines"
    parser.add_argument("--fills", choices=("simulated", "reported"), default="simulated", help=how)
    parser.add_argument("--until", type=int, metavar="NS", help="end of the session, ns UTC, if it is known")
    parser.add_argument("--tape", metavar="STORE:SESSION", help="events of a recorded session instead of stdin")
    args = parser.parse_args()

    cli.quiet()
    policy = saved.Policy.load(args.policy)
    from tfmm.live import messages, session as session_lib

    on_tape = policy.config.environment.name == experiment.TAPE
    tape = recorded(args.tape) if args.tape else None
    steps = tape.price_steps if tape else None
    session = session_lib.Session(policy, args.fills, args.until, price_steps=steps) if on_tape or tape else None
    source = rows(tape, messages) if tape else received(messages)
    taken, where, last = [], "no line", time.perf_counter()

    def write(answers):
        nonlocal last
        for answer in answers:
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()
        now = time.perf_counter()
        taken.append(now - last)
        last = now

    for where, message, last in source:  # noqa: B007
        if isinstance(message, messages.Observation):
            write([{"action": policy(message.observation)[0].tolist()}])
        elif session is None:
            raise errors.ConfigError(f"{where}: a policy of {policy.config.environment.name} answers observations only")
        else:
            for answers in session.take(message, where):
                write(answers)
    if session is not None:
        for answers in session.close():
            write(answers)
        if session.dropped or session.stream.late:
            print(f"dropped: {session.dropped}, too late: {session.stream.late}", file=sys.stderr)
    if taken:
        middle, high = 1e3 * np.percentile(taken, (50, 99))
        print(f"quotes: {len(taken)}, latency p50 {middle:.2f} ms, p99 {high:.2f} ms", file=sys.stderr)


def received(messages):
    """(where it is, message, time received) of every line on stdin."""
    for number, line in enumerate(sys.stdin.buffer, 1):
        received_s = time.perf_counter()
        if line.strip():
            yield f"line {number}", messages.decode(line, f"line {number}"), received_s


def recorded(name):
    """The Tape of a session of a store."""
    folder, colon, session = name.rpartition(":")
    if not colon:
        raise errors.ConfigError(f"--tape {name}: wanted STORE:SESSION")
    return store.Store.open(folder).tape(session)


def rows(tape, messages):
    """The same as `received` of the events of a Tape."""
    for number, message in enumerate(messages.of_tape(tape)):
        yield f"tape row {number}", message, time.perf_counter()


if __name__ == "__main__":
    cli.run(main)
