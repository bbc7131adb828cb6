"""Why a no-quote gate closed, and what is advised."""

import msgspec
import pytest

from tfmm.config import loading
from tfmm.evaluation import gate


def decision(mean, low, high, blocks=60):
    return {"split": "validation", "quotes": low > 0, "mean_difference": mean, "ci_low": low, "ci_high": high,
            "n_blocks": blocks}  # fmt: skip


def metrics(net, objective, notional=1e6, fills=100):
    return {"n_fills": fills, "net_pnl": net, "objective": objective, "return_per_notional_bps": net / notional * 1e4}


@pytest.fixture(scope="module")
def config():
    return loading.decode({"environment": {"risk_aversion": 0.04}, "rules": {"maker_fee_bps": 0.5}}, "test")


def test_an_open_gate_has_no_reason():
    assert gate.reason(None, "ddpg", "USD per 60 s") == gate.reason(decision(2.0, 1.0, 3.0), "ddpg", "USD") == ""


def test_the_reason_has_the_gain_its_interval_and_the_blocks():
    assert gate.reason(decision(-1.5, -2.0, -1.0), "ddpg", "USD per 60 s") == (
        "ddpg quotes nothing: on validation quoting was not significantly better than not quoting (-1.5 USD per 60 s "
        "in 60 blocks, 95 % interval [-2, -1]; train.no_quote_gate)"
    )
    nan = float("nan")
    assert "in 5 blocks, too few for a 95 % interval, which takes 8;" in gate.reason(decision(1, nan, nan, 5), "d", "")


def test_an_uncertain_gain_wants_more_days(config):
    # half the interval is 3, the gain 1: an interval of width 1 takes 3^2 times the blocks
    first, *_ = gate.advice(decision(1.0, -2.0, 4.0), metrics(50.0, 10.0), config)
    assert first.startswith("more days for validation") and "about 540 blocks would show it, 60 are there" in first
    nan = float("nan")
    first, *_ = gate.advice(decision(1.0, nan, nan, 5), metrics(50.0, 10.0), config)
    assert first.startswith("more days for validation (data.fractions): 5 blocks, wanted at least 8")


def test_a_loss_says_at_which_fee_it_breaks_even(config):
    # 50 lost of 1 000 000 traded are half a basis point
    first, *_ = gate.advice(decision(-1.0, -2.0, -0.5), metrics(-50.0, -80.0), config)
    assert "break even at 0.5 bps less than they paid (rules.maker_fee_bps = 0.5; below 0: a rebate)" in first


def test_a_profit_below_the_price_of_risk_says_at_which_risk_aversion_it_breaks_even(config):
    # risk is priced at 30 - (-90) = 120 with .04: at 30 / 120 of it the objective is 0
    first, *_ = gate.advice(decision(-1.0, -2.0, -0.5), metrics(30.0, -90.0), config)
    assert "lower environment.risk_aversion" in first and "break even at 0.01 instead of 0.04" in first


def test_without_fills_the_range_of_distances_is_named(config):
    first, *_ = gate.advice(decision(0.0, 0.0, 0.0), metrics(0.0, 0.0, fills=0), config)
    assert "environment.half_spread_range = [" in first and "none was filled" in first


def test_clients_are_proposed_to_those_who_have_none(config):
    closed, lost = decision(-1.0, -2.0, -0.5), metrics(-50.0, -80.0)
    assert "configs/client_flow.toml" in gate.advice(closed, lost, config)[-1]
    clients = msgspec.structs.replace(config, clients=msgspec.structs.replace(config.clients, rate_s=0.5))
    assert len(gate.advice(closed, lost, clients)) == 1
