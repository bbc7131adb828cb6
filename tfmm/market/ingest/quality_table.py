"""The data-quality report as text: a verdict, a table for the console, and sentences on what stands out."""

from collections.abc import Sequence

import numpy as np

from tfmm.market.ingest import aggressors, periods, quality, sides

_MANY_BEYOND = 0.2  # share of prints beyond the best prices that is worth a note

COLUMNS = (
    ("session", lambda one: one["session"], "day, or the label in the names of the files"),
    ("symbol", lambda one: one["symbol"], "instrument"),
    ("rows", lambda one: f"{one['rows_read']}", "rows read from the files"),
    ("quotes", lambda one: f"{one['quotes_kept']}", "quotes in the store"),
    ("trades", lambda one: f"{one['trades_kept']}", "trades in the store"),
    ("dropped", lambda one: f"{dropped(one)}", "rows left out, by reason in the sentences below"),
    ("unordered", lambda one: f"{one['out_of_order']}", "rows whose time is earlier than that of the row before"),
    ("locked", lambda one: f"{one['locked']}", "quotes whose bid equals their ask"),
    ("hours", lambda one: f"{one['span_s'] / 3600:.2f}", "from the first to the last event, breaks left out"),
    ("gaps", lambda one: f"{one['gaps']}", "stretches without any event, longer than --gap-s"),
    ("longest_s", lambda one: f"{one['longest_gap_s']:.1f}", "longest stretch without an event, seconds"),
    ("spread", lambda one: _spread(one["median_spread_tick"]), "median of ask less bid over the quotes, ticks"),
    ("tick", lambda one: f"{one['tick_size']:g}", "price step, quote currency"),
    ("lot", lambda one: f"{one['lot_size']:g}", "size step, in the unit of the files"),
    ("side_ok", lambda one: _percent(one["side_agreement"]), "trades on the side that the mid before them says"),
    ("beyond", lambda one: _percent(one["prints_beyond_best"]), "trades outside of the best prices before them"),
    ("skew_ms", lambda one: _number(one["clock_skew_ms"]), "by how much quotes seem to run ahead of trades, ms"),
)
"""(name, text of a report, meaning) of each column."""


def _number(value):
    return "-" if value is None or value != value else f"{value:g}"


def _percent(share):
    return f"{share:.0%}" if share == share else "-"


def _spread(ticks):
    # wider spreads are counted together
    return f">={quality.SPREADS}" if ticks >= quality.SPREADS else f"{ticks:g}"


def dropped(one: quality.Report) -> int:
    """Rows of a report that were left out, for any reason."""
    return sum(one["dropped"].values()) + one["malformed"] + one["no_time"]


def rows(report: Sequence[quality.Report]) -> list[list[str]]:
    """The table as lists of texts, the names of the columns first."""
    shown = [{name: float("nan") if value is None else value for name, value in one.items()} for one in report]
    return [[name for name, _, _ in COLUMNS], *([show(one) for _, show, _ in COLUMNS] for one in shown)]


def table(report: Sequence[quality.Report]) -> str:
    """The report as text with aligned columns, reasons below."""
    cells = rows(report)
    widths = [max(len(row[k]) for row in cells) for k in range(len(COLUMNS))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    for one in report:
        lines += [f"{one['session']} {one['symbol']}: {note}" for note in notes(one)]
    return "\n".join(lines + common(report))


def common(report: Sequence[quality.Report]) -> list[str]:
    """Sentences that hold of several sessions, each said once."""
    lines = periods.lines(report)
    # what is true of every file of a layout is said once
    lines += [f"note: {note}" for note in dict.fromkeys(note for one in report for note in one.get("notes", ()))]
    without = [one for one in report if not one["trades_kept"] and not one["trades_read"]]
    if untraded := list(dict.fromkeys(one["symbol"] for one in without if not one["trades_elsewhere"])):
        lines.append(
            f"note: no trades of {', '.join(untraded)}, so their quotes can be filled by clients only "
            "(configs/client_flow.toml with rules.order_size set), not by the tape"
        )
    far = [one for one in report if one["trades_kept"] >= sides.ENOUGH_TRADES and _beyond(one) > _MANY_BEYOND]
    if far:
        least, most = min(map(_beyond, far)), max(map(_beyond, far))
        share = f"{least:.0%} to {most:.0%}" if f"{least:.0%}" != f"{most:.0%}" else f"{most:.0%}"
        lines.append(
            f"note: {share} of the trades of {len(far)} of {len(report)} sessions lie beyond the best prices before "
            "them (column beyond): orders that sweep several levels, quotes that come late or only now and then, "
            "prints off the book or of another venue; the fill rules count such a trade as one through our price"
        )
    return lines


def verdict(report: Sequence[quality.Report]) -> tuple[str, bool]:
    """(a sentence on all sessions, whether any was refused)."""
    refused = [one for one in report if one["refused"]]
    noted = [one for one in report if not one["refused"] and notes(one)]
    total = sum(one["rows_read"] for one in report)
    lost = sum(dropped(one) for one in report)
    share = f"{lost / total:.2%}" if total else "0%"
    rest = f"{len(report) - len(refused) - len(noted)} without a remark, {len(noted)} with remarks"
    counted = f"{len(refused)} over a limit; {lost} of {total} rows ({share}) left out"
    text = f"{len(report)} sessions (of one instrument each): {rest}, {counted}"
    return text, bool(refused)


def _beyond(one):
    share = one["prints_beyond_best"]
    return 0.0 if share is None or share != share else share


def notes(one: quality.Report) -> list[str]:
    """Sentences on what stands out in a report."""
    lost = {**one["dropped"], **{name: one[name] for name in ("malformed", "no_time") if one[name]}}
    out = ["dropped " + ", ".join(f"{count} {reason}" for reason, count in lost.items())] if lost else []
    if one.get("unknown"):
        out.append(f"the market was unknown {one['unknown']} times, from a dropped quote to the next true one")
    if one.get("one_sided"):
        out.append(
            f"{one['one_sided']} quotes have one side only, as at a price limit: what rests may fill, policies wait "
            "for the other side"
        )
    if one.get("assumed_size"):
        out.append(f"{one['unsized']} quotes without sizes are given the size {one['assumed_size']:g}")
    if said := aggressors.note(one):
        out.append(said)
    if one["missing_trades"]:
        hole = one["first_hole"]
        out.append(
            f"{one['missing_trades']} trade ids are missing in {one['trade_id_holes']} holes (first "
            f"{hole['first_id']} to {hole['last_id']}, before {np.datetime64(hole['before_ns'], 'ns')!s:.19} UTC)"
        )
    skew = one["clock_skew_ms"]
    if skew and skew == skew:
        share = {point["lag_ms"]: point["agreement"] for point in one["side_agreement_by_lag"]}
        if skew in share:
            out.append(
                f"clock skew: trade sides agree best with quotes read {skew:g} ms earlier "
                f"({share[skew]:.0%} against {share[0]:.0%}); --quote-lag-ms {skew:g} corrects it"
            )
    if empty := sides.without_information(quality.curve(one), one["buys"] + one["sells"]):
        out.append(empty)
    return out + [f"refused: {reason}" for reason in one["refused"]]
