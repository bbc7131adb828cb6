"""Paired comparison of a policy with baselines, and the verdict."""

from typing import Any

import numpy as np
from scipy import stats

from tfmm.arrays import Floats

MIN_BLOCKS = 8
_FEW_BLOCKS = 20
_LONGEST_MEMORY = 0.97
BOUNDS = ("mean_difference", "ci_low", "ci_high")
"""Keys of an entry of `compare`: the estimate and the ends of its 95 % interval."""


def compare(
    policy: str,
    baseline: str,
    differences: Floats,
    samples: int,
    seed: int,
    among: int = 1,
    metric: str = "objective",
) -> dict[str, Any]:
    """95 % interval of the mean difference per block, by the stationary block bootstrap.

    Politis and Romano 1994; block length by Politis and White 2004 as in `arch`. With few dependent blocks plain
    percentiles are too narrow, so the differences are prewhitened by a first-order autoregression (Andrews and Monahan
    1992; its coefficient corrected for bias after Kendall 1954), and the interval is that of Student's t distribution
    with as many observations as there are bootstrap blocks.

    Args:
        policy, baseline: names. differences: (K,) metric of the policy minus that of the baseline, in each block.
        samples: bootstrap samples. seed: of the resampling. among: number of comparisons on the same data.
        metric: its name.

    Returns:
        {"policy", "baseline", "metric", "mean_difference", "ci_low", "ci_high", "n_blocks", "verdict", "note"}; the
        interval is NaN with fewer than MIN_BLOCKS blocks, but [0, 0] where no block differs: a tie by definition.
    """
    mean = float(differences.mean()) if len(differences) else float("nan")
    low = high = float("nan")
    if len(differences) and not differences.any():
        low = high = 0.0
    elif len(differences) >= MIN_BLOCKS:
        low, high = (mean, mean) if differences.std() == 0 else _interval(differences, samples, seed)
    entry = {
        "policy": policy,
        "baseline": baseline,
        "metric": metric,
        "mean_difference": mean,
        "ci_low": float(low),
        "ci_high": float(high),
        "n_blocks": len(differences),
    }
    return entry | {"verdict": verdict([entry], baseline), "note": note(among)}


def note(among: int) -> str:
    """How far one of `among` comparisons on the same data can be relied on, in words."""
    if among == 1:
        return "one comparison"
    return (
        f"one of {among} comparisons on the same data: the chance that at least one 95 % interval misses is up to "
        f"{min(1.0, 0.05 * among):.0%}; the best baseline was found on this data too, which favours it"
    )


def _interval(differences, samples, seed):
    from arch import bootstrap  # a second that only comparisons need wait for

    count, mean = len(differences), differences.mean()
    centred = differences - mean
    memory = float(centred[1:] @ centred[:-1]) / float(centred @ centred)
    memory = min(max(memory + (1.0 + 3.0 * memory) / count, 0.0), _LONGEST_MEMORY)
    white = centred[1:] - memory * centred[:-1]
    block = _block_length(white)
    sampler = bootstrap.StationaryBootstrap(block, white, seed=np.random.default_rng(seed))
    around = sampler.conf_int(np.mean, reps=samples, method="percentile", size=0.95)[:, 0] - white.mean()
    freedom = max(count / block - 1.0, 1.0)
    wider = np.sqrt(count / max(count - block, 1.0)) * stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975)
    return mean + around * wider / (1.0 - memory)


def _block_length(differences):
    """Politis and White's length; n^(1/3) for samples too small to estimate it."""
    count = len(differences)
    if count < _FEW_BLOCKS:
        return count ** (1 / 3)
    from arch import bootstrap

    length = float(bootstrap.optimal_block_length(differences)["stationary"].iloc[0])
    return min(max(length, 1.0), count / 2) if np.isfinite(length) else count ** (1 / 3)


def verdict(comparisons: list[dict[str, Any]], best: str) -> str:
    """`better` or `worse` than the baseline named `best` where the 95 % interval excludes 0; `tie` where no block
    differs, as of two policies that do nothing; else `inconclusive`."""
    (entry,) = [entry for entry in comparisons if entry["baseline"] == best]
    if entry["ci_low"] > 0:
        return "better"
    if entry["ci_high"] < 0:
        return "worse"
    if is_tie(entry):
        return "tie"
    return "inconclusive"


def is_tie(entry: dict[str, Any]) -> bool:
    """Whether no block of an entry of `compare` differs."""
    return entry["ci_low"] == entry["ci_high"] == 0
