"""Raw tick files -> checked, merged, memory-mapped store, with a data-quality report."""

import argparse
import pathlib
import re
import zoneinfo

import tqdm

from tfmm import cli, errors
from tfmm.market import instruments, readers, synthetic
from tfmm.market.ingest import periods, prepare, quality_table


def parser():
    out = argparse.ArgumentParser(description=__doc__)
    add = out.add_argument
    add("raw_dir", type=pathlib.Path, help="folder with the raw files (and all below it), a file, or a quoted pattern")
    add("--store", type=pathlib.Path, required=True, help="folder to write")
    add("--layout", metavar="NAME", help=f"one of {', '.join(readers.VENDORS)}; default: found from each file")
    add("--symbols", default="", help="symbols, separated by commas; default: all, on one tape")
    add("--tick-size", type=float, help="of every instrument; default: inferred from the quotes")
    add("--lot-size", type=float, help="of every instrument; default: inferred from the sizes")
    add(
        "--instrument", action="append", default=[], metavar="SYMBOL:KEY=VALUE,...",
        help=f"facts of an instrument, keys {', '.join(instruments.Terms.__struct_fields__)}; may be repeated",
    )  # fmt: skip
    add(
        "--synthetic", action="append", default=[], metavar="NAME=FIRST/SECOND",
        help="add the quotes implied by two others, as ETHBTC=ETHUSDT/BTCUSDT, or * for a product; @TICK sets the tick",
    )  # fmt: skip
    add("--quote-lag-ms", type=float, default=0.0, help="move quotes this much later (the report estimates it)")
    add("--assume-size", type=float, metavar="SIZE", help="of quotes without sizes, as FX ticks; the report states it")
    add("--time-zone", default="", metavar="ZONE", help="of local times of files that do not say it, as Europe/Athens")
    add("--flip-sides", action="store_true", help="turn the sides of trades, where files give the maker's")
    add("--infer-sides", action="store_true", help="of trades that have none, by the quotes (Lee and Ready 1991)")
    add("--day-start", default="00:00", metavar="HH:MM", help="UTC time at which files without date are cut into days")
    add("--gap-s", type=float, default=60.0, help="seconds without events that the report calls a gap")
    add(
        "--break-s", type=float, default=periods.BREAK_S, metavar="S",
        help="cut a session into trading periods where nothing comes for longer (default %(default)g; 0: never)",
    )  # fmt: skip
    add("--limit", type=float, default=0.01, help="share of bad rows above which a session is refused")
    add("--allow", action="store_true", help="write sessions that are over a limit, too")
    add("--skip", action="store_true", help="leave out sessions that are over a limit or lack an instrument")
    add("--add", action="store_true", help="add the files to an existing store")
    add("--overwrite", action="store_true", help="replace the store in the folder")
    add("--jobs", type=int, default=0, help="processes; default: one for each core")
    add("--no-plots", dest="plots", action="store_false", help="write no page of plots (0.3 s and 0.1 MB a session)")
    return out


def request(args):
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", args.day_start)
    if not match:
        raise errors.ConfigError(f"--day-start {args.day_start}: wanted HH:MM from 00:00 to 23:59")
    if not (0 <= args.limit <= 1 and args.gap_s > 0 and args.jobs >= 0 and abs(args.quote_lag_ms) < 1e9):
        raise errors.ConfigError(
            f"--limit {args.limit:g} --gap-s {args.gap_s:g} --jobs {args.jobs} --quote-lag-ms {args.quote_lag_ms:g}: "
            "wanted 0 to 1, above 0, at least 0, below 1e9"
        )
    if args.assume_size is not None and not 0 < args.assume_size < 1e15:
        raise errors.ConfigError(f"--assume-size {args.assume_size:g}: wanted a size above 0")
    if args.time_zone and args.time_zone not in zoneinfo.available_timezones():
        raise errors.ConfigError(f"--time-zone {args.time_zone}: unknown, wanted a name as Europe/Athens or Etc/GMT-2")
    if not 0 <= args.break_s < 1e9:
        raise errors.ConfigError(f"--break-s {args.break_s:g}: wanted seconds from 0 (sessions are never cut) to 1e9")
    terms = dict(instruments.parse(text) for text in args.instrument)
    if args.tick_size is not None or args.lot_size is not None:
        terms["*"] = instruments.Terms(tick_size=args.tick_size, lot_size=args.lot_size)
    return prepare.Request(
        layout=args.layout,
        symbols=tuple(symbol for symbol in args.symbols.split(",") if symbol),
        terms=terms,
        triangles=tuple(synthetic.parse(text) for text in args.synthetic),
        quote_lag_ms=args.quote_lag_ms,
        day_start_ns=(60 * int(match[1]) + int(match[2])) * 60 * 10**9,
        **{
            name: getattr(args, name)
            for name in (
                "gap_s",
                "flip_sides",
                "infer_sides",
                "assume_size",
                "time_zone",
                "break_s",
                "limit",
                "allow",
                "skip",
                "add",
                "overwrite",
                "jobs",
                "plots",
            )
        },
    )


def progress(items, what, total):
    return tqdm.tqdm(items, desc=what, total=total, disable=None)


def main():
    args = parser().parse_args()
    try:
        store, report = prepare.prepare(args.raw_dir, args.store, request(args), progress)
    except prepare.Refused as refused:
        print(quality_table.table(refused.report))
        raise
    print(quality_table.table(report))
    written = store.path / (prepare.PAGE if args.plots else prepare.QUALITY)
    print(f"store {store.path}: {len(store.sessions)} sessions, {len(store.events)} events, report in {written}")


if __name__ == "__main__":
    cli.run(main)
