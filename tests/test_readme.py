"""The numbers of README against the results that are checked in beside it."""

import json
import pathlib

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPERIMENTS = {
    "informed_clients": "informed clients, `informed_clients.toml`",
    "multi_currency": "three currencies, `multi_currency.toml`",
    "hedging_action": "`hedging.toml`, hedging by action",
    "hedging_limit": "`hedging.toml`, beyond three orders",
    "hedging_none": "`hedging.toml`, never",
}
BASELINES = ("alpha_skew", "alpha_skew_floor", "bellman_spread", "bellman_spread_drift")


def client_flow_row(summary):
    """The table's row of one test day: what was earned, and by how much a minute more than each baseline."""
    policy = summary["results"][summary["policy"]]["expected_objective"]
    (day,) = {one["session"] for one in summary["data"]["segments"]}
    cells = [f"{day[:4]}-{day[4:6]}-{day[6:]}", f"{policy['mean']:,.0f} +- {policy['std']:.0f}".replace(",", " ")]
    for name in BASELINES:
        seeds = summary["comparison"][name]
        mean = np.mean([one["mean_difference"] for one in seeds])
        sure = sum(one["ci_low"] > 0 for one in seeds)
        cells.append(f"{mean:+.2f} ({sure}/{len(seeds)})")
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "results").glob("client_flow_rotation_*.json")), ids=lambda one: one.stem
)
def test_client_flow(path):
    summary = json.loads(path.read_text(encoding="utf-8"))
    assert summary["seeds"] == [0, 1, 2, 3, 4] and not summary["failed"]
    assert all(one["metric"] == "expected_objective" for seeds in summary["comparison"].values() for one in seeds)
    assert client_flow_row(summary) in README


def experiment_row(label, summary):
    """An experiment's row of the second table: the strongest baseline, and how many others are surely beaten."""
    seeds = len(summary["seeds"])
    means = {name: np.mean([one["mean_difference"] for one in own]) for name, own in summary["comparison"].items()}
    sure = {name: sum(one["ci_low"] > 0 for one in own) for name, own in summary["comparison"].items()}
    best = min(means, key=means.get)
    first, *_ = own = summary["comparison"][best]
    percent = 100.0 * first["n_blocks"] / summary["results"][best][first["metric"]]["mean"]
    low, high = min(one["ci_low"] for one in own) * percent, max(one["ci_high"] for one in own) * percent
    beaten = sum(count >= 0.8 * seeds for count in sure.values())
    cells = [
        label,
        f"`{best}`",
        f"{means[best] * percent:+.2f} % [{low:+.2f}, {high:+.2f}]",
        f"{sure[best]}, {sum(one['ci_high'] < 0 for one in own)} of {seeds}",
        f"{beaten} of {len(sure)}",
    ]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize(("name", "label"), EXPERIMENTS.items())
def test_experiments(name, label):
    summary = json.loads((ROOT / "docs" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    assert not summary["failed"] and len({one["session"] for one in summary["data"]["segments"]}) == 10
    assert experiment_row(label, summary) in README


def test_client_flow_in_another_world():
    summary = json.loads((ROOT / "docs" / "results" / "client_flow_world_k.json").read_text(encoding="utf-8"))
    assert summary["world"] == ["clients.k=1.3"] and summary["seeds"] == [0, 1, 2, 3, 4] and not summary["failed"]
    assert all(one["ci_low"] > 0 for seeds in summary["comparison"].values() for one in seeds)
    for name in ("alpha_skew", "bellman_spread_drift"):
        mean = np.mean([one["mean_difference"] for one in summary["comparison"][name]])
        assert f"{mean:+.2f}" in README[README.index("30 % more sensitive") :]


def test_zero_norm():
    parts = []
    for name in ("n10", "n1"):
        summary = json.loads((ROOT / "docs" / "results" / f"zero_norm_{name}.json").read_text(encoding="utf-8"))
        assert summary["seeds"] == [0, 1, 2] and not summary["failed"]
        learned, random = (summary["results"][one]["final_norm_mean"] for one in ("ddpg", "random"))
        assert learned["mean"] + 3 * learned["std"] < 0.5 * random["mean"]
        parts.append(f"{learned['mean']:.2f} +- {learned['std']:.2f} with")
    assert all(part in README for part in parts) and f"{random['mean']:.2f} of random actions" in README


def test_no_test_day_is_told_twice():
    paths = list((ROOT / "docs" / "results").glob("client_flow_rotation_*.json"))
    days = [json.loads(path.read_text(encoding="utf-8"))["data"]["segments"][0]["session"] for path in paths]
    assert len(set(days)) == len(days) == 5


def test_multi_currency():
    """One agent for three currencies above every dealer, of each currency and of all; with dynamic programming over the
    whole book, whose value it learned from, it only ties."""
    summary = json.loads((ROOT / "docs" / "results" / "multi_currency.json").read_text(encoding="utf-8"))
    assert summary["seeds"] == [0, 1, 2, 3, 4] and not summary["failed"]
    assert len({one["session"] for one in summary["data"]["segments"]}) == 10
    assert {"linear_skew", "linear_skew_each", "bellman_each", "alpha_skew"} < set(summary["comparison"])
    for name, seeds in summary["comparison"].items():
        if name not in ("bellman_joint", "bellman_joint_drift"):
            assert sum(one["ci_low"] > 0 for one in seeds) >= 4, name
