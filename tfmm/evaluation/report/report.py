"""metrics.json, tables, figures and the self-contained report.html."""

import base64
import csv
import dataclasses
import importlib.resources
import io
import pathlib
from collections.abc import Callable
from typing import Any

import jinja2
import markupsafe
from matplotlib import figure

from tfmm import files
from tfmm.arrays import Array
from tfmm.evaluation import comparison, gate as gate_lib
from tfmm.evaluation.metrics import definitions
from tfmm.evaluation.report import fill_log


@dataclasses.dataclass(frozen=True, eq=False)
class TapeEvaluation:
    """The evaluation of a policy on a tape.

    Attributes:
        policy, data, rules: dicts of facts, as in metrics.json; rules["baselines"]: the fitted parameters of each.
        results: {policy name: metrics}.
        breakdown: {policy name: summary.breakdown}.
        comparison: entries of comparison.compare.
        verdict: see comparison.verdict.
        best_baseline: its name.
        name: of the evaluated policy.
        currency: of money.
        fills: fill_log.columns of the policy.
        figures: {file stem: (title, caption, Figure)}.
        tables: {file stem: rows}, the numbers behind the figures.
        chart: chart.payload, or "" for none.
        film: bytes of film.gif, or None.
        quality: (rows of texts, notes) on the data of this split, or None.
        config_text: the configuration as TOML.
        command: the command line that repeats the evaluation.
        advice: what to try next where the no-quote gate is closed, see gate.advice.
        ungated: entries of comparison.compare of the ungated policy where the gate is closed.
    """

    policy: dict[str, Any]
    data: dict[str, Any]
    rules: dict[str, Any]
    results: dict[str, dict[str, Any]]
    breakdown: dict[str, dict[str, dict[str, dict[str, Any]]]]
    comparison: list[dict[str, Any]]
    verdict: str
    best_baseline: str
    name: str
    currency: str
    fills: dict[str, Array]
    figures: dict[str, tuple[str, str, figure.Figure]]
    tables: dict[str, list[dict[str, Any]]]
    chart: str
    film: bytes | None
    quality: tuple[list[list[str]], list[str]] | None
    config_text: str
    command: str
    advice: list[str] = dataclasses.field(default_factory=list)
    ungated: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        (entry,) = [entry for entry in self.comparison if entry["baseline"] == self.best_baseline]
        against = f"{self.verdict}: {self.name} against {self.best_baseline}, the best baseline"
        if comparison.is_tie(entry):
            return f"{against}: the same {entry['metric'].replace('_', ' ')} in each of {entry['n_blocks']} blocks"
        if entry["ci_low"] != entry["ci_low"]:
            return f"{against}: only {entry['n_blocks']} blocks, too few for an interval"
        interval = f"95 % interval [{entry['ci_low']:.4g}, {entry['ci_high']:.4g}]"
        metric = entry["metric"].replace("_", " ")
        gain = f"{metric} {entry['mean_difference']:+.4g} {self.currency} per {self.rules['block_s']:g} s"
        return f"{against}: {gain}, {interval}"

    @property
    def no_quote_reason(self) -> str:
        """Why the no-quote gate stops the policy from quoting, in one sentence; empty where it quotes."""
        return gate_lib.reason(
            self.policy.get("no_quote_gate"), self.name, f"{self.currency} per {self.rules['block_s']:g} s"
        )


def write(folder: pathlib.Path, evaluation: TapeEvaluation, png: Callable[[figure.Figure], bytes]) -> pathlib.Path:
    """Writes metrics.json, fills.parquet, tables as CSV, figures/*.png and report.html (last); returns its path.

    Args:
        png: figures.png, or another function of a Figure that returns a picture.
    """
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    pictures = []
    for stem, (title, caption, fig) in evaluation.figures.items():
        data = png(fig)
        files.write_bytes(folder / "figures" / f"{stem}.png", data)
        pictures.append((stem, title, caption, base64.b64encode(data).decode()))
    for stem, rows in evaluation.tables.items():
        files.write_text(folder / "figures" / f"{stem}.csv", _csv(rows))
    if evaluation.film is not None:
        files.write_bytes(folder / "film.gif", evaluation.film)
    files.write_bytes(folder / "fills.parquet", fill_log.parquet_bytes(evaluation.fills))
    files.write_text(folder / "results.csv", _csv(_result_rows(evaluation.results)))
    files.write_text(folder / "comparison.csv", _csv(evaluation.comparison))
    files.write_json(
        folder / "metrics.json",
        {
            "policy": evaluation.policy,
            "data": evaluation.data,
            "rules": evaluation.rules,
            "results": evaluation.results,
            "breakdown": evaluation.breakdown,
            "comparison": evaluation.comparison,
            "verdict": evaluation.verdict,
            **({"ungated": evaluation.ungated, "advice": evaluation.advice} if evaluation.ungated else {}),
        },
    )
    path = folder / "report.html"
    files.write_text(path, _page(evaluation, pictures))
    return path


def _page(evaluation, pictures):
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tfmm.evaluation.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    environment.filters["words"] = words
    environment.filters["breakable"] = breakable
    script = (
        importlib.resources.files("tfmm.evaluation.report").joinpath("templates/quotes.js").read_text(encoding="utf-8")
    )
    return environment.get_template("report.html.j2").render(
        evaluation=evaluation,
        reported=reported,
        markout=definitions.MARKOUT,
        parts=_parts(evaluation),
        baselines=[
            (name, definitions.BASELINES.get(name, ""), _fitted(evaluation, values))
            for name, values in evaluation.rules["baselines"].items()
        ],
        settings=definitions.SETTINGS,
        quality=definitions.QUALITY,
        pictures=pictures,
        chart=evaluation.chart,
        script=script,
    )


def reported(results: dict[str, dict[str, Any]]) -> list[definitions.Definition]:
    """The metrics that at least one of several results has; results: {policy: metrics}."""
    optional = (definitions.EXPECTED, definitions.ADJUSTED, *definitions.CLIENTS)
    present = [metric for metric in optional if any(metric.name in result for result in results.values())]
    return [*definitions.METRICS, *present]


def _fitted(evaluation, values):
    """[(label, text)] of a baseline's fitted parameters; values of several instruments with their symbols."""
    symbols = [instrument["symbol"] for instrument in evaluation.policy.get("instruments", ())]
    out = []
    for key, value in values.items():
        per_instrument = value if isinstance(value, (list, tuple)) else ()
        texts = [_intensity(part) if key == "intensity" else words(part) for part in per_instrument]
        if len(texts) == len(symbols) > 1:
            text = "; ".join(f"{symbol}: {part}" for symbol, part in zip(symbols, texts, strict=True))
        else:
            text = texts[0] if len(texts) == 1 else words(value)
        out.append((definitions.FITTED.get(key, key), text))
    return out


def _intensity(facts):
    """fill_probes.ProbedFills.facts of one instrument in words."""
    if not facts:
        return "too few fills to fit"
    return (
        f"A {words(facts['fill_rate_per_s'])} {words(facts['fill_rate_interval'])}, k per tick "
        f"{words(facts['decay_per_tick'])} {words(facts['decay_interval'])}, from {facts['fills']} fills, with 95 % "
        "intervals"
    )


def _parts(evaluation):
    """[(kind, [(part, {policy: metrics})], labels)] of sessions and instruments, where there are several.

    labels: of the metrics that are known for all parts together only.
    """
    out, metrics = [], reported(evaluation.results)
    for kind in ("sessions", "instruments"):
        names = list(next(iter(evaluation.breakdown.values()))[kind]) if evaluation.breakdown else []
        if len(names) > 1:
            parts = [(part, {key: each[kind][part] for key, each in evaluation.breakdown.items()}) for part in names]
            present = {metric.name for _, results in parts for metric in reported(results)}
            out.append((kind, parts, [metric.label for metric in metrics if metric.name not in present]))
    return out


def _result_rows(results):
    rows = [
        {"metric": metric.name, "unit": metric.unit}
        | {policy: result.get(metric.name) for policy, result in results.items()}
        for metric in reported(results)
    ]
    for horizon in next(iter(results.values()))["markout_bps"]:
        marks = {policy: result["markout_bps"][horizon] for policy, result in results.items()}
        rows.append({"metric": f"markout_{horizon}s", "unit": "bps"} | marks)
    return rows


def _csv(rows):
    """CSV of dicts with the same keys; NaN is left empty."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {key: "" if value is None or value != value else value for key, value in row.items()} for row in rows
        )
    return out.getvalue()


def shown(value: Any, kind: str = "number") -> str:
    """A number as the report prints it, a dash for None and NaN; kind: as Definition.kind."""
    if value is None or value != value:
        return "-"
    if kind == "count":
        return f"{value:,d}"
    if kind == "share":
        return f"{value:.2%}"
    if kind == "money":
        return f"{value:,.2f}" if abs(value) < 1e6 else f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def breakable(name: str) -> markupsafe.Markup:
    """A name with underscores as HTML that may break after them, and only there."""
    return markupsafe.Markup("_<wbr>").join(name.split("_"))


def words(value: Any) -> str:
    """Facts of any shape as short text: numbers to five digits, lists and dicts in a line."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return ", ".join(f"{key} {words(part)}" for key, part in value.items()) or "nothing"
    if isinstance(value, (list, tuple)):
        if len(value) > 12:
            return f"{len(value)} values, {words(value[0])} to {words(value[-1])}"
        return words(value[0]) if len(value) == 1 else f"[{', '.join(words(part) for part in value)}]"
    if isinstance(value, float):
        return f"{value:.5g}"
    return str(value)
