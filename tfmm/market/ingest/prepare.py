"""From raw files to a store: read in parallel, infer, merge, clean, measure, refuse or write.

The files are first spread over spool files beside the store (see `spool`), which stay when the job is
killed: the next run goes on with them. They are removed when the store is written or the input refused.
"""

import concurrent.futures
import dataclasses
import json
import logging
import multiprocessing
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgspec

from tfmm import errors, files
from tfmm.market import instruments, readers, store, synthetic
from tfmm.market.ingest import periods, plan, quality, quality_page, refining, repeats, spool, store_writer
from tfmm.market.readers import containers, discovery, sidecars

QUALITY, PAGE = "quality.json", "quality.html"
_LISTED = 3  # refused sessions in the error line; the table has all
_log = logging.getLogger(__name__)
_SMALL_BYTES = 64 << 20  # less is read in this process: starting others takes longer


Progress: TypeAlias = Callable[[Iterable[Any], str, int], Iterable[Any]]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asks for.

    Attributes:
        layout: a vendor, empty to find it out. symbols: only these, empty for all.
        terms: symbol -> instruments.Terms; "*" for all others. triangles: of synthetic quotes.
        quote_lag_ms: quotes are moved this much later, for feeds whose quotes run ahead of their trades.
        assume_size: of quotes without sizes, in the unit of the instrument; None: see absent.size.
        time_zone: of local times, where neither a file nor its layout says it.
        flip_sides: buyers become sellers, for files that give the side of the maker.
        infer_sides: of trades without one, see aggressors.
        day_start_ns: when a day begins, after 00:00 UTC. gap_s: what the report calls a gap.
        break_s: shortest break between two trading periods of a session, see periods; 0: none is cut.
        limit: largest share of bad rows. allow: write refused sessions all the same. skip: leave them out.
        add: add to the store. overwrite: replace it. jobs: processes. plots: write the page of plots.
    """

    layout: str | None = None
    symbols: tuple[str, ...] = ()
    terms: dict[str, instruments.Terms] = {}
    triangles: tuple[synthetic.Triangle, ...] = ()
    quote_lag_ms: float = 0.0
    flip_sides: bool = False
    infer_sides: bool = False
    assume_size: float | None = None
    time_zone: str = ""
    day_start_ns: int = 0
    gap_s: float = 60.0
    break_s: float = periods.BREAK_S
    limit: float = 0.01
    allow: bool = False
    skip: bool = False
    add: bool = False
    overwrite: bool = False
    jobs: int = 0
    plots: bool = True


class Refused(errors.DataError):
    """The data is worse than the limits. `report`: the quality of every session."""

    def __init__(self, message: str, report: list[quality.Report]):
        super().__init__(message)
        self.report = report


def prepare(
    origin: pathlib.Path, target: pathlib.Path, request: Request, progress: Progress | None = None
) -> tuple[store.Store, list[quality.Report]]:
    """Writes, or adds to, the store of raw files.

    Args:
        origin: of the raw files, see readers.find. target: of the store. request: what the user asks for.
        progress: function of (iterable, what, total) that shows how far it is.

    Returns:
        (Store, quality report: one dict per session and instrument of this run).

    Raises:
        Refused, DataError, ConfigError: nothing was written.
    """
    progress = progress or (lambda items, _what, _total: items)
    old = store.Store.open(target) if request.add and (target / store.MANIFEST).exists() else None
    if old is None:
        store_writer.check_target(target, request.overwrite)
    work = target.with_name(f".{target.name}.work")
    try:
        sources, passed = readers.find(origin, request.layout)
        sources = [dataclasses.replace(source, zone=request.time_zone) for source in sources]
        if passed:
            _log.warning(discovery.line(passed))
        repeated = []
        if old is not None:
            sources, repeated = _new(sources, old)
        spooled, empty = _with_rows(_spool(sources, work, request, progress))
        if empty:
            _log.warning(discovery.line(empty))
            passed += empty
        spooled, copies = repeats.once(spooled)
        repeated += copies
        if repeated:
            said = discovery.listed([f"{name} repeats {first}" for name, first in repeated])
            _log.warning("read once what several files hold: %s", said)
        beside = {"passed_over": [one._asdict() for one in passed],
                  "repeated": [{"name": name, "first": first} for name, first in repeated]}  # fmt: skip
        planned = plan.Plan(origin, spooled, request, old)
        for line in planned.left_out:
            _log.warning(line)
        out, report = _write(planned, target, request, progress, beside)
    except (errors.TfmmError, OSError):
        shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)
    return out, report


def _new(sources, old):
    """(sources that the store does not hold, [(name of one that it holds, session)])."""
    sessions = {digest: session.name for session in old.sessions for digest in session.sources.values()}
    fresh, repeated = [], []
    for source in sources:
        session = sessions.get(containers.sha256(source.path))
        if session is None:
            fresh.append(source)
        else:
            repeated.append(("/".join(source.parts), f"session {session} of the store"))
    if not fresh:
        raise errors.DataError(f"store {old.path}: holds all {len(sources)} files already, wanted a new one")
    return fresh, repeated


def _spool(sources, work, request, progress):
    """[(folder, Spooled)] in the order of the sources."""
    jobs = request.jobs or len(os.sched_getaffinity(0))
    jobs = max(1, min(jobs, len(sources)))
    arguments = (work, request.day_start_ns, request.symbols)
    work.mkdir(parents=True, exist_ok=True)
    if jobs == 1 or sum(containers.size(source.path) for source in sources) < _SMALL_BYTES:
        threads = max(1, len(os.sched_getaffinity(0)))
        reading = (spool.spool(source, *arguments, threads) for source in sources)
        return list(progress(reading, "read", len(sources)))
    context = multiprocessing.get_context("forkserver")
    with concurrent.futures.ProcessPoolExecutor(jobs, context) as pool:
        futures = [
            pool.submit(
                _spool_file, dataclasses.replace(source, layout=None), readers.LAYOUTS.index(source.layout), *arguments
            )
            for source in sources
        ]
        try:
            for future in progress(concurrent.futures.as_completed(futures), "read", len(futures)):
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _with_rows(spooled):
    """(spooled, what is passed over): without files that have a header and nothing below it."""
    empty = [one for _, one in spooled if not one.symbols and not one.no_time + one.malformed]
    if len(empty) == len(spooled):
        raise errors.DataError(f"{empty[0].path}: no rows, wanted at least one")
    kept = [part for part in spooled if part[1] not in empty]
    return kept, [discovery.Passed(one.name, sidecars.NO_ROWS) for one in empty]


def _spool_file(source, index, *arguments):
    """In a worker process: a layout holds functions, which cannot be sent, so its place among all is."""
    return spool.spool(dataclasses.replace(source, layout=readers.LAYOUTS[index]), *arguments, threads=1)


def _write(planned, target, request, progress, beside):
    """(Store, report): writes every session, then refuses them all or not at all.

    beside: what is said of the files that were not read.
    """
    report = []

    def fill(writer, folder):
        refused = []
        known = _reported(target).get("sessions", []) if planned.old is not None else []
        planned.traded.update(one["symbol"] for one in known if one["trades_kept"])
        for session in progress(planned.sessions, "write", len(planned.sessions)):
            measured = planned.write(session, writer)
            why = [(one, reasons) for one in measured if (reasons := quality.verdict(one, request.limit))]
            if session == planned.sessions[0]:
                _check_venues(planned, measured, target)
            for one in measured:
                one["refused"] = [reason for bad, reasons in why if bad is one for reason in reasons]
            report.extend(measured)
            refused.extend(why)
            if why and request.skip and writer.sessions and writer.sessions[-1].name == session:
                writer.drop_last()
        hopeless = any(quality.NOTHING in why for _, why in refused)
        if refused and not request.skip and (hopeless or not request.allow):
            raise Refused(_refusal(planned.origin, refused), report)
        if not writer.sessions:
            raise Refused(f"{planned.origin}: every session was refused, nothing is left to write", report)
        earlier = _reported(target) if planned.old is not None else {}
        told = {"sessions": report, **beside}
        told = {name: earlier.get(name, []) + found for name, found in told.items()}
        files.write_json(folder / QUALITY, told)
        if request.plots:
            files.write_text(folder / PAGE, quality_page.page(*told.values()))

    old = planned.old
    if old is None:
        return store_writer.write(target, planned.instruments, fill, request.overwrite, request.break_s), report
    factors = [
        round(one.tick_size / new.tick_size) for one, new in zip(old.instruments, planned.instruments, strict=True)
    ]
    if max(factors) == 1:
        return store_writer.append(target, fill, request.break_s), report

    def refill(writer, folder):
        refining.add_sessions(writer, old, factors)
        fill(writer, folder)

    return store_writer.write(target, planned.instruments, refill, True, request.break_s), report


def _check_venues(planned, measured, target):
    """DataError where a store that is added to has an instrument of another venue."""
    known = _reported(target).get("sessions", []) if planned.old is not None else []
    venues = {one["symbol"]: one["venue"] for one in known if one.get("venue")}
    for one in measured:
        other = venues.get(one["symbol"], "")
        if one["venue"] and other and other != one["venue"]:
            raise errors.DataError(
                f"{planned.origin}: {one['symbol']} is of {one['venue']}, but in store {planned.old.path} of {other}, "
                "wanted the same venue"
            )


def _reported(target):
    """What quality.json says of a store that is added to."""
    path = target / QUALITY
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _refusal(origin, refused):
    listed = "; ".join(
        f"{one['session']} {one['symbol']} ({', '.join(one['files'])}): {', '.join(why)}"
        for one, why in refused[:_LISTED]
    )
    listed += f"; and {len(refused) - _LISTED} more" if len(refused) > _LISTED else ""
    hopeless = [f"{one['session']} {one['symbol']}" for one, why in refused if quality.NOTHING in why]
    allow = f"--allow cannot keep {discovery.listed(hopeless)}" if hopeless else "--allow goes on all the same"
    return f"{origin}: refused, {listed}; {allow}, --skip leaves these sessions out"
