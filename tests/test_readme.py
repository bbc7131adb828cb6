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
SCENARIOS = {
    "client_flow_scenario_k": "`client_flow.toml`, clients more sensitive: `clients.k=1.3`",
    "client_flow_scenario_k_low": "`client_flow.toml`, clients less sensitive: `clients.k=0.7`",
    "client_flow_scenario_fee": "`client_flow.toml`, a fee: `rules.maker_fee_bps=0.1`",
    "client_flow_other_instrument": "`client_flow.toml`, IBM's policies on the embedded market, baselines fitted there",
    "informed_clients_scenario_wild": "`informed_clients.toml`, 30 % more volatile",
    "informed_clients_scenario_calm": "`informed_clients.toml`, 30 % less volatile",
}
BASELINES = ("alpha_skew", "alpha_skew_floor", "bellman_spread", "bellman_spread_drift")


def client_flow_row(summary):
    """The table's row of one test day: the result, and its difference a minute from each baseline."""
    policy = summary["results"][summary["policy"]]["expected_objective"]
    (day,) = {one["session"] for one in summary["data"]["segments"]}
    cells = [f"{day[:4]}-{day[4:6]}-{day[6:]}", f"{policy['mean']:,.0f} +- {policy['std']:.0f}".replace(",", " ")]
    for name in BASELINES:
        seeds = summary["comparison"][name]
        mean = np.mean([one["mean_difference"] for one in seeds])
        significant = sum(one["ci_low"] > 0 for one in seeds)
        cells.append(f"{mean:+.2f} ({significant}/{len(seeds)})")
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "results").glob("client_flow_fold_*.json")), ids=lambda one: one.stem
)
def test_client_flow(path):
    summary = json.loads(path.read_text(encoding="utf-8"))
    assert summary["seeds"] == [0, 1, 2, 3, 4] and not summary["failed"]
    assert all(one["metric"] == "expected_objective" for seeds in summary["comparison"].values() for one in seeds)
    assert client_flow_row(summary) in README
    # claims of the text
    for name in ("alpha_skew", "alpha_skew_floor"):
        assert all(one["ci_low"] > 0 for one in summary["comparison"][name])
    for name in ("bellman_spread", "bellman_spread_drift"):
        assert all(one["ci_high"] >= 0 for one in summary["comparison"][name])
    assert np.mean([one["mean_difference"] for one in summary["comparison"]["bellman_spread"]]) > 0


def experiment_row(label, summary):
    """An experiment's row of the second table: the strongest baseline, and how many are significantly worse."""
    seeds = len(summary["seeds"])
    means = {name: np.mean([one["mean_difference"] for one in own]) for name, own in summary["comparison"].items()}
    significant = {name: sum(one["ci_low"] > 0 for one in own) for name, own in summary["comparison"].items()}
    best = min(means, key=means.get)
    first, *_ = own = summary["comparison"][best]
    percent = 100.0 * first["n_blocks"] / summary["results"][best][first["metric"]]["mean"]
    low, high = min(one["ci_low"] for one in own) * percent, max(one["ci_high"] for one in own) * percent
    beaten = sum(count >= 0.8 * seeds for count in significant.values())
    cells = [
        label,
        f"`{best}`",
        f"{means[best] * percent:+.2f} % [{low:+.2f}, {high:+.2f}]",
        f"{significant[best]}, {sum(one['ci_high'] < 0 for one in own)} of {seeds}",
        f"{beaten} of {len(significant)}",
    ]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize(("name", "label"), EXPERIMENTS.items())
def test_experiments(name, label):
    summary = json.loads((ROOT / "docs" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    assert not summary["failed"] and len({one["session"] for one in summary["data"]["segments"]}) == 10
    assert experiment_row(label, summary) in README
    for baseline, seeds in summary["comparison"].items():
        assert all(one["ci_low"] > 0 for one in seeds), baseline


@pytest.mark.parametrize(("name", "label"), SCENARIOS.items())
def test_scenarios(name, label):
    summary = json.loads((ROOT / "docs" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    (change,) = summary["scenario"]
    assert summary["seeds"] == [0, 1, 2, 3, 4] and not summary["failed"]
    assert change in label or change.startswith(("data.store=", "store="))
    assert experiment_row(label, summary) in README
    if name in ("client_flow_scenario_k_low", "client_flow_other_instrument"):
        assert all(sum(one["ci_low"] > 0 for one in seeds) >= 4 for seeds in summary["comparison"].values())


def ablation_row(one, first):
    """A row of the table of ablations: the setting; the result on each day, and its change."""
    cells = [", ".join(f"`{key}={text}`" for key, text in one["settings"].items()) or "as it is"]
    for value, whole in zip(one["values"], first["values"], strict=True):
        cells += [f"{value:,.0f}".replace(",", " "), f"{100.0 * (value / whole - 1.0):+.2f} %"]
    return f"| {' | '.join(cells)} |"


def test_ablations():
    tree = json.loads((ROOT / "docs" / "results" / "client_flow_ablation.json").read_text(encoding="utf-8"))
    first, *others = tree["runs"]
    assert tree["metric"] == "expected_objective" and not first["settings"] and len(others) >= 8
    assert tree["test"] == ["20131011", "20131007"]
    for one in tree["runs"]:
        assert ablation_row(one, first) in README
    # the setting that matters most: no other costs a twentieth of it
    lost = {str(one["settings"]): np.subtract(first["values"], one["values"]) for one in others}
    reward = [loss for settings, loss in lost.items() if "environment.reward" in settings]
    others = [loss for settings, loss in lost.items() if "environment.reward" not in settings]
    assert np.min(reward, axis=0).min() > 0
    assert (np.max(others, axis=0) < np.min(reward, axis=0) / 20).all()


def test_search():
    tree = json.loads((ROOT / "docs" / "results" / "client_flow_search.json").read_text(encoding="utf-8"))
    scores = [one["score"] for one in tree["trials"]]
    assert tree["split"] == "validation" and len(scores) == tree["budget"]["trials"] == 16
    assert scores[tree["best"]] == max(scores)
    gain = 100.0 * (scores[tree["best"]] / scores[tree["own"]] - 1.0)
    assert f"larger batches {gain:.2f} % better".replace("0.", ".") in README


def tape_row(one):
    """A row of the table of fills by the tape only: rules, the gain a minute over not quoting."""
    rules, (none, rival) = one["rules"], (one["comparison"][name] for name in ("none", "alpha_skew"))
    means = [np.mean([seed["mean_difference"] for seed in seeds]) for seeds in (none, rival)]
    low, high = min(seed["ci_low"] for seed in none), max(seed["ci_high"] for seed in none)
    quotes = sum(seed["mean_difference"] != 0 for seed in none)
    cells = [
        f"{rules['maker_fee_bps']:g}",
        rules["touch"],
        f"{1000 * rules['latency_s']:g} ms",
        f"{quotes} of {len(none)}",
        f"{means[0]:+.2f} [{low:+.2f}, {high:+.2f}]" if quotes else "0",
        f"{sum(seed['ci_low'] > 0 for seed in none)}, {sum(seed['ci_high'] < 0 for seed in none)}",
        f"{means[1]:+.2f} ({sum(seed['ci_low'] > 0 for seed in rival)}, {sum(seed['ci_high'] < 0 for seed in rival)})",
    ]
    return f"| {' | '.join(cells)} |"


def test_fills_by_the_tape_only():
    """Significantly worse than not quoting in no seed under any rules; at a rebate of 1 bp significantly better."""
    tree = json.loads((ROOT / "docs" / "results" / "market_making.json").read_text(encoding="utf-8"))
    assert len(tree["experiments"]) == 12
    for one in tree["experiments"]:
        assert one["seeds"] == [0, 1, 2, 3, 4] and one["test"] == ["20131011"]
        assert tape_row(one) in README
        assert all(seed["ci_high"] >= 0 for seed in one["comparison"]["none"]), one["rules"]
        if one["rules"]["maker_fee_bps"] == -1.0:
            assert all(seed["ci_low"] > 0 for seed in one["comparison"]["none"]), one["rules"]


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
    paths = list((ROOT / "docs" / "results").glob("client_flow_fold_*.json"))
    days = [json.loads(path.read_text(encoding="utf-8"))["data"]["segments"][0]["session"] for path in paths]
    assert len(set(days)) == len(days) == 5


def test_multi_currency():
    """Adjusted objective; separate dealers for each currency, and the joint linear skew, earn 12 % less."""
    summary = json.loads((ROOT / "docs" / "results" / "multi_currency.json").read_text(encoding="utf-8"))
    assert summary["seeds"] == [0, 1, 2, 3, 4] and not summary["failed"]
    assert len({one["session"] for one in summary["data"]["segments"]}) == 10
    assert {"linear_skew", "linear_skew_each", "bellman_each", "alpha_skew"} < set(summary["comparison"])
    earned = summary["results"][summary["policy"]]["adjusted_objective"]["mean"]
    for name, seeds in summary["comparison"].items():
        assert all(one["metric"] == "adjusted_objective" for one in seeds)
        if name == "linear_skew" or name.endswith("_each"):
            assert summary["results"][name]["adjusted_objective"]["mean"] < 0.88 * earned, name
