"""Section [environment] of a configuration: the decision problem."""

from typing import Annotated, Literal

import msgspec

from tfmm.config.market import Count, NotNegative, Positive


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The decision problem. `name`: on a tape (market_making), a model of section [model], or a system.

    rows: how many run side by side. The rest is for market_making alone.
    interval_s: time between decisions. clock: `events` decides at every interval_quotes-th quote instead, `both` after
    interval_s or as soon as a best price changes. window_s: length of a training episode; a shorter session
    part is one window. liquidate: a window ends with everything sold at the market, which ends the episode for the
    agent too (discount 0); without, it is merely over. warmup_s: time before a window in which only the
    features are updated.
    action: `skew_spread` (log shift of the mid, log half-spread) or `offsets` (ask and bid
    distance from the mid); both in units of `distance_unit`: half of the market's `spread` at the moment or, measured
    on train, the market's mean
    `half_spread`, or `volatility`, sigma x sqrt(interval_s), where spreads are narrow beside moves.
    sizes: two more components set the ask's and the bid's size, from none at -1 over one order at 0 to two at 1.
    skew_range, half_spread_range, offset_range: the distances the action bounds stand for.
    residual_range: above 0, with `offsets`, the two components correct a quote instead of standing for offset_range:
    ask distance = base(Q) + residual x a_ask, bid distance = base(-Q) + residual x a_bid, all in units of
    distance_unit, base(Q) what dynamic programming over the inventory alone quotes (tfmm.calibration.reference_quote),
    the far end of offset_range where that quotes nothing. reference: `inventory_dp`; or, `state_dp`, the whole tick
    that earns most with the spread and the drift of now and the value of dynamic programming over inventory and
    n_spread_states (tfmm.simulation. best_tick), where corrections are of what a fill is worth; clients alone must
    trade. What a reward is compared with. risk_aversion: r of F = dPnL - r |Q| dt, with Q in orders, dt in seconds, F
    in (mean half-spread x order size).
    risk: `absolute` prices |Q| of each instrument by itself, `covariance` (Q' Omega Q)^risk_power, with Omega of
    the profits of one order over 10 s on train, shrunk, mean diagonal 1, or as given.
    reward: what the agent learns from: the `realised_pnl`; what was traded, at its `markout` after markout_s
    (tfmm.simulation.rewards.markout), or that and what it did to the value of the inventory by fills measured on train,
    `shaped_markout`; where clients alone trade what fills are expected to earn (`expected_pnl`), or that priced by the
    Bellman value (`shaped_expected_pnl`) of the inventory, at a discount of 0 less what a base quote earns on the same
    tape (tfmm.simulation.rewards.expected_fills). Judged by drawn money. n_spread_states: states of the spread, cut at
    even quantiles of train, that the Bellman value tells apart; 1: it is that of the mean spread.
    features: names from `tfmm.simulation.dealer.features.NAMES`; empty: its DEFAULT.
    synthetic: {symbol: symbol of its synthetic quotes (prepare.py --synthetic)}, for the feature synthetic_deviation.
    reference_price: what actions are counted from: the market's mid; the touch, the ask from the best ask and the bid
    from the best bid; or the mid of the synthetic quotes. quoted: symbols; empty: all but the synthetic ones.
    """

    name: Literal[
        "market_making", "simple_model", "avellaneda_stoikov", "dealer_hedging",
        "quote_target", "zero_norm", "daily_trading",
    ] = "market_making"  # fmt: skip
    rows: Count = 64
    clock: Literal["time", "events", "both"] = "time"
    interval_s: Positive = 1.0
    interval_quotes: Count = 10
    window_s: Positive = 600.0
    warmup_s: NotNegative = 30.0
    liquidate: bool = False
    action: Literal["skew_spread", "offsets"] = "skew_spread"
    sizes: bool = False
    distance_unit: Literal["half_spread", "spread", "volatility"] = "half_spread"
    skew_range: Positive = 4.0
    half_spread_range: tuple[Positive, Positive] = (0.5, 8.0)
    offset_range: tuple[float, float] = (0.0, 8.0)
    residual_range: NotNegative = 0.0
    reference: Literal["inventory_dp", "state_dp"] = "inventory_dp"
    risk_aversion: NotNegative = 0.01
    risk: Literal["absolute", "covariance"] = "absolute"
    risk_power: Positive = 0.5
    omega: tuple[tuple[float, ...], ...] = ()
    features: tuple[str, ...] = ()
    reward: Literal[
        "realised_pnl", "markout", "shaped_markout", "expected_pnl", "shaped_expected_pnl"
    ] = "realised_pnl"  # fmt: skip
    n_spread_states: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1
    markout_s: Positive = 10.0
    synthetic: dict[str, str] = {}
    reference_price: Literal["mid", "touch", "synthetic"] = "mid"
    quoted: tuple[str, ...] = ()
