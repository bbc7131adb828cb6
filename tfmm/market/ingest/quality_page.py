"""The data-quality report for people: a table for the console, a page of plots for the browser."""

import base64
import html
import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib import figure

from tfmm.market.ingest import periods, quality

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-size:.85rem}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child,td.t{text-align:left}.scroll{overflow-x:auto}img{max-width:100%;height:auto}
.bad{color:#a00;font-weight:600}h2{margin:2rem 0 .3rem}
"""
_COLUMNS = (
    ("session", lambda one: one["session"]),
    ("symbol", lambda one: one["symbol"]),
    ("rows", lambda one: f"{one['rows_read']}"),
    ("quotes", lambda one: f"{one['quotes_kept']}"),
    ("trades", lambda one: f"{one['trades_kept']}"),
    ("dropped", lambda one: f"{dropped(one)}"),
    ("unordered", lambda one: f"{one['out_of_order']}"),
    ("locked", lambda one: f"{one['locked']}"),
    ("hours", lambda one: f"{one['span_s'] / 3600:.2f}"),
    ("gaps", lambda one: f"{one['gaps']}"),
    ("longest_s", lambda one: f"{one['longest_gap_s']:.1f}"),
    ("spread", lambda one: f"{one['median_spread_tick']:g}"),
    ("tick", lambda one: f"{one['tick_size']:g}"),
    ("lot", lambda one: f"{one['lot_size']:g}"),
    ("side_ok", lambda one: _percent(one["side_agreement"])),
    ("beyond", lambda one: _percent(one["prints_beyond_best"])),
    ("skew_ms", lambda one: f"{one['clock_skew_ms']:g}"),
)


def _percent(share):
    return f"{share:.0%}" if share == share else "-"


def dropped(one: quality.Report) -> int:
    """Rows of a report that were left out, for any reason."""
    return sum(one["dropped"].values()) + one["malformed"] + one["no_time"]


def rows(report: Sequence[quality.Report]) -> list[list[str]]:
    """The table as lists of texts, the names of the columns first."""
    shown = [{name: float("nan") if value is None else value for name, value in one.items()} for one in report]
    return [[name for name, _ in _COLUMNS], *([show(one) for _, show in _COLUMNS] for one in shown)]


def table(report: Sequence[quality.Report]) -> str:
    """The report as text with aligned columns, reasons below."""
    cells = rows(report)
    widths = [max(len(row[k]) for row in cells) for k in range(len(_COLUMNS))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    for one in report:
        lines += [f"{one['session']} {one['symbol']}: {note}" for note in notes(one)]
    lines += periods.lines(report)
    # what is true of every file of a layout is said once
    lines += [f"note: {note}" for note in dict.fromkeys(note for one in report for note in one.get("notes", ()))]
    return "\n".join(lines)


def notes(one: quality.Report) -> list[str]:
    """Sentences on what stands out in a report."""
    lost = {**one["dropped"], **{name: one[name] for name in ("malformed", "no_time") if one[name]}}
    out = ["dropped " + ", ".join(f"{count} {reason}" for reason, count in lost.items())] if lost else []
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
    return out + [f"refused: {reason}" for reason in one["refused"]]


def page(report: Sequence[quality.Report]) -> str:
    """A self-contained HTML page: the table, then four plots of each session and instrument."""
    cells = rows(report)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in cells[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells[1:])
    cut = "".join(f"<p>{html.escape(line)}</p>" for line in periods.lines(report))
    parts = []
    for one in report:
        sentences = "".join(f"<p>{html.escape(note)}</p>" for note in notes(one))
        title = html.escape(f"{one['symbol']} {one['session']}")
        source = html.escape(", ".join(one["layouts"]) + ": " + ", ".join(one["files"]))
        parts.append(f"<h2>{title}</h2><p>{source}</p>{sentences}<img alt='{title}' src='{_picture(one)}'>")
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>Data quality</title><style>{_STYLE}</style><h1>Data quality</h1>"
        f"<div class='scroll'><table><tr>{head}</tr>{body}</table></div>{cut}{''.join(parts)}</html>\n"
    )


def _picture(one):
    with matplotlib.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        drawn = figure.Figure(figsize=(10, 4.6), layout="constrained")
        (spread, rate), (lags, width) = drawn.subplots(2, 2)
        _draw_timeline(one, spread, rate)
        points = one["side_agreement_by_lag"]
        lags.plot([p["lag_ms"] for p in points], [np.nan if p["agreement"] is None else p["agreement"] for p in points],
                  "o-", ms=3, lw=1)  # fmt: skip
        lags.set(
            xscale="symlog",
            xlabel="quotes read earlier by, ms",
            ylim=(0, 1),
            title="Trade sides that agree with the mid",
        )
        lags.axvline(0, color="0.7", lw=0.8)
        histogram = one["spread_histogram"]
        ticks, counts = np.array(histogram["ticks"]), np.array(histogram["quotes"], float)
        near = ticks <= max(20, 5 * (one["median_spread_tick"] or 1))
        width.bar(ticks[near], counts[near] / max(counts.sum(), 1), color="C2")
        width.set(xlabel="spread, ticks", title="Share of quotes by spread")
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _draw_timeline(one, spread, rate):
    line = one["timeline"]
    hours = (np.arange(len(line["quotes"])) + 0.5) * line["bin_s"] / 3600
    spread.plot(hours, [np.nan if value is None else value for value in line["mean_spread_tick"]], lw=0.9)
    spread.set(xlabel="hours", title="Mean spread, ticks", ylim=(0, None))
    for name, color in (("quotes", "C0"), ("trades", "C1")):
        rate.plot(
            hours, np.maximum(np.array(line[name]) / max(line["bin_s"], 1e-9), 1e-3), lw=0.9, color=color, label=name
        )
    for gap in one["longest_gaps"][: one["gaps"]]:
        begin = (gap["begin_ns"] - line["begin_ns"]) * 1e-9 / 3600
        rate.axvspan(begin, begin + gap["length_s"] / 3600, color="0.85", lw=0)
    rate.set(xlabel="hours", yscale="log", title="Events per second (gaps shaded)")
    rate.legend(frameon=False)
