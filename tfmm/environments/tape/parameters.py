"""Parameters of the kernels from a configuration and the scales of train: one state.PARAMETERS per instrument."""

from collections.abc import Sequence

import numpy as np

from tfmm import errors
from tfmm.arrays import Records
from tfmm.calibration import scales as scales_lib
from tfmm.calibration.scales import Scales
from tfmm.config.experiment import Config
from tfmm.environments.tape import instruments as instruments_lib
from tfmm.market.schema import Instrument
from tfmm.simulation import state
from tfmm.simulation.exchange import rules as rules_lib
from tfmm.simulation.rewards import kinds

_HEDGES = ("none", "limit", "action")
_CURVES = ("exponential", "power", "logistic", "table")
_REFERENCE_PRICES = ("mid", "touch", "synthetic")
_REFERENCES = {"inventory_dp": state.RESIDUAL_INVENTORY_DP, "state_dp": state.RESIDUAL_STATE_DP}
"""How an action is added to the quote of environment.reference."""


def fill_rules(config: Config) -> rules_lib.FillRules:
    """The fill rules of section rules."""
    rules = config.rules
    return rules_lib.FillRules(
        touch=rules.touch,
        marketable=rules.marketable,
        partial=rules.partial,
        latency_ns=_ns(rules.latency_s),
        maker_fee_bps=rules.maker_fee_bps,
        taker_fee_bps=rules.taker_fee_bps,
        maker_fee_per_unit=rules.maker_fee_per_unit,
        taker_fee_per_unit=rules.taker_fee_per_unit,
        minimum_fee=rules.minimum_fee,
        cash_limit=rules.cash_limit or None,
        gap_ns=round(rules.gap_s * 1e9) or None,
    )


def build_parameters(
    config: Config, instruments: Sequence[Instrument], scales: Sequence[Scales], risk: kinds.Risk | None = None
) -> Records:
    """(N,) state.PARAMETERS of a configuration.

    Args:
        instruments: (N,) of the store. scales: one for each instrument, with what is fitted so far.
        risk: the price of inventory; None: absolute.

    Raises:
        ConfigError: see FillRules, rules.parameters and instruments; an instrument that is to be quoted around a
            synthetic one has none.
    """
    pairs = zip(scales, instruments, strict=True)
    mids = [scale.mid_tick if instrument.inverse else 0.0 for scale, instrument in pairs]
    out = rules_lib.parameters(instruments, fill_rules(config), mids)
    _set_scales(out, config, scales)
    _set_hedging(out, config)
    _set_clients(out, config)
    _set_actions(out, config)
    _set_roles(out, config, instruments)
    _set_currency(out, config, instruments, scales)
    _set_risk(out, config, scales, kinds.Risk() if risk is None else risk)
    return with_reference_quote(out, scales)


def with_reference_quote(parameters: Records, scales: Sequence[Scales]) -> Records:
    """A copy of (N,) state.PARAMETERS with the reference quotes that the scales have."""
    out = parameters.copy()
    for n, scale in enumerate(scales):
        if scale.reference_ask:
            beyond = state.REFERENCE_ORDERS - len(scale.reference_ask) // 2
            out["reference_ask"][n] = np.pad(scale.reference_ask, beyond, mode="edge")
        if scale.reference_marginal_value:
            values = np.array(scale.reference_marginal_value)
            beyond = state.REFERENCE_ORDERS - values.shape[1] // 2
            out["reference_marginal_value_tick"][n, : len(values)] = np.pad(
                values, ((0, 0), (beyond, beyond)), mode="edge"
            )
            out["reference_fill_probability"][n] = scale.reference_fill_probability
            out["n_reference_states"][n] = len(values)
            out["reference_cuts"][n, : len(values) - 1] = scale.reference_cuts
    return out


def _set_scales(out, config, scales):
    """Sizes, units of distance and drift."""
    environment, rules = config.environment, config.rules
    for n, scale in enumerate(scales):
        out["order_lot"][n] = scale.order_lot
        out["limit_lot"][n] = scale.order_lot * rules.inventory_limit_orders
        out["hedge_threshold_lot"][n] = scale.order_lot * rules.hedge_limit_orders
        out["client_lot"][n] = max(1, round(scale.order_lot * config.clients.size_orders))
        out["half_spread_tick"][n] = scale.half_spread_tick
        out["unit_tick"][n] = scales_lib.unit_tick(scale, environment)
        out["sigma_tick"][n] = scale.sigma_tick
        out["touch_size_lot"][n], out["traded_lot_s"][n] = scale.touch_size_lot, scale.traded_lot_s
        if scale.drift:
            out["drift"][n] = scale.drift


def _set_hedging(out, config):
    out["tape_fills"] = config.rules.tape_fills
    out["hedge"] = _HEDGES.index(config.rules.hedge)
    out["liquidate"] = config.environment.liquidate


def _set_clients(out, config):
    clients = config.clients
    out["client_rate"], out["client_k"], out["client_middle"] = clients.rate_s, clients.k, clients.middle
    out["client_branching"], out["client_decay"] = clients.branching, clients.decay_s
    out["client_informed"], out["client_ahead_ns"] = clients.informed, round(clients.ahead_s * 1e9)
    out["client_random_size"] = clients.random_size
    out["client_curve"] = _CURVES.index(clients.curve)
    if clients.table:
        out["client_table"] = clients.table


def _set_actions(out, config):
    """What the components of an action stand for."""
    environment = config.environment
    out["sizes"] = environment.sizes
    out["reference_quote"] = _REFERENCES[environment.reference]
    if environment.action == "skew_spread":
        out["action"] = state.SKEW_SPREAD
        out["skew_range"] = environment.skew_range
        out["range_low"], out["range_high"] = np.log(environment.half_spread_range)
    elif environment.action == "ticks":
        out["action"], out["keep_ticks"] = state.TICKS, environment.keep_ticks
        out["range_low"], out["range_high"] = environment.tick_range
    else:
        out["action"] = _REFERENCES[environment.reference] if environment.residual_range else state.OFFSETS
        out["residual_range"] = environment.residual_range
        out["range_low"], out["range_high"] = environment.offset_range


def _set_roles(out, config, instruments):
    """Which instruments are quoted, and around which price."""
    environment, symbols = config.environment, [instrument.symbol for instrument in instruments]
    quoted = instruments_lib.quoted(environment, instruments)
    out["quoted"] = 0
    out["quoted"][quoted] = 1
    out["reference_price"] = _REFERENCE_PRICES.index(environment.reference_price)
    out["synthetic"] = state.NO_INSTRUMENT
    for name, other in environment.synthetic.items():
        n, m = symbols.index(name), symbols.index(other)
        out["synthetic"][n] = m
        out["synthetic_ratio"][n] = instruments[m].tick_size / instruments[n].tick_size
    lacking = [symbols[n] for n in quoted if out["synthetic"][n] == state.NO_INSTRUMENT]
    if environment.reference_price == "synthetic" and lacking:
        raise errors.ConfigError(
            f"environment.reference_price is synthetic, but {lacking[0]} has no entry in environment.synthetic, wanted "
            "the name of the synthetic instrument that prepare.py --synthetic wrote"
        )


def _set_currency(out, config, instruments, scales):
    """Conversion into the account currency; weights are at the mean rates of train."""
    money = rules_lib.money_units(instruments, out)
    for n, m in instruments_lib.rates(config, instruments).items():
        out["rate"][n], out["rate_tick"][n] = m, scales[m].mid_tick
        money[n] *= scales[m].mid_tick * instruments[m].tick_size
    out["weight"] = money / money[0]


def _set_risk(out, config, scales, risk):
    """Cost of each instrument's own inventory.

    Where risk is joint no cost of one instrument by itself is right: it is taken to grow as |Q|, Omega_nn^u an order.
    """
    if risk.kind == kinds.RiskKind.ABSOLUTE:
        out["risk"] = [config.environment.risk_aversion * scale.half_spread_tick for scale in scales]
        return
    if not risk.is_joint:
        out["risk_power"] = 2.0 * risk.power
    for n, record in enumerate(out):
        order = float(record["weight"] * record["order_lot"])
        out["risk"][n] = risk.cost_per_s * risk.omega[n, n] ** risk.power / order


def _ns(seconds):
    """Nanoseconds of a number of seconds, or of one for each instrument."""
    return tuple(round(value * 1e9) for value in seconds) if isinstance(seconds, tuple) else round(seconds * 1e9)
