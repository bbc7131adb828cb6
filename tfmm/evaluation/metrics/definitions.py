"""What every metric of a result is: label, unit, formula, source. Reports and tables are made from it."""

from typing import NamedTuple

from tfmm.backtest import control_variate


class Definition(NamedTuple):
    """A metric of metrics.json in words.

    name: key of a result. kind: how it is printed (money, count, share, number). unit, formula, source: texts; Q
    inventory, m mid, t time, f over fills, h horizon.
    """

    name: str
    label: str
    kind: str
    unit: str
    formula: str
    source: str = ""


METRICS = (
    Definition("objective", "Objective", "money", "money", "sum of dPnL - r Risk(Q) dt", "Cartea and Jaimungal 2015"),
    Definition("net_pnl", "Net PnL", "money", "money", "spread captured + inventory PnL - fees"),
    Definition("gross_pnl", "Gross PnL", "money", "money", "cash + Q m at the end, before fees"),
    Definition("spread_capture", "Spread captured", "money", "money", "sum_f side qty (mid just before - px)"),
    Definition("inventory_pnl", "Inventory PnL", "money", "money", "integral of Q dm"),
    Definition("fees", "Fees", "money", "money", "sum_f fee; negative: rebates"),
    Definition("n_fills", "Fills", "count", "count", "number of fills"),
    Definition("n_buys", "Buys", "count", "count", "fills with side +1"),
    Definition("n_sells", "Sells", "count", "count", "fills with side -1"),
    Definition("filled_qty", "Filled quantity", "number", "size", "sum_f qty"),
    Definition("traded_notional", "Traded notional", "money", "money", "sum_f px qty multiplier"),
    Definition("fill_ratio", "Fill ratio", "share", "share", "filled quantity / quantity sent"),
    Definition("mean_abs_inventory", "Mean |inventory|", "number", "size", "mean over time of sum |Q|"),
    Definition("max_abs_inventory", "Largest |inventory|", "number", "size", "max |Q|"),
    Definition("time_at_limit", "Time at the limit", "share", "share", "share of time with |Q| at its limit"),
    Definition("sharpe", "Sharpe", "number", "per year", "mean / standard deviation of profits per sample, annualised",
               "Sharpe 1994"),
    Definition("sortino", "Sortino", "number", "per year", "mean / root mean square of losses per sample, annualised",
               "Sortino and Price 1994"),
    Definition("max_drawdown", "Largest drawdown", "money", "money", "largest running maximum - wealth, in a segment",
               "Magdon-Ismail and Atiya 2004"),
    Definition("max_drawdown_duration_s", "Longest drawdown", "number", "s", "longest time below a running maximum"),
    Definition("return_per_notional_bps", "Net PnL per notional", "number", "bps", "net PnL / traded notional"),
    Definition("pnl_to_map", "Net PnL per mean |inventory|", "number", "money / size", "net PnL / mean |Q|",
               "Spooner et al. 2018, mean absolute position"),
)  # fmt: skip
MARKOUT = Definition(
    "markout_bps", "Markout", "number", "bps", "mean_f side (mid at t + h - px) / px; fills with t + h on the tape",
    "Butz and Oomen 2019",
)  # fmt: skip
EXPECTED = Definition(
    "expected_objective", "Expected objective", "money", "money",
    "expectation of the objective over all clients, given the price path",
    "tfmm.backtest.expected_objective",
)  # fmt: skip
ADJUSTED = Definition(
    control_variate.METRIC, "Adjusted objective", "money", "money",
    "objective less the control variate of the drawn clients, which has mean 0", "tfmm.backtest.control_variate",
)  # fmt: skip
CLIENTS = (
    Definition("client_qty", "Client volume", "number", "size", "sum of qty over fills with rule CLIENT"),
    Definition("internalisation_ratio", "Internalised", "share", "share",
               "client volume that offsets client volume, first in first out, both legs / client volume",
               "Butz and Oomen 2019"),
    Definition("internalisation_horizon_s", "Internalisation horizon", "number", "s",
               "mean time until a client's trade is offset by other clients, weighted by volume",
               "Butz and Oomen 2019"),
    Definition("hedging_cost", "Cost of hedging", "money", "money", "sum over hedges of side qty (px - mid) + fee"),
    Definition("inventory_half_life_s", "Inventory half-life", "number", "s",
               "ln 2 / -ln rho, rho the autocorrelation of Q after 1 s", "AR(1)"),
)  # fmt: skip
BASELINES = {
    "none": "does not quote",
    "fixed_spread": "the mid plus and minus h, whatever the inventory",
    "linear_skew": "as fixed_spread, both quotes shifted against the inventory, by s at its limit",
    "avellaneda_stoikov": "Avellaneda and Stoikov 2008, with a horizon that is always ten minutes away",
    "glft": "Gueant, Lehalle and Fernandez-Tapia 2013, stationary quotes",
    "bellman": "dynamic programming over the inventory, with fills and profits by distance measured on train",
    "bellman_hedge": "the same, which may also close inventory at the market",
    "alpha_skew": "linear_skew that widens with the market's spread and follows a forecast of the mid",
    "alpha_skew_floor": "the same, never inside the market's spread",
    "bellman_spread": "dynamic programming over the inventory and the market's spread",
    "bellman_spread_drift": "the same, over the predicted drift of the mid too",
    "bellman_spread_drift_hedge": "the same, which may also close inventory at the market",
}
"""What each baseline does, in a line."""
FITTED = {
    "half_spread_tick": "half-spread h, ticks",
    "skew_at_limit_tick": "skew s at the inventory limit, ticks",
    "gamma_over_decay": "risk aversion gamma / k",
    "sigma_tick": "volatility sigma, ticks per square root of a second",
    "intensity": "fills at distance d: A exp(-k d) per second",
    "beta": "discount of a decision",
    "distance_tick": "distances from the mid measured on train, ticks",
    "chance": "fill probability in a decision interval, by distance",
    "gain_tick": "profit per decision interval, by distance, ticks x orders",
    "alpha": "weight of the forecast in the skew",
    "drift": "coefficients of the predicted drift",
    "spread_cuts_tick": "market spreads that separate the spread states, ticks",
    "drift_cuts_half_spread": "predicted drifts that separate the drift states, mean half-spreads",
    "move_tick": "mean move of the mid in a decision interval, ticks, by state",
    "hedged_share": "share of the inventory that is closed at the market, by inventory from -L to L orders",
    "kept_orders": "lowest and highest inventory that is not closed, orders, by state",
    "policy": "saved policy",
}
"""Fitted parameters of baselines in words; a parameter that is not listed keeps its name in metrics.json."""
SETTINGS = {
    "touch": "whether a trade at our price fills us: never, always, or by our position in the queue",
    "marketable": "what happens to a quote that would trade at once",
    "latency_s": "seconds until a quote takes effect",
    "maker_fee_bps": "fee of a fill, basis points of its notional; negative: rebate",
    "maker_fee_per_unit": "further fee for each size unit of a fill, quote currency; negative: rebate",
    "minimum_fee": "least fee of an order that is filled, quote currency",
    "order_size": "size of a quote, size units",
    "inventory_limit": "a side that could breach it is not quoted, size units",
    "interval_s": "seconds between decisions",
    "block_s": "seconds of a block of the comparison",
    "sampling_s": "seconds between samples of Sharpe and Sortino",
    "trading_days_per_year": "to annualise Sharpe and Sortino",
    "trading_hours_per_day": "to annualise Sharpe and Sortino",
    "risk_money_per_unit_s": "cost in the objective of one size unit of inventory for a second",
    "risk_money_per_s": "cost in the objective of one unit of risk for a second",
}
"""Rules and settings in words."""
QUALITY = (
    "rows: rows that prepare.py read; dropped: rows that cannot be true; unordered: rows earlier than the one before; "
    "locked: bid = ask; gaps, longest_s: pauses of the feed; spread: median, ticks; tick, lot: of the instrument; "
    "side_ok: trades whose side agrees with the quotes; beyond: trades outside the best prices; skew_ms: clock skew of "
    "trades and quotes"
)
