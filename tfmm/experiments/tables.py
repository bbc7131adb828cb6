"""Many evaluations of one experiment: means over seeds, tables over grids, the surface."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import figure

from tfmm import errors
from tfmm.config.experiment import Config
from tfmm.evaluation import comparison

MAIN = {
    "market_making": ("objective", 1),
    "quote_target": ("reward_mean", 1),
    "zero_norm": ("final_norm_mean", -1),
    "daily_trading": ("sharpe", 1),
}
_MODEL = ("ratio", 1)


def main_metric(config: Config) -> tuple[str, int]:
    """(metric that ranks policies of a configuration, 1 where larger is better, -1 where smaller is)."""
    return MAIN.get(config.environment.name, _MODEL)


def numbers(tree: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """{dotted name: float} of the numbers in nested dicts; null of JSON is NaN."""
    out: dict[str, float] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            out |= numbers(value, f"{prefix}{key}.")
        elif value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            out[f"{prefix}{key}"] = float("nan") if value is None else float(value)
    return out


def over_seeds(evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of every metric.

    Args:
        evaluations: trees of metrics.json, of one experiment with different seeds.

    Returns:
        {"results": {policy: {metric: {"mean", "std", "n"}}}, "verdicts": {verdict: count}, "beats_best_baseline": share
        of seeds whose mean difference from every baseline is above 0, "policy": its name, "comparison": {baseline: the
        difference of every seed}}. NaN values are left out of a mean; n counts the others, and std is NaN with fewer
        than two.
    """
    name = evaluations[0]["policy"]["name"]
    results = {}
    names = [
        key for key in evaluations[0]["results"] if all(key in evaluation["results"] for evaluation in evaluations)
    ]
    for key in names:  # some seeds alone have an ungated policy
        rows = [numbers(evaluation["results"][key]) for evaluation in evaluations]
        results[key] = {metric: _moments([row[metric] for row in rows]) for metric in rows[0]}
    verdicts = [evaluation["verdict"] for evaluation in evaluations]
    comparisons = [evaluation["comparison"] for evaluation in evaluations if evaluation["comparison"]]
    beats = [min(entry["mean_difference"] for entry in entries) > 0 for entries in comparisons]
    return {
        "policy": name,
        "results": results,
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "beats_best_baseline": float(np.mean(beats)) if beats else float("nan"),
        "comparison": {
            entry["baseline"]: [_difference(evaluation, entry["baseline"]) for evaluation in evaluations]
            for entry in evaluations[0]["comparison"]
        },
    }


def _difference(evaluation, baseline):
    (entry,) = [entry for entry in evaluation["comparison"] if entry["baseline"] == baseline]
    return {key: entry.get(key) for key in ("metric", "mean_difference", "ci_low", "ci_high", "n_blocks")}


def against_table(summary: dict[str, Any]) -> list[str]:
    """Lines of text: a row for each baseline with the number of seeds in which the policy is better, significantly
    better (95 % interval above 0), significantly worse, and in how many it is a tie (no block differs).

    Args:
        summary: see over_seeds.
    """
    rows = [["policy minus baseline", "mean", "seeds above 0", "95 % interval above 0", "below 0", "tie"]]
    for baseline, seeds in summary["comparison"].items():
        values = np.array([numbers(seed)[key] for seed in seeds for key in comparison.BOUNDS]).reshape(-1, 3)
        ties = (values[:, 1:] == 0).all(axis=1).sum()
        counts = [*(values[:, :2] > 0).sum(axis=0), (values[:, 2] < 0).sum(), ties]  # NaN, of too few blocks, is none
        rows.append([baseline, f"{values[:, 0].mean():.4g}", *(f"{count} of {len(seeds)}" for count in counts)])
    return aligned(rows)


def _moments(values):
    values = np.array(values, np.float64)
    values = values[np.isfinite(values)]
    mean = float(values.mean()) if len(values) else float("nan")
    std = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return {"mean": mean, "std": std, "n": len(values)}


def seeds_table(summary: dict[str, Any]) -> list[str]:
    """Lines of text: a row for each metric, mean +- std for the policy and every baseline; summary: see over_seeds."""
    names = [summary["policy"], *(name for name in summary["results"] if name != summary["policy"])]
    metrics = list(dict.fromkeys(itertools.chain.from_iterable(summary["results"][name] for name in names)))
    rows = [["metric", *names]]
    for metric in metrics:
        cells = [summary["results"][name].get(metric) for name in names]
        rows.append([metric, *("" if cell is None else _shown(cell) for cell in cells)])
    return aligned(rows)


def _shown(moments):
    mean, std = moments["mean"], moments["std"]
    if mean != mean:
        return "-"
    return f"{mean:.4g}" if std != std else f"{mean:.4g} +- {std:.2g}"


def aligned(rows: list[list[str]]) -> list[str]:
    """Lines of text with aligned columns, the first one to the left, the others to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def parse_grid(texts: Sequence[str]) -> dict[str, list[str]]:
    """{key: values as text} of texts `key=a,b,c`; commas inside brackets do not separate.

    Raises:
        ConfigError: a text of another form, a key or a value twice.
    """
    grid: dict[str, list[str]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        parts, depth, start = [], 0, 0
        for index, sign in enumerate(values):
            depth += (sign == "[") - (sign == "]")
            if sign == "," and depth == 0:
                parts.append(values[start:index].strip())
                start = index + 1
        parts.append(values[start:].strip())
        if not equals or not key.strip() or not all(parts):
            raise errors.ConfigError(f"--grid {text}: wanted key.path=value,value,...")
        if key.strip() in grid or len(set(parts)) < len(parts):
            raise errors.ConfigError(f"--grid {text}: a key or value twice, wanted each once")
        grid[key.strip()] = parts
    return grid


def combinations(grid: dict[str, list[str]]) -> list[dict[str, str]]:
    """[{key: value}]: every combination of a grid, the last key fastest."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def one_at_a_time(grid: dict[str, list[str]]) -> list[dict[str, str]]:
    """[{key: value}] of ablations: no change, then each value of a grid by itself."""
    return [{}, *({key: value} for key, values in grid.items() for value in values)]


def ablation_table(tried: list[dict[str, str]], values: Sequence[float]) -> list[str]:
    """Lines of text: a row for each entry of one_at_a_time, its value and its difference from the first one."""
    rows = [["", "value", "difference"]]
    for changes, value in zip(tried, values, strict=True):
        name = ", ".join(f"{key}={text}" for key, text in changes.items()) or "as it is"
        rows.append([name, f"{value:.5g}", f"{value - values[0]:+.4g}"])
    return aligned(rows)


def grid_table(grid: dict[str, list[str]], values: Sequence[float]) -> list[str]:
    """Lines of text with a column for each value of the last key.

    Args:
        grid: see parse_grid. values: of the metric, in the order of `combinations`.
    """
    *keys, last = grid
    table = np.reshape(values, (-1, len(grid[last])))
    rows = [[" ".join(keys) or last, *(f"{last}={text}" for text in grid[last])]]
    for name, row in zip(itertools.product(*(grid[key] for key in keys)), table, strict=True):
        rows.append([" ".join(name), *("-" if value != value else f"{value:.5g}" for value in row)])
    return aligned(rows)


def surface(grid: dict[str, list[str]], values: Sequence[float], metric: str) -> figure.Figure | None:
    """The metric over one key as a line, over two as a surface; None over more.

    Axes of settings that span more than a factor of ten are logarithmic, texts are evenly spaced; the axis of a metric
    of one sign that spans more than a factor of a hundred is logarithmic.

    Args:
        grid, values: see grid_table. metric: its name.
    """
    if len(grid) > 2:
        return None
    positions = [_positions(texts) for texts in grid.values()]
    table = np.reshape(values, [len(position) for position in positions])
    fig = figure.Figure(figsize=(9.5, 6.0), layout="constrained")
    ax: Any  # of two or three dimensions
    if len(grid) == 1:
        ax = fig.subplots()
        ax.plot(positions[0], table, marker="o", color="#1f5fa8")
        ax.set_ylabel(metric)
        ax.grid(alpha=0.25)
    else:
        ax = fig.add_subplot(projection="3d")
        x, y = np.meshgrid(*positions, indexing="ij")
        heights, ticks = _heights(table)
        shown = np.ma.masked_invalid(heights)
        ax.plot_surface(x, y, shown, cmap="viridis", edgecolor="black", lw=0.3)
        ax.scatter(x.ravel(), y.ravel(), shown.ravel(), color="black", s=8)
        ax.set_zlabel(metric)
        if ticks:
            ax.set_zticks(list(ticks), list(ticks.values()))
        ax.set_yticks(positions[1], list(grid.values())[1])
        ax.set_ylabel(list(grid)[1])
    ax.set_xticks(positions[0], next(iter(grid.values())), fontsize=8)
    ax.set_xlabel(next(iter(grid)))
    return fig


def _positions(texts):
    """(K,) positions of settings on an axis."""
    try:
        values = np.array([float(text) for text in texts])
    except ValueError:
        return np.arange(len(texts), dtype=np.float64)
    if values.min() > 0 and values.max() / values.min() > 10:
        return np.log10(values)
    return values


def _heights(table):
    """(heights, {height: label}); no labels where the heights are the values themselves."""
    known = table[np.isfinite(table)]
    signs = np.unique(np.sign(known))
    if len(signs) != 1 or signs[0] == 0 or np.abs(known).max() <= 100 * np.abs(known).min():
        return table, {}
    powers = np.log10(np.abs(known))
    ticks = range(int(np.floor(powers.min())), int(np.ceil(powers.max())) + 1)
    return signs[0] * np.log10(np.abs(table)), {signs[0] * power: f"{signs[0] * 10.0**power:g}" for power in ticks}
