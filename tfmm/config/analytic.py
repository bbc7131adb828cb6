"""Section [model] of a configuration: models whose optimum is known."""

from typing import Annotated, Literal

import msgspec

from tfmm.config import types
from tfmm.config.market import TABLE_VALUES, Curve
from tfmm.config.types import about

Reward = Literal["realised_pnl", "expected_pnl"]
Mid = Literal["constant", "brownian", "jump", "mean_reverting"]


class Model(types.Section, frozen=True, kw_only=True):
    """The market of a model environment: distances in market spreads from the mid, inventory Q in orders, time in units
    of its own.

    The dealer earns F = dPnL - r Risk(Q) dt in each step dt, with Risk(Q) = (Q' Omega Q)^risk_power.
    """

    # time
    step: Annotated[types.Positive, about("dt, the time between two decisions.", "time units")] = 1.0
    horizon: Annotated[
        types.NotNegative,
        about("T, a multiple of step, at which an episode ends at discount 0 (avellaneda_stoikov).", "time units"),
    ] = 0.0
    window_steps: Annotated[types.CountFrom2, about("Length of a truncated episode without a horizon.", "steps")] = 100
    random_start: Annotated[bool, about("Whether episodes start at a random inventory and time.")] = True

    # clients
    rate: Annotated[types.Positive, about("Arrivals of clients on each side.", "1/time unit")] = 1.0
    curve: Annotated[Curve, about("Shape of the fill curve (tfmm.models.curves).")] = "exponential"
    k: Annotated[types.Positive, about("Steepness of the fill curve.", "1/spreads")] = 1.0
    middle: Annotated[float, about("Distance beyond touch at which a logistic curve is at one half.", "spreads")] = 0.0
    touch: Annotated[types.NotNegative, about("Distance at which a fill curve begins.", "spreads")] = 0.5
    table: Annotated[
        tuple[types.Share, ...],
        about("Probabilities at distances -1, -0.75, ..., 3 beyond touch of a curve given as a table.", "1"),
    ] = ()

    # actions
    distance_range: Annotated[
        tuple[types.NotNegative, types.Positive], about("Distances from the mid at actions -1 and 1.", "spreads")
    ] = (0.0, 3.0)

    # inventory and risk
    limit: Annotated[types.Count, about("Largest inventory of each currency, long or short.", "orders")] = 10
    risk: Annotated[types.NotNegative, about("r of F, the price of risk.", "spreads/time unit")] = 0.05
    risk_power: Annotated[types.Positive, about("Exponent of Risk(Q).", "1")] = 0.5
    omega: Annotated[types.Matrix, about("Omega of Risk(Q), a row for each currency.", "1")] = ((1.0,),)

    # rewards
    beta: Annotated[
        types.ShareAbove0,
        about("Discount of a step by which policies are judged, 1 with a horizon; agent.gamma is the agent's.", "1"),
    ] = 0.99
    reward: Annotated[Reward, about("Whether fills count as they are drawn or by their expectation.")] = "realised_pnl"
    mid_reward: Annotated[
        Reward, about("Whether the move of the mid under the inventory counts as it is drawn or by its expectation.")
    ] = "realised_pnl"

    # mid
    mid: Annotated[Mid, about("Process of the mid.")] = "constant"
    sigma: Annotated[types.NotNegative, about("Volatility of the mid.", "spreads/sqrt(time unit)")] = 0.0
    jump_rate: Annotated[types.NotNegative, about("Jumps of the mid.", "1/time unit")] = 0.0
    jump_size: Annotated[types.NotNegative, about("Size of a jump, up or down.", "spreads")] = 0.0
    reversion: Annotated[types.NotNegative, about("Rate of mean reversion.", "1/time unit")] = 0.0

    # clustered arrivals
    branching: Annotated[
        types.ShareBelow1, about("Share of arrivals that earlier ones caused (Hawkes); 0: Poisson.", "1")
    ] = 0.0
    decay: Annotated[types.Positive, about("Rate at which the excitation by an arrival decays.", "1/time unit")] = 1.0

    # spread: its log is an Ornstein-Uhlenbeck process
    spread_sigma: Annotated[types.NotNegative, about("Volatility of the log spread.", "1/sqrt(step)")] = 0.0
    spread_reversion: Annotated[types.ShareAbove0, about("Rate of mean reversion of the log spread.", "1/step")] = 0.1

    # latency
    delay: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=100)], about("Steps after which a decision takes effect.", "steps")
    ] = 0

    # hedging (dealer_hedging): an action above 0 buys, below 0 sells
    hedge_rate: Annotated[types.NotNegative, about("Fastest hedge at the market.", "orders/time unit")] = 0.0
    hedge_cost: Annotated[types.NotNegative, about("Cost of a hedge.", "spreads/order")] = 0.0
    hedge_impact: Annotated[types.NotNegative, about("Further cost for each unit of hedge rate.", "spreads/order")] = (
        0.0
    )
    hedge_permanent: Annotated[types.NotNegative, about("Move of the mid by a hedge.", "spreads/order")] = 0.0
    hedge_deadband: Annotated[
        types.ShareBelow1,
        about("Largest |action| that hedges nothing, since a policy hits a band better than a point.", "1"),
    ] = 0.1

    def check(self, name: str) -> None:
        """Raises ValueError where the values do not fit each other or the environment's name."""
        wanted = (
            (self.distance_range[0] < self.distance_range[1], "distance_range", "the smaller first"),
            (
                (self.curve == "table") == (len(self.table) == TABLE_VALUES),
                "table",
                f"{TABLE_VALUES} values with curve table",
            ),
            (self.curve == "table" or not self.table, "table", "none without curve table"),
            (self.rate * self.step <= 1, "rate", "rate x step of at most 1"),
            (len(self.omega) in (1, 2), "omega", "one row or two"),
            (all(len(row) == len(self.omega) for row in self.omega), "omega", "as many columns as rows"),
            ((self.horizon > 0) == (name == "avellaneda_stoikov"), "horizon", "above 0 with avellaneda_stoikov only"),
            (abs(self.horizon / self.step - round(self.horizon / self.step)) < 1e-9, "horizon", "whole steps"),
            ((self.hedge_rate > 0) == (name == "dealer_hedging"), "hedge_rate", "above 0 with dealer_hedging only"),
            (self.hedge_rate * self.step <= 1, "hedge_rate", "hedge_rate x step of at most 1"),
            (len(self.omega) == 1 or name == "simple_model", "omega", f"one row with {name}"),
            (
                name != "avellaneda_stoikov" or (self.curve, self.touch, self.risk_power) == ("exponential", 0, 1),
                "curve",
                "exponential with touch 0 and risk_power 1 with a horizon",
            ),
            ((self.beta == 1) == (self.horizon > 0), "beta", "1 with a horizon, below 1 without"),
        )
        for fits, key, text in wanted:
            if not fits:
                raise ValueError(f"model.{key} is {getattr(self, key)}, wanted {text}")
