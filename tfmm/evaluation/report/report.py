"""metrics.json, tables, figures and the self-contained report.html."""

import base64
import csv
import dataclasses
import importlib.resources
import io

import jinja2
import markupsafe

from tfmm import files
from tfmm.evaluation.metrics import definitions
from tfmm.evaluation.report import fill_log


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """What an evaluation found.

    Attributes:
        policy, data, rules: dicts of facts, as in metrics.json; rules["baselines"]: what was fitted for each.
        results: {policy name: metrics}. breakdown: {policy name: assess.breakdown}.
        comparison: list of comparison.compare. verdict: str. best_baseline: name.
        name: the evaluated policy. currency: of money. fills: fill_log.columns of the policy.
        figures: {file stem: (title, caption, matplotlib Figure)}. tables: {file stem: list of dicts}, behind figures.
        film: bytes of film.gif, or None. chart: chart.payload, or "" for none.
        quality: (rows of texts, notes) on the data of this split, or None.
        config_text: TOML. command: how to get this again.
    """

    policy: dict
    data: dict
    rules: dict
    results: dict
    breakdown: dict
    comparison: list
    verdict: str
    best_baseline: str
    name: str
    currency: str
    fills: dict
    figures: dict
    tables: dict
    chart: str
    film: bytes | None
    quality: tuple | None
    config_text: str
    command: str

    @property
    def headline(self):
        """The verdict in one sentence."""
        (entry,) = [one for one in self.comparison if one["baseline"] == self.best_baseline]
        against = f"{self.verdict}: {self.name} against {self.best_baseline}, the best baseline"
        if entry["ci_low"] != entry["ci_low"]:
            return f"{against}: only {entry['n_blocks']} blocks, too few for an interval"
        interval = f"95 % interval [{entry['ci_low']:.4g}, {entry['ci_high']:.4g}]"
        metric = entry["metric"].replace("_", " ")
        gain = f"{metric} {entry['mean_difference']:+.4g} {self.currency} per {self.rules['block_s']:g} s"
        return f"{against}: {gain}, {interval}"

    @property
    def abstention(self):
        """Why the policy quotes nothing, in one sentence; empty where it quotes."""
        gate = self.policy.get("no_quote_gate")
        if gate is None or gate["quotes"]:
            return ""
        return (
            f"{self.name} quotes nothing: on {gate['split']} quoting was not surely better than not quoting "
            f"({gate['mean_difference']:+.4g} {self.currency} per {self.rules['block_s']:g} s, 95 % interval "
            f"[{gate['ci_low']:.4g}, {gate['ci_high']:.4g}]; train.no_quote_gate)"
        )


def write(folder, outcome, png):
    """Writes metrics.json, fills.parquet, tables as CSV, figures/*.png and report.html (last); returns its path.

    Args:
        folder: pathlib.Path. outcome: Outcome. png: Figure -> bytes.
    """
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    pictures = []
    for stem, (title, caption, figure) in outcome.figures.items():
        data = png(figure)
        files.write_bytes(folder / "figures" / f"{stem}.png", data)
        pictures.append((stem, title, caption, base64.b64encode(data).decode()))
    for stem, rows in outcome.tables.items():
        files.write_text(folder / "figures" / f"{stem}.csv", _csv(rows))
    if outcome.film is not None:
        files.write_bytes(folder / "film.gif", outcome.film)
    files.write_bytes(folder / "fills.parquet", fill_log.parquet_bytes(outcome.fills))
    files.write_text(folder / "results.csv", _csv(_result_rows(outcome.results)))
    files.write_text(folder / "comparison.csv", _csv(outcome.comparison))
    files.write_json(
        folder / "metrics.json",
        {
            "policy": outcome.policy,
            "data": outcome.data,
            "rules": outcome.rules,
            "results": outcome.results,
            "breakdown": outcome.breakdown,
            "comparison": outcome.comparison,
            "verdict": outcome.verdict,
        },
    )
    path = folder / "report.html"
    files.write_text(path, _page(outcome, pictures))
    return path


def _page(outcome, pictures):
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
        one=outcome,
        reported=reported,
        markout=definitions.MARKOUT,
        parts=_parts(outcome),
        baselines=[
            (name, definitions.BASELINES.get(name, ""), _fitted(outcome, values))
            for name, values in outcome.rules["baselines"].items()
        ],
        settings=definitions.SETTINGS,
        quality=definitions.QUALITY,
        pictures=pictures,
        chart=outcome.chart,
        script=script,
    )


def reported(results):
    """[Definition] of the metrics that at least one of several results has; results: {policy: metrics}."""
    optional = (definitions.EXPECTED, definitions.ADJUSTED, *definitions.CLIENTS)
    return [*definitions.METRICS, *(one for one in optional if any(one.name in each for each in results.values()))]


def _fitted(outcome, values):
    """[(label, text)] of a baseline's fitted parameters; values of several instruments with their names."""
    symbols = [one["symbol"] for one in outcome.policy.get("instruments", ())]
    out = []
    for key, value in values.items():
        texts = [_intensity(one) if key == "intensity" else words(one) for one in value] if _many(value) else []
        if len(texts) == len(symbols) > 1:
            text = "; ".join(f"{symbol}: {one}" for symbol, one in zip(symbols, texts, strict=True))
        else:
            text = texts[0] if len(texts) == 1 else words(value)
        out.append((definitions.FITTED.get(key, key), text))
    return out


def _many(value):
    return isinstance(value, (list, tuple))


def _intensity(facts):
    """fill_probes.ProbedFills.facts in words."""
    if not facts:
        return "too few fills to tell"
    return (
        f"A {words(facts['fill_rate_per_s'])} {words(facts['fill_rate_interval'])}, k per tick "
        f"{words(facts['decay_per_tick'])} {words(facts['decay_interval'])}, from {facts['fills']} fills, with 95 % "
        "intervals"
    )


def _parts(outcome):
    """[(kind, [(part, {policy: metrics})], labels)] of sessions and instruments, where there are several.

    labels: of the metrics that are known for all parts together only.
    """
    out, whole = [], reported(outcome.results)
    for kind in ("sessions", "instruments"):
        names = list(next(iter(outcome.breakdown.values()))[kind]) if outcome.breakdown else []
        if len(names) > 1:
            parts = [(part, {key: one[kind][part] for key, one in outcome.breakdown.items()}) for part in names]
            known = {one.name for _, results in parts for one in reported(results)}
            out.append((kind, parts, [one.label for one in whole if one.name not in known]))
    return out


def _result_rows(results):
    rows = [
        {"metric": one.name, "unit": one.unit} | {policy: result.get(one.name) for policy, result in results.items()}
        for one in reported(results)
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


def shown(value, kind="number"):
    """A number as the report prints it; a dash where there is none."""
    if value is None or value != value:
        return "-"
    if kind == "count":
        return f"{value:,d}"
    if kind == "share":
        return f"{value:.2%}"
    if kind == "money":
        return f"{value:,.2f}" if abs(value) < 1e6 else f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def breakable(name):
    """A name with underscores as HTML that may break after them, and only there."""
    return markupsafe.Markup("_<wbr>").join(name.split("_"))


def words(value):
    """Facts of any shape as short text: numbers to five digits, lists and dicts in a line."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return ", ".join(f"{key} {words(one)}" for key, one in value.items()) or "nothing"
    if isinstance(value, (list, tuple)):
        if len(value) > 12:
            return f"{len(value)} values, {words(value[0])} to {words(value[-1])}"
        return words(value[0]) if len(value) == 1 else f"[{', '.join(words(one) for one in value)}]"
    if isinstance(value, float):
        return f"{value:.5g}"
    return str(value)
