"""What a policy would have done that its no-quote gate stops, why the gate closed, and what to try next."""

from typing import Any

from tfmm.config.experiment import Config
from tfmm.evaluation import comparison
from tfmm.policies.saved import Policy


def ungated(policy: Policy) -> Policy | None:
    """The same policy without its gate where that is closed; None where it quotes anyway."""
    gate = policy.description.get("no_quote_gate")
    return None if gate is None or gate["quotes"] else Policy.load(policy.folder, gated=False)


def label(name: str) -> str:
    """Name of the ungated policy in results."""
    return f"{name} (ungated)"


def reason(gate: dict[str, Any] | None, name: str, unit: str) -> str:
    """Why the gate stops a policy from quoting, in one sentence; empty where it quotes.

    Args:
        gate: training.validation.no_quote_gate; None: it has none. name: of the policy. unit: of a difference.
    """
    if gate is None or gate["quotes"]:
        return ""
    if gate["ci_low"] != gate["ci_low"]:
        interval = f"too few for a 95 % interval, which takes {comparison.MIN_BLOCKS}"
    else:
        interval = f"95 % interval [{gate['ci_low']:.4g}, {gate['ci_high']:.4g}]"
    return (
        f"{name} quotes nothing: on {gate['split']} quoting was not significantly better than not quoting "
        f"({gate['mean_difference']:+.4g} {unit} in {gate['n_blocks']} blocks, {interval}; train.no_quote_gate)"
    )


def advice(gate: dict[str, Any], metrics: dict[str, Any], config: Config) -> list[str]:
    """What to try next, as sentences.

    Break-even points are arithmetic on the same fills: a policy that is trained anew with another setting quotes
    otherwise.

    Args:
        gate: see `reason`. metrics: summary.assess of the ungated policy on the split that is reported.
        config: of the training.
    """
    out = []
    mean, low, count = gate["mean_difference"], gate["ci_low"], gate["n_blocks"]
    if low != low:
        out.append(
            f"more days for validation (data.fractions): {count} blocks, wanted at least {comparison.MIN_BLOCKS} of "
            f"evaluation.block_s = {config.evaluation.block_s:g} s"
        )
    elif mean > 0:
        wanted = count * ((mean - low) / mean) ** 2
        out.append(
            "more days for validation (data.fractions): the gain is above 0 but uncertain; were it the same, about "
            f"{wanted:,.0f} blocks would show it, {count} are there"
        )
    if metrics["n_fills"] == 0:
        out.append(f"quotes nearer to the market ({_distances(config)}): even ungated none was filled")
        return out + _clients(config)
    net, cost = metrics["net_pnl"], metrics["net_pnl"] - metrics["objective"]
    if net < 0:
        loss = -metrics["return_per_notional_bps"]
        out.append(
            f"a venue with a lower fee or a rebate: these fills break even at {loss:.3g} bps less than they paid "
            f"(rules.maker_fee_bps = {config.rules.maker_fee_bps:g}; below 0: a rebate)"
        )
    elif cost > net:
        risk = config.environment.risk_aversion * net / cost
        out.append(
            f"a lower environment.risk_aversion, if your limits allow it: these fills earn money, but less than "
            f"inventory risk is priced at; they break even at {risk:.3g} instead of "
            f"{config.environment.risk_aversion:g}"
        )
    return out + _clients(config)


def _distances(config):
    environment = config.environment
    name = "offset_range" if environment.action == "offsets" else "half_spread_range"
    return f"environment.{name} = {list(getattr(environment, name))}"


def _clients(config):
    if config.clients.rate_s > 0:
        return []
    return [
        "clients who trade at your own quotes, if you have them ([clients], configs/client_flow.toml): the market "
        "alone fills a quote when it moves through it"
    ]
