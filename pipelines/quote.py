"""Quotes of a saved policy on a live market: JSON lines on stdin, a JSON line of quotes for every decision on stdout.

Events: {"type": "quote", "ts": ns, "bid": px, "bid_size": qty, "ask": px, "ask_size": qty},
{"type": "trade", "ts": ns, "price": px, "size": qty, "side": 1, -1 or 0}, with "instrument" where there are several
and "sequence" where the venue numbers them; {"type": "time", "ts": ns} advances the clock; {"type": "no_market",
"ts": ns} pulls the quotes until the next quote. With --fills reported: {"type": "fill", "ts": ns, "side": 1 or -1,
"price": px, "size": qty, "id": "venue's"} reports a fill of our quotes and {"type": "position", "ts": ns, "size": qty}
sets the inventory. {"observation": [features]}: the answer is {"action": [...]}. docs/live.md says what is rejected,
and with which consequences for the quotes.

--ws takes the market from a public stream of Binance USD-M instead, as in
wss://fstream.binance.com/stream?streams=btcusdt@bookTicker/btcusdt@trade. It places no orders.
"""

import argparse
import contextlib
import pathlib
import sys

from tfmm import cli, errors
from tfmm.config import experiment
from tfmm.market import store
from tfmm.policies import saved


def main():
    args = arguments()
    cli.quiet()
    policy = saved.Policy.load(args.policy)
    from tfmm.live import answers, desk, guard, lines, messages, options, session as session_lib

    args.fills = options.fills(args, policy.config)
    options.check(args)
    tape = recorded(args.tape) if args.tape else None
    steps, silence_s = (tape.price_steps, None) if tape else (None, None if args.ws else args.max_jump)
    is_market = policy.config.environment.name == experiment.TAPE or args.tape or args.ws or args.paper
    session = watch = None
    if is_market:
        session = session_lib.Session(policy, args.fills, args.until, price_steps=steps, silence_s=silence_s)
        watch = None if tape else guard.Guard(session.instruments, session.scales, args.max_jump)
    status = []
    with contextlib.ExitStack() as stack:
        if args.ws:
            source = streamed(args, session)
            status.append(source.line)
        if args.fills == "simulated" and (args.ws or args.paper):
            from tfmm.live import paper

            file = stack.enter_context(open(args.paper, "ab")) if args.paper else None
            status.append(paper.Account(session.stream, session.instruments, file).line)
        if args.ws:
            stack.enter_context(cli.interruptible())
            answers.Answers(policy, session, sys.stdout.buffer, status).write(source)
            return
        answering = desk.Desk(policy, session, watch, sys.stdout.buffer, options.of_desk(args), status)
        if args.resume:
            answering.resume()
        signals = stack.enter_context(lines.Signals())
        if tape:
            items = desk.of_messages(messages.of_tape(tape), signals, answering.lines)
        else:
            items = desk.of_lines(sys.stdin.buffer, signals, answering.lines, args.every)
        answering.run(items, signals)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", type=pathlib.Path, metavar="POLICY_DIR")
    how = "by the fill rules, as in a backtest (default, but for informed clients), or by fill lines"
    parser.add_argument("--fills", choices=("simulated", "reported"), help=how)
    parser.add_argument("--until", type=int, metavar="NS", help="end of the session, ns UTC, if it is known")
    market = parser.add_mutually_exclusive_group()
    market.add_argument("--tape", metavar="STORE:SESSION", help="events of a recorded session instead of stdin")
    market.add_argument("--ws", metavar="URL", help="events of a public stream of Binance USD-M instead of stdin")
    what = "paper account: add its fills to this file, a line of JSON each; with --ws there is one without a file too"
    parser.add_argument("--paper", type=pathlib.Path, metavar="FILE", help=what)
    hold = "--ws: how long, in time of the market, a message waits for earlier ones (default %(default)s)"
    parser.add_argument("--hold", type=float, default=0.15, metavar="S", help=hold)
    how = "stdin: a step of time that no event makes alone, a silence that one decision passes (default %(default)s)"
    parser.add_argument("--max-jump", type=float, default=60.0, metavar="S", help=how)
    most = "bad lines, or messages of --ws, that are left out; one more ends with exit 2 (default %(default)s)"
    parser.add_argument("--max-errors", type=int, default=100, metavar="N", help=most)
    parser.add_argument("--status", type=pathlib.Path, metavar="FILE", help="JSON of what was taken and rejected")
    how = "what --resume goes on from, written whole"
    parser.add_argument("--state", type=pathlib.Path, metavar="FILE", help=how)
    parser.add_argument("--resume", action="store_true", help="go on from the --state file")
    how = "between two status lines and writings of --status and --state (default %(default)s)"
    parser.add_argument("--every", type=float, default=60.0, metavar="S", help=how)
    return parser.parse_args()


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


if __name__ == "__main__":
    cli.run(main)
