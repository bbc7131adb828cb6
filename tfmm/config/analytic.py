"""Section [model] of a configuration: the worlds whose optimum is known."""

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Unit = Annotated[float, msgspec.Meta(gt=0, le=1)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
TABLE_VALUES = 17


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The world of a model environment; distances are in market spreads from the mid, inventory in orders.

    step: dt. horizon: T of avellaneda_stoikov (a multiple of step), whose last step ends the episode for the agent
    too; 0: without end, cut into episodes of window_steps. random_start: episodes start at random inventory and time.
    rate: clients per unit of time and side. curve, k, middle, touch, table: whether one trades (tfmm.models.curves).
    distance_range: what the action bounds stand for. limit: of the inventory of each currency.
    risk: r of F = dPnL - r Risk dt with Risk = (Q' Omega Q)^risk_power; omega: a row for each currency.
    beta: discount by which policies are judged (1 with a horizon); the agent's own is agent.gamma.
    reward: `realised_pnl` counts the fills that were drawn, `expected_pnl` their expectation. mid_reward: the same for
    Q dS. mid: constant, or brownian with sigma; jump: of +/- jump_size at jump_rate; mean_reverting: with rate
    reversion. branching, decay: of Hawkes arrivals. spread_sigma, spread_reversion: log spread, an Ornstein-Uhlenbeck
    process. delay: a decision acts so many steps later.
    hedge_rate: most units a dealer_hedging dealer trades away per unit of time, at hedge_cost a unit plus
    hedge_impact x rate; what it trades moves the mid by hedge_permanent a unit. Its action is signed as a trade:
    above 0 it buys, below it sells, not at all
    while |action| <= hedge_deadband: a policy hits a band better than a point.
    """

    step: Positive = 1.0
    horizon: NotNegative = 0.0
    window_steps: Annotated[int, msgspec.Meta(ge=2)] = 100
    random_start: bool = True
    rate: Positive = 1.0
    curve: Literal["exponential", "power", "logistic", "table"] = "exponential"
    k: Positive = 1.0
    middle: float = 0.0
    touch: NotNegative = 0.5
    table: tuple[Annotated[float, msgspec.Meta(ge=0, le=1)], ...] = ()
    distance_range: tuple[NotNegative, Positive] = (0.0, 3.0)
    limit: Count = 10
    risk: NotNegative = 0.05
    risk_power: Positive = 0.5
    omega: tuple[tuple[float, ...], ...] = ((1.0,),)
    beta: Unit = 0.99
    reward: Literal["realised_pnl", "expected_pnl"] = "realised_pnl"
    mid_reward: Literal["realised_pnl", "expected_pnl"] = "realised_pnl"
    mid: Literal["constant", "brownian", "jump", "mean_reverting"] = "constant"
    sigma: NotNegative = 0.0
    jump_rate: NotNegative = 0.0
    jump_size: NotNegative = 0.0
    reversion: NotNegative = 0.0
    branching: Share = 0.0
    decay: Positive = 1.0
    spread_sigma: NotNegative = 0.0
    spread_reversion: Unit = 0.1
    delay: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    hedge_rate: NotNegative = 0.0
    hedge_cost: NotNegative = 0.0
    hedge_impact: NotNegative = 0.0
    hedge_permanent: NotNegative = 0.0
    hedge_deadband: Share = 0.1

    def check(self, name):
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
            ((self.horizon > 0) == (name == "avellaneda_stoikov"), "horizon", "above 0 with avellaneda_stoikov alone"),
            (abs(self.horizon / self.step - round(self.horizon / self.step)) < 1e-9, "horizon", "whole steps"),
            ((self.hedge_rate > 0) == (name == "dealer_hedging"), "hedge_rate", "above 0 with dealer_hedging alone"),
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
