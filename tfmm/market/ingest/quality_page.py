"""The data-quality report for the browser: the verdict, the table, and four plots of each session and instrument."""

import base64
import datetime
import html
import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib import dates, figure

from tfmm.market.ingest import quality, quality_table

_SHOWN = 6  # lines on all sessions that are shown as they are
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:76rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-size:.85rem}td,th{padding:.2rem .5rem;text-align:right;border-bottom:1px solid #ddd}
td,th{white-space:nowrap}td:nth-child(2){white-space:normal;overflow-wrap:anywhere;min-width:7rem}
td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.scroll{overflow-x:auto;margin:1rem 0}
.verdict{padding:.6rem .8rem;border-left:5px solid #2a7;background:#f2faf6;font-weight:600;overflow-wrap:anywhere}
li{overflow-wrap:anywhere}.bad{border-color:#b00;background:#fcf1f1}h2{margin:2rem 0 .3rem}p,h2{overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:.5rem}
.plots img{width:100%;height:auto}dt{font-weight:600}dd{margin:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;font-size:.85rem}
"""


def page(
    report: Sequence[quality.Report],
    passed_over: Sequence[Mapping[str, str]] = (),
    repeated: Sequence[Mapping[str, str]] = (),
) -> str:
    """A self-contained HTML page.

    Args:
        report: of all sessions and instruments of a store.
        passed_over: files that were not read, {name, what}. repeated: files that were read once, {name, first}.
    """
    cells = quality_table.rows(report)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in cells[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells[1:])
    meanings = "".join(f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, _, text in quality_table.COLUMNS)
    lines = quality_table.common(report)
    said = "".join(f"<p>{html.escape(line)}</p>" for line in lines) if len(lines) <= _SHOWN else _remarks(lines)
    verdict, refused = quality_table.verdict(report)
    beside = _listed("passed over, not read", [f"{one['name']}: {one['what']}" for one in passed_over])
    beside += _listed("read once, as others hold the same", [f"{one['name']}: {one['first']}" for one in repeated])
    parts = []
    for one in report:
        sentences = "".join(f"<p>{html.escape(note)}</p>" for note in quality_table.notes(one))
        title = html.escape(f"{one['symbol']} {one['session']}")
        source = html.escape(", ".join(one["layouts"]) + ": " + ", ".join(one["files"]))
        pictures = "".join(f"<img alt='{html.escape(name)}, {title}' src='{data}'>" for name, data in _pictures(one))
        parts.append(f"<h2>{title}</h2><p>{source}</p>{sentences}<div class='plots'>{pictures}</div>")
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>Data quality</title><style>{_STYLE}</style><h1>Data quality</h1>"
        f"<p class='verdict{' bad' * refused}'>{html.escape(verdict)}</p>{said}"
        f"<div class='scroll'><table><tr>{head}</tr>{body}</table></div>"
        f"<details><summary>What the columns mean</summary><dl>{meanings}</dl></details>"
        f"{beside}{''.join(parts)}</html>\n"
    )


def _listed(what, lines):
    """A list of files that opens on a click, empty without lines."""
    return _closed(f"{len(lines)} {'files' if len(lines) > 1 else 'file'} {what}", lines) if lines else ""


def _remarks(lines):
    """Many lines, as of a break in each of many sessions, do not push the table away: notes, and a list of the rest."""
    notes = [line for line in lines if line.startswith("note: ")]
    rest = [line for line in lines if line not in notes]
    return "".join(f"<p>{html.escape(line)}</p>" for line in notes) + _closed(f"{len(rest)} remarks on sessions", rest)


def _closed(summary, lines):
    """A list that opens on a click."""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<details><summary>{summary}</summary><ul>{items}</ul></details>"


def _pictures(one):
    """Yields (title, PNG as a data address) of the plots of a report; sides only where a trade has one."""
    plots = [
        ("Mean spread, ticks", _draw_spread),
        ("Events per second (gaps shaded)", _draw_rate),
        ("Share of quotes by spread", _draw_width),
    ]
    if any(point["agreement"] is not None for point in one["side_agreement_by_lag"]):
        plots.append(("Trade sides that agree with the mid", _draw_lags))
    for title, draw in plots:
        with matplotlib.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
            drawn = figure.Figure(figsize=(5.4, 2.4), layout="constrained")
            ax = drawn.subplots()
            draw(one, ax)
            ax.set_title(title)
            buffer = io.BytesIO()
            drawn.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
        yield title, "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _times(one):
    """Middle of each bin of the time axis, datetime64 UTC."""
    line = one["timeline"]
    offset = (np.arange(len(line["quotes"])) + 0.5) * line["bin_s"]
    return np.datetime64(int(line["begin_ns"]), "ns") + (offset * 1e9).astype("timedelta64[ns]")


def _clock_axis(ax):
    locator = dates.AutoDateLocator(tz=datetime.UTC)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=datetime.UTC))
    ax.set_xlabel("time, UTC")


def _draw_spread(one, ax):
    means = [np.nan if value is None else value for value in one["timeline"]["mean_spread_tick"]]
    ax.plot(_times(one), means, lw=0.9)
    ax.set_ylim(0, None)
    _clock_axis(ax)


def _draw_rate(one, ax):
    line = one["timeline"]
    for name, color in (("quotes", "C0"), ("trades", "C1")):
        if not any(line[name]):
            continue
        rate = np.maximum(np.array(line[name]) / max(line["bin_s"], 1e-9), 1e-3)
        ax.plot(_times(one), rate, lw=0.9, color=color, label=name)
    for gap in one["longest_gaps"][: one["gaps"]]:
        begin = np.datetime64(int(gap["begin_ns"]), "ns")
        ax.axvspan(begin, begin + np.timedelta64(int(gap["length_s"] * 1e9), "ns"), color="0.85", lw=0)
    ax.set_yscale("log")
    ax.legend(frameon=False)
    _clock_axis(ax)


def _draw_lags(one, ax):
    points = one["side_agreement_by_lag"]
    shares = [np.nan if point["agreement"] is None else point["agreement"] for point in points]
    ax.plot([point["lag_ms"] for point in points], shares, "o-", ms=3, lw=1)
    ax.set(xscale="symlog", xlabel="quotes read earlier by, ms", ylim=(0, 1))
    ax.axvline(0, color="0.7", lw=0.8)
    ax.axhline(0.5, color="0.7", lw=0.8)


def _draw_width(one, ax):
    histogram = one["spread_histogram"]
    ticks, counts = np.array(histogram["ticks"]), np.array(histogram["quotes"], float)
    near = ticks <= max(20, 5 * (one["median_spread_tick"] or 1))
    ax.bar(ticks[near], counts[near] / max(counts.sum(), 1), color="C2")
    ceiling = near.any() and ticks[near].max() >= quality.SPREADS
    ax.set_xlabel(f"spread, ticks; {quality.SPREADS} stands for all wider ones" if ceiling else "spread, ticks")
