"""Quotes of a saved policy on a live market: JSON lines on stdin, a JSON line of quotes for every decision on stdout.

Events: {"type": "quote", "ts": ns, "bid": px, "bid_size": qty, "ask": px, "ask_size": qty},
{"type": "trade", "ts": ns, "price": px, "size": qty, "side": 1, -1 or 0}, with "instrument" where there are several;
{"type": "time", "ts": ns} advances the clock; {"type": "fill", "ts": ns, "side": 1 or -1, "price": px,
"size": qty} reports a fill of our quotes with --fills reported. {"observation": [features]}: the answer is
{"action": [...]}.

--ws takes the market from a public stream of Binance USD-M instead, as in
wss://fstream.binance.com/stream?streams=btcusdt@bookTicker/btcusdt@trade. It places no orders.
"""

import argparse
import contextlib
import pathlib
import sys
import time

from tfmm import cli, errors
from tfmm.config import experiment
from tfmm.market import store
from tfmm.policies import saved


def main():
    args = arguments()
    cli.quiet()
    policy = saved.Policy.load(args.policy)
    from tfmm.live import answers, messages, session as session_lib

    on_tape = policy.config.environment.name == experiment.TAPE
    tape = recorded(args.tape) if args.tape else None
    steps = tape.price_steps if tape else None
    is_market = on_tape or args.tape or args.ws or args.paper
    session = session_lib.Session(policy, args.fills, args.until, price_steps=steps) if is_market else None
    source = rows(tape, messages) if tape else received(messages)
    status = []
    with contextlib.ExitStack() as stack:
        if args.ws:
            source = streamed(args, session)
            status.append(source.line)
        if args.fills == "simulated" and (args.ws or args.paper):
            from tfmm.live import paper

            file = stack.enter_context(open(args.paper, "ab")) if args.paper else None
            status.append(paper.Account(session.stream, session.instruments, file).line)
        stack.enter_context(cli.interruptible())
        answers.Answers(policy, session, sys.stdout.buffer, status).write(source)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", type=pathlib.Path, metavar="POLICY_DIR")
    how = "fills come from the fill rules, as in a backtest, or from fill lines"
    parser.add_argument("--fills", choices=("simulated", "reported"), default="simulated", help=how)
    parser.add_argument("--until", type=int, metavar="NS", help="end of the session, ns UTC, if it is known")
    market = parser.add_mutually_exclusive_group()
    market.add_argument("--tape", metavar="STORE:SESSION", help="events of a recorded session instead of stdin")
    market.add_argument("--ws", metavar="URL", help="events of a public stream of Binance USD-M instead of stdin")
    what = "paper account: add its fills to this file, a line of JSON each; with --ws there is one without a file too"
    parser.add_argument("--paper", type=pathlib.Path, metavar="FILE", help=what)
    hold = "--ws: how long, in time of the market, a message waits for earlier ones (default %(default)s)"
    parser.add_argument("--hold", type=float, default=0.15, metavar="S", help=hold)
    most = "--ws: messages that may be left out as they are not understood (default %(default)s)"
    parser.add_argument("--max-errors", type=int, default=100, metavar="N", help=most)
    args = parser.parse_args()
    if args.paper and args.fills == "reported":
        raise errors.ConfigError("--paper FILE keeps simulated fills, wanted no --fills reported beside it")
    if not 0.0 <= args.hold <= 60.0 or args.max_errors < 0:
        raise errors.ConfigError(f"--hold {args.hold} --max-errors {args.max_errors}: wanted 0 to 60 s, 0 or more")
    return args


def received(messages):
    """(where it is, message, time received) of every line on stdin."""
    for number, line in enumerate(sys.stdin.buffer, 1):
        received_s = time.perf_counter()
        if line.strip():
            yield f"line {number}", messages.decode(line, f"line {number}"), received_s


def streamed(args, session):
    """The source.Source of an exchange's stream, and of fill lines on stdin where fills are reported."""
    from tfmm.live import refusals, source

    reports = sys.stdin.buffer if args.fills == "reported" else ()
    return source.Source(args.ws, session, args.hold, refusals.Refusals(args.max_errors), reports)


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
