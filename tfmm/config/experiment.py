"""Configuration: TOML files decoded into frozen structs; the structs hold the only defaults."""

import msgspec

from tfmm.config import (
    agent as agent_lib,
    analytic,
    environment as environment_lib,
    evaluation as evaluation_lib,
    examples,
    training,
)
from tfmm.config.market import Clients, CountOrNone, Data, Rules

TABLE_VALUES = 17
TAPE = "market_making"
SYSTEMS = tuple(examples.SECTIONS)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole experiment."""

    seed: CountOrNone = 0
    data: Data = Data()
    clients: Clients = Clients()
    model: analytic.Model = analytic.Model()
    quote_target: examples.QuoteTarget = examples.QuoteTarget()
    zero_norm: examples.ZeroNorm = examples.ZeroNorm()
    daily_trading: examples.DailyTrading = examples.DailyTrading()
    rules: Rules = Rules()
    environment: environment_lib.Environment = environment_lib.Environment()
    agent: agent_lib.Agent = agent_lib.Agent()
    collect: training.Collect = training.Collect()
    train: training.Train = training.Train()
    evaluation: evaluation_lib.Evaluation = evaluation_lib.Evaluation()

    def __post_init__(self):
        if (self.clients.curve == "table") != (len(self.clients.table) == TABLE_VALUES):
            raise ValueError(
                f"clients.table has {len(self.clients.table)} values with curve {self.clients.curve}, wanted "
                f"{TABLE_VALUES} with curve table"
            )
        if self.clients.curve != "table" and self.clients.table:
            raise ValueError(f"clients.table is given with curve {self.clients.curve}, wanted curve table")
        if abs(sum(self.data.fractions) - 1) > 1e-9:
            raise ValueError(f"data.fractions sum to {sum(self.data.fractions):g}, wanted 1")
        for name in ("half_spread_range", "offset_range"):
            low, high = getattr(self.environment, name)
            if low >= high:
                raise ValueError(f"environment.{name} is [{low:g}, {high:g}], wanted the smaller first")
        if self.environment.residual_range and self.environment.action != "offsets":
            raise ValueError(
                f"environment.residual_range is {self.environment.residual_range:g} with skew_spread, wanted offsets"
            )
        examples.check(self)
        self.agent.check(self)
        if self.environment.name not in (TAPE, *SYSTEMS):
            self.model.check(self.environment.name)
        elif self.model != analytic.Model():
            raise ValueError(f"section model is given with environment.name {self.environment.name}, wanted a model's")
        elif self.agent.reward_centre == "auto":
            raise ValueError(
                f"agent.reward_centre is auto with environment.name {self.environment.name}, wanted a number"
            )
        if self.collect.mode == "single" and self.environment.rows != 1:
            raise ValueError(f"collect.mode single has environment.rows {self.environment.rows}, wanted 1")
        self.train.check(self)
