"""Raw tick files -> checked, merged, memory-mapped store."""

import argparse
import functools
import pathlib

import tqdm

from tfmm import cli
from tfmm.market import prepare, readers


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw_dir", type=pathlib.Path, help="folder with the raw files")
    parser.add_argument("--store", type=pathlib.Path, required=True, help="folder to write")
    parser.add_argument("--layout", help=f"one of {', '.join(readers.LAYOUTS)}; default: found from the files")
    parser.add_argument("--symbols", default="", help="only these, separated by commas; default: all, on one tape")
    parser.add_argument("--tick-size", type=float, help="default: inferred from the quotes")
    parser.add_argument("--lot-size", type=float, help="default: inferred from the sizes")
    parser.add_argument("--overwrite", action="store_true", help="replace the store in the folder")
    args = parser.parse_args()

    store, quality = prepare.prepare(
        args.raw_dir,
        args.store,
        layout=args.layout,
        symbols=tuple(symbol for symbol in args.symbols.split(",") if symbol),
        tick_size=args.tick_size,
        lot_size=args.lot_size,
        overwrite=args.overwrite,
        progress=functools.partial(tqdm.tqdm, desc="prepare", unit="session", disable=None),
    )
    for one in quality:
        dropped = ", ".join(f"{count} {reason}" for reason, count in one["dropped"].items()) or "none"
        print(
            f"{one['session']} {one['symbol']}: {one['quotes_kept']} quotes, {one['trades_kept']} trades over "
            f"{one['span_s']:.0f} s; dropped {dropped}; {one['locked']} locked; "
            f"longest gap {one['longest_gap_s']:.1f} s; "
            f"median spread {one['median_spread_tick']:g} ticks of {one['tick_size']:g}, lot {one['lot_size']:g}"
        )
    print(f"store {store.path}: {len(store.sessions)} sessions, {len(store.events)} events")


if __name__ == "__main__":
    cli.run(main)
