"""train.no_quote_gate: what is exported quotes only where validation shows that quoting pays."""

import msgspec
import numpy as np
import pytest

from tfmm import errors
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation import evaluate
from tfmm.evaluation.report import figures, report
from tfmm.live import messages, session as session_lib
from tfmm.policies import saved
from tfmm.training import run_directory, trainer


def _trained(small_config, path, fee_bps):
    """A policy that fills often, for a fee (a rebate below 0) that decides whether this pays."""
    replace = msgspec.structs.replace
    config = replace(
        small_config,
        rules=replace(small_config.rules, maker_fee_bps=fee_bps),
        environment=replace(small_config.environment, half_spread_range=(0.1, 1.5)),
        train=replace(small_config.train, no_quote_gate=True),
        evaluation=replace(small_config.evaluation, block_s=10.0),
    )
    task = tape_task.TapeTask.create(config)
    trainer.train(task, run_directory.RunDirectory.create(path, config, task.data_hash))
    return saved.Policy.load(path)


def test_a_policy_whose_fills_cost_more_than_they_earn_quotes_nothing(small_config, tmp_path):
    policy = _trained(small_config, tmp_path / "run", 50.0)
    gate = policy.description["no_quote_gate"]
    assert not gate["quotes"]
    assert gate["ci_low"] < gate["mean_difference"] < 0
    observations = np.random.default_rng(0).normal(size=(5, len(policy.description["features"]))).astype(np.float32)
    assert np.isnan(policy(observations)).all()
    assert np.isfinite(saved.Policy.load(tmp_path / "run" / "best")(observations)).all()
    outcome = evaluate.evaluate(policy)
    assert outcome.results["ddpg"]["objective"] == outcome.results["ddpg"]["n_fills"] == 0
    assert outcome.results["ddpg"]["fill_ratio"] != outcome.results["ddpg"]["fill_ratio"]  # nothing was sent
    (none,) = [one for one in outcome.comparison if one["baseline"] == "none"]
    assert (none["mean_difference"], none["ci_low"], none["ci_high"], none["verdict"]) == (0, 0, 0, "tie")
    page = report.write(tmp_path / "report", outcome, figures.png).read_text()
    assert "ddpg quotes nothing: on validation quoting was not significantly better" in page
    assert f"in {gate['n_blocks']} blocks, 95 % interval [{gate['ci_low']:.4g}, {gate['ci_high']:.4g}]" in page
    assert "What it would have done is shown beside it as ddpg (ungated): on test -" in page
    _is_shown_ungated(policy, observations, outcome)
    session = session_lib.Session(policy)
    (run,) = evaluate.backtests_of(tape_task.TapeTask.create(policy.config), policy, "test")
    answers = [one for message in messages.of_tape(run.tape) for one in session.take(message)]
    assert len(answers) > 300
    assert all((one["bid"], one["ask"]) == (None, None) for (one,) in answers)


def _is_shown_ungated(policy, observations, outcome):
    """Behind the closed gate is the policy that would have traded, in both forms of the export."""
    inside = [saved.Policy.load(policy.folder, reference, gated=False)(observations) for reference in (False, True)]
    assert np.isfinite(inside[0]).all()
    np.testing.assert_allclose(*inside, atol=1e-6)
    shown = outcome.results["ddpg (ungated)"]
    assert shown["n_fills"] > 0 > shown["objective"]
    assert outcome.best_baseline != "ddpg (ungated)"
    assert "ddpg (ungated)" not in {one["baseline"] for one in outcome.comparison}
    (against_none,) = [one for one in outcome.ungated if one["baseline"] == "none"]
    assert (against_none["policy"], against_none["verdict"]) == ("ddpg (ungated)", "worse")
    # with that fee the fills would have cost nothing
    loss_bps = -shown["net_pnl"] / shown["traded_notional"] * 1e4
    assert f"break even at {loss_bps:.3g} bps less than they paid (rules.maker_fee_bps = 50" in outcome.advice[0]


def test_a_policy_whose_fills_pay_quotes_as_it_learned(small_config, tmp_path):
    policy = _trained(small_config, tmp_path / "run", -50.0)
    gate = policy.description["no_quote_gate"]
    assert gate["quotes"]
    assert 0 < gate["ci_low"] < gate["mean_difference"]
    observations = np.random.default_rng(0).normal(size=(5, len(policy.description["features"]))).astype(np.float32)
    assert np.isfinite(policy(observations)).all()
    # the gate is of what was exported: the same policy on the same split earns the same
    outcome = evaluate.evaluate(policy, split="validation")
    assert "ddpg (ungated)" not in outcome.results and not outcome.advice
    (none,) = [one for one in outcome.comparison if one["baseline"] == "none"]
    assert none["mean_difference"] == pytest.approx(gate["mean_difference"], rel=1e-3)


def test_a_model_has_no_gate():
    with pytest.raises(errors.ConfigError, match=r"train\.no_quote_gate is true with environment\.name simple_model"):
        loading.decode({"environment": {"name": "simple_model"}, "train": {"no_quote_gate": True}}, "test")
