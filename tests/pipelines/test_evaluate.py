"""The end of the line: train a little, evaluate the saved policy as a user does."""

import json
import math
import pathlib
import re
import shutil

import pytest

from tfmm.evaluation import baseline_runs, evaluate
from tfmm.policies import saved
from tfmm.policies.baselines import registry

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYS = {
    "net_pnl", "gross_pnl", "fees", "spread_capture", "inventory_pnl", "objective", "n_fills", "n_buys", "n_sells",
    "filled_qty", "traded_notional", "fill_ratio", "mean_abs_inventory", "max_abs_inventory", "time_at_limit", "sharpe",
    "sortino", "max_drawdown", "max_drawdown_duration_s", "return_per_notional_bps", "pnl_to_map", "markout_bps",
}  # fmt: skip


def test_evaluation_of_a_trained_policy(trained, tmp_path, start_script):
    done = start_script("evaluate.py", trained, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert set(metrics) == {"policy", "data", "rules", "results", "breakdown", "comparison", "verdict"}
    assert {"ddpg", "none", "fixed_spread"} <= set(metrics["results"])
    for result in metrics["results"].values():
        assert set(result) == KEYS
        assert set(result["markout_bps"]) == {"0", "1", "5", "30", "60"}
        parts = result["spread_capture"] + result["inventory_pnl"] - result["fees"]
        assert math.isclose(result["net_pnl"], parts, rel_tol=1e-9, abs_tol=1e-9)
        assert result["n_buys"] + result["n_sells"] == result["n_fills"]
    assert all(metrics["results"]["none"][key] == 0 for key in ("net_pnl", "objective", "n_fills", "max_drawdown"))
    assert metrics["results"]["fixed_spread"]["fees"] > 0
    assert ["ddpg", *(one["baseline"] for one in metrics["comparison"])] == list(metrics["results"])
    assert metrics["verdict"] in ("better", "worse", "tie", "inconclusive")
    assert metrics["data"]["segments"][0]["session"] == "20240104"
    assert f"verdict: {metrics['verdict']}" in done.stdout
    assert str(tmp_path / "out" / "report.html") in done.stdout


def test_the_report_stands_alone_and_comes_out_the_same_twice(trained, tmp_path, run_script, start_script):
    for name, run in (("one", run_script), ("two", start_script)):
        done = run("evaluate.py", trained / "policy", "--split", "validation", "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    page = (tmp_path / "one" / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    verdict = json.loads((tmp_path / "one" / "metrics.json").read_text())["verdict"]
    assert page[page.index("<body>") :].split("<strong>")[1].startswith(verdict)
    figures = {path.stem for path in (tmp_path / "one" / "figures").iterdir()}
    assert {"equity", "inventory", "quotes", "actions", "decomposition", "learning"} <= figures
    for path in (tmp_path / "one").rglob("*.*"):
        same = (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
        if path.name != "report.html":  # which names its own command line
            assert path.read_bytes() == same


def test_policies_of_one_problem_share_baselines_that_are_those_of_each(trained, tmp_path, monkeypatch):
    shutil.copytree(trained / "policy", tmp_path / "other")
    description = json.loads((tmp_path / "other" / "tfmm.json").read_text())
    description["config"]["seed"], description["config"]["train"]["steps"] = 5, 61
    (tmp_path / "other" / "tfmm.json").write_text(json.dumps(description))
    baseline_runs._last.clear()
    fits, fit = [], registry.fit_all
    monkeypatch.setattr(registry, "fit_all", lambda task: fits.append(task) or fit(task))
    first, second = (evaluate.evaluate(saved.Policy.load(one)) for one in (trained, tmp_path / "other"))
    assert len(fits) == 1
    assert (first.policy["seed"], second.policy["seed"]) == (0, 5)
    baseline_runs._last.clear()
    again = evaluate.evaluate(saved.Policy.load(tmp_path / "other"))
    assert len(fits) == 2
    assert json.dumps(again.results) == json.dumps(second.results) == json.dumps(first.results)
    evaluate.evaluate(saved.Policy.load(trained), changes=("rules.maker_fee_bps=3.0",))
    evaluate.evaluate(saved.Policy.load(trained), split="validation")
    assert len(fits) == 4


def test_a_policy_against_itself_and_against_a_copy_that_pays_a_basis_point_more(trained, tmp_path, run_script):
    """The copy makes the same decisions and pays 1.1 instead of 0.1 bp of what it trades.

    Whatever the policy has learned, both sides are quoted near the market, so that blocks without a fill are few.
    """
    for name, fee in (("own", 0.1), ("same", 0.1), ("dear", 1.1)):
        shutil.copytree(trained / "policy", tmp_path / name)
        description = json.loads((tmp_path / name / "tfmm.json").read_text())
        description["config"]["evaluation"]["block_s"] = 10.0
        description["config"]["rules"] |= {"maker_fee_bps": fee, "touch": "always"}
        description["config"]["environment"] |= {"half_spread_range": [0.5, 1.0], "skew_range": 0.25}
        (tmp_path / name / "tfmm.json").write_text(json.dumps(description))
    rivals = ["--against", tmp_path / "same", "--against", tmp_path / "dear"]
    done = run_script("evaluate.py", tmp_path / "own", "--split", "train", "--out", tmp_path / "out", *rivals)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    entries = {one["baseline"]: one for one in metrics["comparison"]}
    assert entries["same"]["verdict"] == "tie"
    assert (entries["same"]["ci_low"], entries["same"]["ci_high"]) == (0.0, 0.0)
    own, dear = metrics["results"]["ddpg"], metrics["results"]["dear"]
    assert dear["fees"] - own["fees"] == pytest.approx(1e-4 * own["traded_notional"], rel=1e-9)
    assert own["n_fills"] > 0
    assert entries["dear"]["verdict"] == "better"
    blocks = entries["dear"]["n_blocks"] * entries["dear"]["mean_difference"]
    assert blocks <= 1e-4 * own["traded_notional"] * (1 + 1e-9)  # a last block that is cut off is left out
    assert "one of " in entries["dear"]["note"]


def test_another_scenario_than_training(trained, tmp_path, run_script):
    """Six times the fee: the same quotes, fills and fits as without the scenario; only the fees differ."""
    change, seed = "rules.maker_fee_bps=0.6", tmp_path / "out" / "seed_0"
    shutil.copytree(trained, seed)
    done = run_script("evaluate.py", seed, "--out", seed / "evaluation")
    assert done.returncode == 0, done.stderr
    again = ("validate.py", trained / "config.toml", "--seeds", 1, "--out", tmp_path / "out", "--scenario", change)
    done = run_script(*again)
    assert done.returncode == 0, done.stderr
    base, dear = (
        json.loads((seed / name / "metrics.json").read_text()) for name in ("evaluation", f"evaluation-{change}")
    )
    assert (base["rules"]["changes"], dear["rules"]["changes"]) == ([], [change])
    assert base["rules"]["baselines"] == dear["rules"]["baselines"]
    for name, one in base["results"].items():
        other = dear["results"][name]
        assert (other["n_fills"], other["gross_pnl"]) == (one["n_fills"], one["gross_pnl"])
        assert other["fees"] == pytest.approx(6.0 * one["fees"], rel=1e-9)
    assert sum(one["n_fills"] for one in base["results"].values()) > 0
    summary = json.loads((tmp_path / "out" / f"validation-{change}.json").read_text())
    assert summary["results"]["fixed_spread"]["fees"]["mean"] == dear["results"]["fixed_spread"]["fees"]


def test_every_seed_on_another_store_as_one_at_a_time(trained, other_store, tmp_path, run_script):
    """Baselines are those of the other store, and the policy is not trained again."""
    seed = tmp_path / "out" / "seed_0"
    shutil.copytree(trained, seed)
    stamp = (seed / "policy" / "tfmm.json").stat().st_mtime_ns
    again = ("validate.py", trained / "config.toml", "--seeds", 1, "--out", tmp_path / "out", "--store", other_store)
    done = run_script(*again)
    assert done.returncode == 0, done.stderr
    assert (seed / "policy" / "tfmm.json").stat().st_mtime_ns == stamp
    (path,) = seed.glob("evaluation-store=*/metrics.json")
    found, policy = json.loads(path.read_text()), saved.Policy.load(seed)
    own_store, single = evaluate.evaluate(policy), evaluate.evaluate(policy, other_store)
    for name, one in single.results.items():
        assert all(found["results"][name][key] == one[key] for key in ("objective", "net_pnl", "fees", "n_fills")), name
    assert found["data"]["data_hash"] == single.data["data_hash"] != own_store.data["data_hash"]
    assert json.dumps(single.rules["baselines"]) != json.dumps(own_store.rules["baselines"])
    assert set(found["rules"]["baselines"]) == set(single.rules["baselines"])
    (path,) = (tmp_path / "out").glob("validation-store=*.json")
    summary = json.loads(path.read_text())
    assert summary["scenario"] == [f"store={other_store}"]
    assert summary["data"]["data_hash"] == found["data"]["data_hash"]


def test_a_fill_and_a_quote_in_words(trained, run_script):
    done = run_script("evaluate.py", trained, "--split", "train", "--explain", 0)
    assert done.returncode == 0, done.stderr
    assert "rule " in done.stdout and "market before" in done.stdout
    done = run_script("evaluate.py", trained, "--explain-quote", 10**9)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "quote 1000000000: the backtest has 35" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no policy there"),
        (["RUN", "--store", "nowhere"], "nowhere"),
        (
            ["RUN", "--scenario", "environment.action=offsets"],
            "--scenario environment.action=offsets: the policy was fitted to",
        ),
        (["RUN", "--scenario", "rules.order_size=2"], "--scenario rules.order_size=2: the policy was fitted to"),
        (["RUN", "--scenario", "rules.colour=2"], "unknown field `colour`"),
    ],
)
def test_wrong_arguments_end_with_one_line_and_exit_2(trained, arguments, words, run_script):
    done = run_script("evaluate.py", *[trained if one == "RUN" else one for one in arguments])
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert words in done.stderr


def test_every_script_explains_itself(run_script):
    for path in sorted((ROOT / "pipelines").glob("*.py")):
        done = run_script(path.name, "--help")
        assert done.returncode == 0, done.stderr
        assert "usage:" in done.stdout
