"""Section [environment] of a configuration: the decision problem."""

from typing import Annotated, Literal

import msgspec

from tfmm.config import types
from tfmm.config.types import about

Name = Literal[
    "market_making", "simple_model", "avellaneda_stoikov", "dealer_hedging",
    "quote_target", "zero_norm", "daily_trading",
]  # fmt: skip
_EXAMPLES = ("quote_target", "zero_norm", "daily_trading")
ReferencePrice = Literal["mid", "touch", "synthetic"]
Clock = Literal["time", "events", "both"]
Action = Literal["skew_spread", "offsets", "ticks"]
DistanceUnit = Literal["half_spread", "spread", "volatility"]
Reference = Literal["inventory_dp", "state_dp"]
Reward = Literal["realised_pnl", "markout", "shaped_markout", "expected_pnl", "shaped_expected_pnl"]
RewardBaseline = Literal["none", "flat_dealer"]
Risk = Literal["absolute", "covariance"]


class Environment(types.Section, frozen=True, kw_only=True):
    """The decision problem. All settings but `name`, `rows` and `reward_baseline` are for market_making only.

    The agent earns F = dPnL - r Risk(Q) dt in each interval of dt seconds, with Q the inventory in orders and F in mean
    half-spreads x order size.
    """

    # which environment
    name: Annotated[
        Name, about("A market on a tape (market_making), a model whose optimum is known, or an example environment.")
    ] = "market_making"
    rows: Annotated[types.Count, about("Copies of the environment that are stepped together.", "rows")] = 64

    # market
    quoted: Annotated[types.Texts, about("Symbols to quote; empty: all but the synthetic ones.")] = ()
    synthetic: Annotated[
        dict[str, str], about("For a symbol, that of its synthetic quotes, which prepare.py --synthetic wrote.")
    ] = msgspec.field(default_factory=dict)
    reference_price: Annotated[
        ReferencePrice, about("Price that quotes are counted from: mid, best bid and ask, or synthetic mid.")
    ] = "mid"

    # decisions
    clock: Annotated[
        Clock,
        about(
            "When decisions are due: after interval_s, at every interval_quotes-th quote, or after interval_s and "
            "whenever a best price changes."
        ),
    ] = "time"
    interval_s: Annotated[types.Positive, about("Time between two decisions.", "s")] = 1.0
    interval_quotes: Annotated[types.Count, about("Quotes between two decisions with clock events.", "quotes")] = 10
    window_s: Annotated[
        types.Positive, about("Length of a training episode; a shorter part of a session is one episode.", "s")
    ] = 600.0
    warmup_s: Annotated[
        types.NotNegative, about("Time before an episode in which only the features are updated.", "s")
    ] = 30.0
    random_inventory: Annotated[
        bool,
        about(
            "Whether a training episode begins with a random inventory inside the limits instead of flat "
            "(market_making): what a day of waiting leads to is then seen in episodes of minutes."
        ),
    ] = False
    liquidate: Annotated[
        bool, about("Whether an episode ends with all inventory sold at the market, at discount 0, or is truncated.")
    ] = False

    # actions
    action: Annotated[
        Action,
        about(
            "What the components are: shift of the mid and log half-spread, distances of ask and bid, or whole price "
            "steps of ask and bid behind the best ones, where a price that rests is easily kept."
        ),
    ] = "skew_spread"
    sizes: Annotated[
        bool, about("Whether two more components set the sizes: none at -1, one order at 0, two at 1.")
    ] = False
    distance_unit: Annotated[
        DistanceUnit,
        about(
            "Unit of distances: the mean half-spread on train, half of the current spread, or the volatility on train "
            "over interval_s."
        ),
    ] = "half_spread"
    skew_range: Annotated[types.Positive, about("Shift of the mid at action 1 (skew_spread).", "distance units")] = 4.0
    half_spread_range: Annotated[
        tuple[types.Positive, types.Positive],
        about("Half-spreads at actions -1 and 1 (skew_spread).", "distance units"),
    ] = (0.5, 8.0)
    offset_range: Annotated[
        tuple[float, float], about("Distances at actions -1 and 1 (offsets).", "distance units")
    ] = (0.0, 8.0)
    tick_range: Annotated[
        tuple[float, float],
        about("Price steps behind the best price of its side at actions -1 and 1 (ticks).", "price steps"),
    ] = (-1.0, 3.0)
    keep_ticks: Annotated[
        types.NotNegative,
        about(
            "How much farther than half a step from the wanted price one that rests may be to be kept (ticks).",
            "price steps",
        ),
    ] = 0.25
    residual_range: Annotated[
        types.NotNegative,
        about(
            "Largest residual (offsets): above 0, ask and bid distance are those of the reference policy at Q and -Q "
            "plus residual_range x action, in place of offset_range.",
            "distance units",
        ),
    ] = 0.0
    reference: Annotated[
        Reference,
        about(
            "Reference policy of residuals and rewards: the quote of dynamic programming over the inventory, or the "
            "optimal tick given spread and predicted drift (clients only; residuals are of the value of a fill)."
        ),
    ] = "inventory_dp"

    # observations
    features: Annotated[
        types.Texts, about("Names from tfmm.simulation.dealer.features.NAMES; empty: its DEFAULT.")
    ] = ()

    # rewards
    reward: Annotated[
        Reward,
        about(
            "What the agent learns from: realised profit; fills at their markout; expected fills (clients only; at "
            "gamma 0 less those of the reference policy); shaped: with the change of an inventory value function."
        ),
    ] = "realised_pnl"
    reward_baseline: Annotated[
        RewardBaseline,
        about(
            "What is subtracted from the training reward: nothing, or what a dealer without inventory earns with one "
            "constant distance on the same tape with the same clients (input-driven baseline; market_making, models)."
        ),
    ] = "none"
    baseline_distance: Annotated[
        types.NotNegative,
        about("Distance of that dealer's quotes from the mid; 0: the one that earns most on train.", "spreads"),
    ] = 0.0
    markout_s: Annotated[types.Positive, about("Time after a fill at which it is valued (markout).", "s")] = 10.0
    n_spread_states: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=12)],
        about("Spread states of the value function, cut at even quantiles of train; 1: the mean spread.", "states"),
    ] = 1

    # risk
    risk_aversion: Annotated[types.NotNegative, about("r of F, the price of risk.", "mean half-spreads/s")] = 0.01
    risk: Annotated[
        Risk, about("Risk(Q): sum of |Q| of the instruments, or (Q' Omega Q)^risk_power of all together.")
    ] = "absolute"
    risk_power: Annotated[types.Positive, about("Exponent of covariance risk.", "1")] = 0.5
    omega: Annotated[
        types.Matrix,
        about(
            "Omega of covariance risk, a row for each instrument; empty: of the profits of one order over 10 s on "
            "train, shrunk, with mean diagonal 1.",
            "1",
        ),
    ] = ()

    def check(self) -> None:
        """Raises ValueError where the values do not fit each other."""
        for name in ("half_spread_range", "offset_range", "tick_range"):
            low, high = getattr(self, name)
            if low >= high:
                raise ValueError(f"environment.{name} is [{low:g}, {high:g}], wanted the smaller first")
        if self.reward_baseline != "none" and self.name in _EXAMPLES:
            raise ValueError(
                f"environment.reward_baseline is {self.reward_baseline} with environment.name {self.name}, wanted none"
            )
        if self.random_inventory and self.name != "market_making":
            raise ValueError(
                f"environment.random_inventory is true with environment.name {self.name}, wanted market_making (a "
                "model has model.random_start)"
            )
        if self.residual_range and self.action != "offsets":
            raise ValueError(
                f"environment.residual_range is {self.residual_range:g} with {self.action}, wanted offsets"
            )
