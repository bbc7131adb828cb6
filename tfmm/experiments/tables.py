"""Many evaluations of one experiment: means over seeds, tables over grids, the surface."""

import itertools

import numpy as np
from matplotlib import figure

from tfmm import errors
from tfmm.evaluation import comparison

MAIN = {
    "market_making": ("objective", 1),
    "quote_target": ("reward_mean", 1),
    "zero_norm": ("final_norm_mean", -1),
    "daily_trading": ("sharpe", 1),
}
_MODEL = ("ratio", 1)


def main_metric(config):
    """(metric to judge the policy of a Config by, 1 where larger is better or -1)."""
    return MAIN.get(config.environment.name, _MODEL)


def numbers(tree, prefix=""):
    """{dotted name: float} of the numbers in nested dicts; null, as JSON has it, is NaN."""
    out = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            out |= numbers(value, f"{prefix}{key}.")
        elif value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            out[f"{prefix}{key}"] = float("nan") if value is None else float(value)
    return out


def over_seeds(evaluations):
    """Mean and standard deviation of every metric.

    Args:
        evaluations: list of dicts of metrics.json, of one experiment with different seeds.

    Returns:
        {"results": {policy: {metric: {"mean", "std", "n"}}}, "verdicts": {verdict: count}, "beats_best_baseline": share
        of seeds whose mean difference from every baseline is above 0, "policy": its name, "comparison": {baseline: a
        list with the difference of every seed}}. NaN values are left out of a mean; n counts the others, and std is NaN
        with fewer than two.
    """
    name = evaluations[0]["policy"]["name"]
    results = {}
    for key in evaluations[0]["results"]:
        rows = [numbers(one["results"][key]) for one in evaluations]
        results[key] = {metric: _moments([row[metric] for row in rows]) for metric in rows[0]}
    verdicts = [one["verdict"] for one in evaluations]
    beats = [
        min(entry["mean_difference"] for entry in one["comparison"]) > 0 for one in evaluations if one["comparison"]
    ]
    return {
        "policy": name,
        "results": results,
        "verdicts": {one: verdicts.count(one) for one in sorted(set(verdicts))},
        "beats_best_baseline": float(np.mean(beats)) if beats else float("nan"),
        "comparison": {
            entry["baseline"]: [_difference(one, entry["baseline"]) for one in evaluations]
            for entry in evaluations[0]["comparison"]
        },
    }


def _difference(evaluation, baseline):
    (entry,) = [one for one in evaluation["comparison"] if one["baseline"] == baseline]
    return {key: entry.get(key) for key in ("metric", "mean_difference", "ci_low", "ci_high", "n_blocks")}


def against_table(summary):
    """Lines of text: a row for each baseline, in how many seeds the policy is above it and surely so."""
    rows = [["policy minus baseline", "mean", "seeds above 0", "95 % interval above 0", "below 0"]]
    for baseline, seeds in summary["comparison"].items():
        known = np.array([numbers(one)[key] for one in seeds for key in comparison.BOUNDS]).reshape(-1, 3)
        counts = [*(known[:, :2] > 0).sum(axis=0), (known[:, 2] < 0).sum()]  # NaN, of too few blocks, is neither
        rows.append([baseline, f"{known[:, 0].mean():.4g}", *(f"{count} of {len(seeds)}" for count in counts)])
    return aligned(rows)


def _moments(values):
    values = np.array(values, np.float64)
    values = values[np.isfinite(values)]
    mean = float(values.mean()) if len(values) else float("nan")
    std = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return {"mean": mean, "std": std, "n": len(values)}


def seeds_table(summary):
    """Lines of text: a row for each metric, mean +- std for the policy and every baseline."""
    names = [summary["policy"], *(one for one in summary["results"] if one != summary["policy"])]
    metrics = list(dict.fromkeys(itertools.chain.from_iterable(summary["results"][name] for name in names)))
    rows = [["metric", *names]]
    for metric in metrics:
        cells = [summary["results"][name].get(metric) for name in names]
        rows.append([metric, *("" if one is None else _shown(one) for one in cells)])
    return aligned(rows)


def _shown(one):
    if one["mean"] != one["mean"]:
        return "-"
    if one["std"] != one["std"]:
        return f"{one['mean']:.4g}"
    return f"{one['mean']:.4g} +- {one['std']:.2g}"


def aligned(rows):
    """Lines of text whose columns stand under each other, the first to the left, the others to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def parse_grid(texts):
    """{key: list of values as text} of `key=a,b,c`; commas inside brackets do not separate."""
    grid = {}
    for text in texts:
        key, equals, values = text.partition("=")
        parts, depth, start = [], 0, 0
        for place, sign in enumerate(values):
            depth += (sign == "[") - (sign == "]")
            if sign == "," and depth == 0:
                parts.append(values[start:place].strip())
                start = place + 1
        parts.append(values[start:].strip())
        if not equals or not key.strip() or not all(parts):
            raise errors.ConfigError(f"--grid {text}: wanted key.path=value,value,...")
        if key.strip() in grid or len(set(parts)) < len(parts):
            raise errors.ConfigError(f"--grid {text}: a key or value twice, wanted each once")
        grid[key.strip()] = parts
    return grid


def combinations(grid):
    """[{key: value}]: every combination of a grid, the last key fastest."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def one_at_a_time(grid):
    """[{key: value}]: no change, then every value of a grid by itself."""
    return [{}, *({key: value} for key, values in grid.items() for value in values)]


def ablation_table(tried, values):
    """Lines of text: a row for each of one_at_a_time, its value and how much that is above the first's."""
    rows = [["", "value", "difference"]]
    for one, value in zip(tried, values, strict=True):
        name = ", ".join(f"{key}={text}" for key, text in one.items()) or "as it is"
        rows.append([name, f"{value:.5g}", f"{value - values[0]:+.4g}"])
    return aligned(rows)


def grid_table(grid, values):
    """Lines of text: the last key runs over columns.

    Args:
        grid: see parse_grid. values: float, in the order of the product of the grid, last key fastest.
    """
    *keys, last = grid
    table = np.reshape(values, (-1, len(grid[last])))
    rows = [[" ".join(keys) or last, *(f"{last}={one}" for one in grid[last])]]
    for name, row in zip(itertools.product(*(grid[key] for key in keys)), table, strict=True):
        rows.append([" ".join(name), *("-" if one != one else f"{one:.5g}" for one in row)])
    return aligned(rows)


def surface(grid, values, metric):
    """The metric over one key as a line, over two as a surface; None over more.

    Settings stand at their logarithms where they span more than a factor of ten, what is no number evenly; so does the
    height where it has one sign and spans more than a factor of a hundred.
    """
    if len(grid) > 2:
        return None
    places = [_places(one) for one in grid.values()]
    table = np.reshape(values, [len(one) for one in places])
    fig = figure.Figure(figsize=(9.5, 6.0), layout="constrained")
    if len(grid) == 1:
        ax = fig.subplots()
        ax.plot(places[0], table, marker="o", color="#1f5fa8")
        ax.set_ylabel(metric)
        ax.grid(alpha=0.25)
    else:
        ax = fig.add_subplot(projection="3d")
        x, y = np.meshgrid(*places, indexing="ij")
        heights, ticks = _heights(table)
        shown = np.ma.masked_invalid(heights)
        ax.plot_surface(x, y, shown, cmap="viridis", edgecolor="black", lw=0.3)
        ax.scatter(x.ravel(), y.ravel(), shown.ravel(), color="black", s=8)
        ax.set_zlabel(metric)
        if ticks:
            ax.set_zticks(list(ticks), list(ticks.values()))
        ax.set_yticks(places[1], list(grid.values())[1])
        ax.set_ylabel(list(grid)[1])
    ax.set_xticks(places[0], next(iter(grid.values())), fontsize=8)
    ax.set_xlabel(next(iter(grid)))
    return fig


def _places(texts):
    try:
        values = np.array([float(one) for one in texts])
    except ValueError:
        return np.arange(len(texts), dtype=np.float64)
    if values.min() > 0 and values.max() / values.min() > 10:
        return np.log10(values)
    return values


def _heights(table):
    """(heights, {height: label}); the labels are empty where heights are the values themselves."""
    known = table[np.isfinite(table)]
    signs = np.unique(np.sign(known))
    if len(signs) != 1 or signs[0] == 0 or np.abs(known).max() <= 100 * np.abs(known).min():
        return table, {}
    powers = np.log10(np.abs(known))
    ticks = range(int(np.floor(powers.min())), int(np.ceil(powers.max())) + 1)
    return signs[0] * np.log10(np.abs(table)), {signs[0] * power: f"{signs[0] * 10.0**power:g}" for power in ticks}
