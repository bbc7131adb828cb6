"""Tick files of a simulated market: tob_SYMBOL_DATE.parquet and trade_SYMBOL_DATE.parquet."""

import argparse
import io
import pathlib

import msgspec
import tqdm

from tfmm import cli, errors, files
from tfmm.market import generator, store


def parser():
    out = argparse.ArgumentParser(description=__doc__)
    add = out.add_argument
    add("--out", type=pathlib.Path, required=True, help="folder to write")
    add("--days", type=int, default=5, help="sessions, one a day")
    add("--seed", type=int, default=0)
    add("--hours", type=float, default=generator.SESSION_HOURS, help="length of a session")
    add("--instruments", type=int, default=1, help="correlated instruments")
    add("--triangle", action="store_true", help="three instruments XY, YZ and XZ, the product of the other two")
    add("--volatility", type=float, default=1.0, metavar="X", help="times that of the model, or of --like")
    add("--like", metavar="STORE[:SESSION]", help="resemble a session of a prepared store (default: its first)")
    return out


def like(text):
    """Parameters measured on the longest trading period of a session of a store."""
    path, _, name = text.partition(":")
    opened = store.Store.open(path)
    session = opened.session(name) if name else opened.sessions[0]
    longest = max(session.trading, key=lambda period: period.last_ns - period.first_ns)
    events = opened.events[longest.start_row : longest.stop_row]
    return generator.measure(events[events["instrument"] == 0], opened.instruments[0])


def main():
    args = parser().parse_args()
    if args.days < 1 or not 0 < args.hours <= 24 or args.seed < 0 or args.instruments < 1:
        raise errors.ConfigError(
            f"--days {args.days} --hours {args.hours:g} --seed {args.seed} --instruments {args.instruments}: wanted at "
            "least 1, above 0 and at most 24, at least 0, at least 1"
        )
    if not 0 < args.volatility < float("inf"):
        raise errors.ConfigError(f"--volatility {args.volatility:g}: wanted above 0")
    count = 3 if args.triangle and args.instruments == 1 else args.instruments
    model = like(args.like) if args.like else generator.Parameters()
    model = msgspec.structs.replace(model, sigma_tick=args.volatility * model.sigma_tick)
    members = generator.instruments(count, model, args.triangle)

    args.out.mkdir(parents=True, exist_ok=True)
    events = 0
    for day in tqdm.trange(args.days, desc="generate", unit="session", disable=None):
        date, frames = generator.market(day, args.seed, args.hours, members, args.triangle)
        for symbol, pair in frames.items():
            for kind, frame in zip(("tob", "trade"), pair, strict=True):
                buffer = io.BytesIO()
                frame.to_parquet(buffer, index=False)
                files.write_bytes(args.out / f"{kind}_{symbol}_{date}.parquet", buffer.getvalue())
                events += len(frame)
    print(f"{args.out}: {args.days} sessions of {', '.join(one.symbol for one in members)}, {events} events")


if __name__ == "__main__":
    cli.run(main)
