"""Tick files of a simulated market: tob_SIM_DATE.parquet and trade_SIM_DATE.parquet."""

import argparse
import io
import pathlib

import tqdm

from tfmm import cli, errors, files
from tfmm.market import generator


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write")
    parser.add_argument("--days", type=int, default=5, help="sessions, one a day")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hours", type=float, default=generator.SESSION_HOURS, help="length of a session")
    args = parser.parse_args()
    if args.days < 1 or not args.hours > 0 or args.seed < 0:
        raise errors.ConfigError(
            f"--days {args.days} --hours {args.hours:g} --seed {args.seed}: wanted at least 1, above 0, at least 0"
        )

    args.out.mkdir(parents=True, exist_ok=True)
    events = 0
    for day in tqdm.trange(args.days, desc="generate", unit="session", disable=None):
        date, quotes, trades = generator.session(day, args.seed, args.hours)
        for kind, frame in (("tob", quotes), ("trade", trades)):
            buffer = io.BytesIO()
            frame.to_parquet(buffer, index=False)
            files.write_bytes(args.out / f"{kind}_SIM_{date}.parquet", buffer.getvalue())
        events += len(quotes) + len(trades)
    print(f"{args.out}: {args.days} sessions, {events} events")


if __name__ == "__main__":
    cli.run(main)
