"""Paired comparison of a policy with baselines, and the verdict."""

import numpy as np
from arch import bootstrap

MIN_BLOCKS = 8
_FEW_BLOCKS = 20
METRIC = "objective"


def compare(policy, baseline, differences, samples, seed):
    """95 % interval of the mean difference per block, by the stationary block bootstrap.

    Politis and Romano 1994; block length by Politis and White 2004 as in `arch`.

    Args:
        policy, baseline: names. differences: (K,) objective of the policy minus the baseline's, per block.
        samples: bootstrap samples. seed: of the resampling.

    Returns:
        dict policy, baseline, metric, mean_difference, ci_low, ci_high, n_blocks; the interval is NaN with
        fewer than MIN_BLOCKS blocks.
    """
    mean = float(differences.mean()) if len(differences) else float("nan")
    low = high = float("nan")
    if len(differences) >= MIN_BLOCKS:
        low, high = mean, mean
        if differences.std() > 0:
            sampler = bootstrap.StationaryBootstrap(
                _block_length(differences), differences, seed=np.random.default_rng(seed)
            )
            low, high = sampler.conf_int(np.mean, reps=samples, method="percentile", size=0.95)[:, 0]
    return {
        "policy": policy,
        "baseline": baseline,
        "metric": METRIC,
        "mean_difference": mean,
        "ci_low": float(low),
        "ci_high": float(high),
        "n_blocks": len(differences),
    }


def _block_length(differences):
    """Politis and White's length; n^(1/3) for samples too small to estimate it."""
    count = len(differences)
    if count < _FEW_BLOCKS:
        return count ** (1 / 3)
    length = float(bootstrap.optimal_block_length(differences)["stationary"].iloc[0])
    return min(max(length, 1.0), count / 2) if np.isfinite(length) else count ** (1 / 3)


def verdict(comparisons, best):
    """`better`, `worse` or `inconclusive` against the baseline named `best`."""
    (entry,) = [one for one in comparisons if one["baseline"] == best]
    if entry["ci_low"] > 0:
        return "better"
    if entry["ci_high"] < 0:
        return "worse"
    return "inconclusive"
