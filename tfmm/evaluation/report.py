"""metrics.json, figures and the self-contained report.html."""

import base64
import dataclasses

import jinja2

from tfmm import files
from tfmm.evaluation import fill_log

ROWS = (
    ("objective", "Objective", "money", "sum of dPnL - r |Q| dt"),
    ("net_pnl", "Net PnL", "money", "after fees, open position at the mid"),
    ("gross_pnl", "Gross PnL", "money", "before fees"),
    ("spread_capture", "Spread captured", "money", "fills against the mid just before them"),
    ("inventory_pnl", "Inventory PnL", "money", "position times mid moves"),
    ("fees", "Fees", "money", "negative: rebates"),
    ("n_fills", "Fills", "count", ""),
    ("n_buys", "Buys", "count", ""),
    ("n_sells", "Sells", "count", ""),
    ("filled_qty", "Filled quantity", "number", "size units"),
    ("traded_notional", "Traded notional", "money", ""),
    ("fill_ratio", "Fill ratio", "share", "filled over sent quantity"),
    ("mean_abs_inventory", "Mean |inventory|", "number", "over time, size units"),
    ("max_abs_inventory", "Largest |inventory|", "number", ""),
    ("time_at_limit", "Time at the limit", "share", ""),
    ("sharpe", "Sharpe", "number", "annualised"),
    ("sortino", "Sortino", "number", "annualised"),
    ("max_drawdown", "Largest drawdown", "money", ""),
    ("max_drawdown_duration_s", "Longest drawdown (s)", "number", ""),
    ("return_per_notional_bps", "Net PnL per notional (bps)", "number", ""),
    ("pnl_to_map", "Net PnL per mean |inventory|", "number", ""),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """What an evaluation found.

    Attributes:
        policy, data, rules: dicts of facts, as in metrics.json. results: {policy name: metrics}.
        comparison: list of comparison.compare. verdict: str. best_baseline: name.
        name: the evaluated policy. currency: of money. figures: {file stem: (title, matplotlib Figure)}.
        fills: fill_log.columns of the policy. config_text: TOML. command: how to get this again.
    """

    policy: dict
    data: dict
    rules: dict
    results: dict
    comparison: list
    verdict: str
    best_baseline: str
    name: str
    currency: str
    fills: dict
    figures: dict
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
        return f"{against}: objective {entry['mean_difference']:+.4g} {self.currency} per block, {interval}"


def write(folder, outcome, png):
    """Writes metrics.json, figures/*.png and report.html (last); returns the report's path.

    Args:
        folder: pathlib.Path. outcome: Outcome. png: Figure -> bytes.
    """
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    pictures = []
    for stem, (title, figure) in outcome.figures.items():
        data = png(figure)
        files.write_bytes(folder / "figures" / f"{stem}.png", data)
        pictures.append((title, base64.b64encode(data).decode()))
    files.write_bytes(folder / "fills.parquet", fill_log.parquet_bytes(outcome.fills))
    files.write_json(
        folder / "metrics.json",
        {
            "policy": outcome.policy,
            "data": outcome.data,
            "rules": outcome.rules,
            "results": outcome.results,
            "comparison": outcome.comparison,
            "verdict": outcome.verdict,
        },
    )
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tfmm.evaluation"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    page = environment.get_template("report.html.j2").render(one=outcome, rows=ROWS, pictures=pictures)
    path = folder / "report.html"
    files.write_text(path, page)
    return path


def shown(value, kind="number"):
    """A number as the report prints it; a dash where there is none."""
    if value is None or value != value:
        return "-"
    if kind == "count":
        return f"{value:,d}"
    if kind == "share":
        return f"{value:.2%}"
    if kind == "money":
        return f"{value:,.2f}"
    return f"{value:,.4g}"
