"""The bootstrap interval and the verdict."""

import numpy as np
import pytest
from scipy import signal

from tfmm.evaluation import comparison


def entry(differences, seed=0, samples=400):
    return comparison.compare("p", "b", np.asarray(differences, float), samples, seed)


def verdict(differences):
    return comparison.verdict([entry(differences)], "b")


def test_an_entry_has_the_names_of_the_contract():
    got = entry(np.arange(20.0))
    assert list(got) == ["policy", "baseline", "metric", "mean_difference", "ci_low", "ci_high", "n_blocks",
                         "verdict", "note"]  # fmt: skip
    assert (got["policy"], got["baseline"], got["metric"], got["n_blocks"]) == ("p", "b", "objective", 20)
    assert got["mean_difference"] == pytest.approx(9.5)  # (0 + 19) / 2
    assert got["ci_low"] < 9.5 < got["ci_high"]


@pytest.mark.parametrize("count", [1, 7, 8, 50])
def test_policies_that_earn_the_same_in_every_block_are_a_tie(count):
    got = entry(np.zeros(count))
    assert (got["mean_difference"], got["ci_low"], got["ci_high"]) == (0.0, 0.0, 0.0)
    assert got["verdict"] == verdict(np.zeros(count)) == "tie"


def test_one_block_that_differs_is_no_tie():
    assert verdict(np.eye(1, 50, 7)[0] * 1e-9) == "inconclusive"
    assert verdict(np.eye(1, 7, 3)[0]) == "inconclusive"


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_blocks_give_no_interval(count):
    got = entry(np.full(count, 5.0))
    assert np.isnan([got["ci_low"], got["ci_high"]]).all()
    assert verdict(np.full(count, 5.0)) == "inconclusive"


@pytest.mark.parametrize("count", [8, 9, 10, 11, 30])
def test_the_smallest_samples_have_an_interval_without_a_warning(count):
    differences = np.random.default_rng(3).normal(size=count)
    got = entry(differences)
    assert got["ci_low"] < differences.mean() < got["ci_high"]


def test_the_verdict_follows_the_sign_of_the_interval():
    noise = np.random.default_rng(4).normal(size=60)
    noise -= noise.mean()
    assert verdict(noise + 2.0) == "better"
    assert verdict(noise - 2.0) == "worse"
    assert verdict(noise) == "inconclusive"


def test_the_verdict_is_against_the_named_baseline():
    entries = [
        {"baseline": "none", "ci_low": 1.0, "ci_high": 2.0},
        {"baseline": "fixed_spread", "ci_low": -1.0, "ci_high": 2.0},
    ]
    assert comparison.verdict(entries, "fixed_spread") == "inconclusive"
    assert comparison.verdict(entries, "none") == "better"


def test_swapping_the_policies_mirrors_the_interval():
    differences = np.random.default_rng(5).normal(0.3, 1.0, 80)
    one, other = entry(differences), entry(-differences)
    assert other["mean_difference"] == -one["mean_difference"]
    # percentiles of the same resamples, up to the interpolation between two of them
    np.testing.assert_allclose([-other["ci_high"], -other["ci_low"]], [one["ci_low"], one["ci_high"]], atol=0.02)


def test_the_same_seed_gives_the_same_interval():
    differences = np.random.default_rng(6).normal(size=40)
    assert entry(differences, seed=0) == entry(differences, seed=0)
    assert entry(differences, seed=0) != entry(differences, seed=1)


@pytest.mark.parametrize(("memory", "count"), [(0.0, 60), (0.5, 300)])
def test_intervals_cover_the_truth_in_93_to_97_of_100(memory, count):
    """500 experiments each, independent and autoregressive; the standard deviation of the share is 1 %."""
    random, covered = np.random.default_rng(7), 0
    for trial in range(500):
        x = signal.lfilter([1.0], [1.0, -memory], random.normal(size=count + 50))[50:]
        got = entry(x + 1.0, seed=trial, samples=200)
        covered += got["ci_low"] <= 1.0 <= got["ci_high"]
    assert 0.93 <= covered / 500 <= 0.97


def test_many_comparisons_are_said():
    assert entry(np.arange(20.0))["note"] == "one comparison"
    several = comparison.compare("p", "b", np.arange(20.0), 100, 0, among=6)["note"]
    assert several.startswith("one of 6 comparisons") and "up to 30%" in several


def test_memory_widens_the_interval():
    rng = np.random.default_rng(8)
    noise = rng.normal(size=400)
    memory = np.zeros(400)
    for k in range(1, 400):
        memory[k] = 0.8 * memory[k - 1] + noise[k]
    shuffled = rng.permutation(memory)
    width = [got["ci_high"] - got["ci_low"] for got in (entry(memory), entry(shuffled))]
    # AR(1) with 0.8: the standard error of the mean is sqrt((1 + 0.8) / (1 - 0.8)) = 3 times the independent one
    assert width[0] > 1.7 * width[1]
