"""What a configuration and the scales of train are to the kernels: one record of state.PARAMETERS per instrument."""

import numpy as np

from tfmm import errors
from tfmm.calibration import covariance, scales as scales_lib
from tfmm.environments.tape import instruments as instruments_lib
from tfmm.simulation import state
from tfmm.simulation.exchange import rules as rules_lib
from tfmm.simulation.rewards import kinds

HEDGES = ("none", "limit", "action")
CURVES = ("exponential", "power", "logistic", "table")


def parameters(scales, base, environment, limit_orders, clients=None, rules=None):
    """(N,) state.PARAMETERS for environments: fill rules plus scales.

    Args:
        scales: one Scales per instrument. base: (N,) parameters of the fill rules.
        environment: config.Environment. limit_orders: inventory limit in orders.
        clients: config.Clients, None: without. rules: config.Rules, for hedging; None: without.
    """
    out = base.copy()
    out["liquidate"], out["sizes"] = environment.liquidate, environment.sizes
    if rules is not None:
        out["tape_fills"] = rules.tape_fills
        out["hedge"] = HEDGES.index(rules.hedge)
    if clients is not None:
        out["client_rate"], out["client_k"], out["client_middle"] = clients.rate_s, clients.k, clients.middle
        out["client_branching"], out["client_decay"] = clients.branching, clients.decay_s
        out["client_informed"], out["client_ahead_ns"] = clients.informed, round(clients.ahead_s * 1e9)
        out["client_random_size"] = clients.random_size
        out["client_curve"] = CURVES.index(clients.curve)
        if clients.table:
            out["client_table"] = clients.table
    for n, one in enumerate(scales):
        out["order_lot"][n] = one.order_lot
        out["limit_lot"][n] = one.order_lot * limit_orders
        if rules is not None:
            out["hedge_lot"][n] = one.order_lot * rules.hedge_limit_orders
        if clients is not None:
            out["client_lot"][n] = max(1, round(one.order_lot * clients.size_orders))
        out["half_spread_tick"][n] = one.half_spread_tick
        out["unit_tick"][n] = scales_lib.unit_tick(one, environment)
        out["sigma_tick"][n] = one.sigma_tick
        out["risk"][n] = environment.risk_aversion * one.half_spread_tick
        if one.drift:
            out["drift"][n] = one.drift
    out["base"] = BASES[environment.reference]
    out = with_base(out, scales)
    if environment.action == "skew_spread":
        out["action"] = state.SKEW_SPREAD
        out["skew_range"] = environment.skew_range
        out["range_low"], out["range_high"] = np.log(environment.half_spread_range)
    else:
        out["action"] = BASES[environment.reference] if environment.residual_range else state.OFFSETS
        out["residual_range"] = environment.residual_range
        out["range_low"], out["range_high"] = environment.offset_range
    return out


BASES = {"inventory_dp": state.CORRECTIONS, "state_dp": state.TICK_CORRECTIONS}
"""What corrections of environment.reference are."""


def with_base(parameters, scales):
    """Copies of state.PARAMETERS with the base quotes of the scales that have one."""
    out = parameters.copy()
    for n, one in enumerate(scales):
        if one.reference_ask:
            beyond = state.BASE_ORDERS - len(one.reference_ask) // 2
            out["base_ask"][n] = np.pad(one.reference_ask, beyond, mode="edge")
        if one.reference_marginal_value:
            worth = np.array(one.reference_marginal_value)
            beyond = state.BASE_ORDERS - worth.shape[1] // 2
            out["base_worth"][n, : len(worth)] = np.pad(worth, ((0, 0), (beyond, beyond)), mode="edge")
            out["base_chance"][n] = one.reference_fill_probability
            out["base_states"][n], out["base_cuts"][n, : len(worth) - 1] = len(worth), one.reference_cuts
    return out


REFERENCES = ("mid", "touch", "synthetic")


def fill_in(parameters, environment, instruments):
    """Sets the fields of (N,) state.PARAMETERS that tell what is quoted and around what, in place.

    Raises:
        ConfigError: see `quoted`; a quoted instrument that is to be quoted around a synthetic one has none.
    """
    symbols = [one.symbol for one in instruments]
    own = instruments_lib.quoted(environment, instruments)
    parameters["quoted"] = 0
    parameters["quoted"][own] = 1
    parameters["reference"] = REFERENCES.index(environment.reference_price)
    parameters["synthetic"] = state.NO_INSTRUMENT
    for name, other in environment.synthetic.items():
        n, m = symbols.index(name), symbols.index(other)
        parameters["synthetic"][n] = m
        parameters["synthetic_ratio"][n] = instruments[m].tick_size / instruments[n].tick_size
    lacking = [symbols[n] for n in own if parameters["synthetic"][n] == state.NO_INSTRUMENT]
    if environment.reference_price == "synthetic" and lacking:
        raise errors.ConfigError(
            f"environment.reference_price is synthetic, but {lacking[0]} has no entry in environment.synthetic, wanted "
            "the name of the synthetic instrument that prepare.py --synthetic wrote"
        )


def convert(parameters, units, instruments, rates_of, scales):
    """Sets the rates of (N,) state.PARAMETERS, in place, and lets weights count at their means on train.

    Args:
        units: (N,) quote currency of a tick x lot. rates_of: see `rates`. scales: one calibration.Scales each.
    """
    worth = units.copy()
    for n, m in rates_of.items():
        parameters["rate"][n], parameters["rate_tick"][n] = m, scales[m].mid_tick
        worth[n] *= scales[m].mid_tick * instruments[m].tick_size
    parameters["weight"] = worth / worth[0]


def terms(config, instruments, scales):
    """(FillRules, (N,) state.PARAMETERS) of a configuration; scales: one calibration.Scales per instrument."""
    rules = rules_lib.FillRules(
        touch=config.rules.touch,
        marketable=config.rules.marketable,
        partial=config.rules.partial,
        latency_ns=_ns(config.rules.latency_s),
        maker_fee_bps=config.rules.maker_fee_bps,
        taker_fee_bps=config.rules.taker_fee_bps,
        cash_limit=config.rules.cash_limit or None,
        gap_ns=round(config.rules.gap_s * 1e9) or None,
    )
    references = [one.mid_tick if own.inverse else 0.0 for one, own in zip(scales, instruments, strict=True)]
    base = rules_lib.parameters(instruments, rules, references)
    limit = config.rules.inventory_limit_orders
    out = parameters(scales, base, config.environment, limit, config.clients, config.rules)
    fill_in(out, config.environment, instruments)
    units = rules_lib.money_units(instruments, out)
    convert(out, units, instruments, instruments_lib.rates(config, instruments), scales)
    return rules, out


def _risk(config, data, scales, weights, train, scale):
    """kinds.Risk of environment.risk."""
    environment, count = config.environment, len(scales)
    if environment.risk == "absolute":
        return kinds.Risk()
    if not environment.omega:
        omega = covariance.covariance(data.events, scales, weights, train)
    else:
        if any(len(row) != count for row in environment.omega) or len(environment.omega) != count:
            raise errors.ConfigError(f"environment.omega is not {count} x {count}, wanted a row for each instrument")
        omega = np.array(environment.omega)
        if not np.allclose(omega, omega.T) or np.linalg.eigvalsh(omega)[0] < -1e-12:
            raise errors.ConfigError("environment.omega has a negative direction, wanted a covariance matrix")
    is_joint = len(instruments_lib.quoted(environment, data.instruments)) > 1
    cost_per_s = environment.risk_aversion * scale
    return kinds.Risk(kinds.RiskKind.COVARIANCE, omega, cost_per_s, environment.risk_power, is_joint)


def with_own_risk(parameters, risk):
    """(N,) state.PARAMETERS in which `risk` and `risk_power` say what each instrument costs by itself.

    Where risk is joint no cost of one instrument by itself is right: it is taken to grow as |Q|, Omega_nn^u an order.
    """
    if risk.kind == kinds.RiskKind.ABSOLUTE:
        return parameters
    out = parameters.copy()
    if not risk.is_joint:
        out["risk_power"] = 2.0 * risk.power
    for n, one in enumerate(parameters):
        out["risk"][n] = risk.cost_per_s * risk.omega[n, n] ** risk.power / float(one["weight"] * one["order_lot"])
    return out


def _ns(seconds):
    """ns of seconds, one number or one for each instrument."""
    return tuple(round(one * 1e9) for one in seconds) if isinstance(seconds, tuple) else round(seconds * 1e9)
