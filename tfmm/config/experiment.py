"""Configuration: TOML files decoded into frozen structs; the structs hold the only defaults."""

from typing import Annotated

from tfmm.config import (
    agent as agent_lib,
    analytic,
    environment as environment_lib,
    evaluation as evaluation_lib,
    examples,
    market,
    training,
    types,
)

TAPE = "market_making"
"""Name of the environment on a tape."""
EXAMPLES = tuple(examples.SECTIONS)
"""Names of the example environments."""


class Config(types.Section, frozen=True, kw_only=True):
    """A whole experiment."""

    seed: Annotated[types.CountFrom0, types.about("Seed of everything random.", "1")] = 0
    data: market.Data = market.Data()
    clients: market.Clients = market.Clients()
    model: analytic.Model = analytic.Model()
    quote_target: examples.QuoteTarget = examples.QuoteTarget()
    zero_norm: examples.ZeroNorm = examples.ZeroNorm()
    daily_trading: examples.DailyTrading = examples.DailyTrading()
    rules: market.Rules = market.Rules()
    environment: environment_lib.Environment = environment_lib.Environment()
    agent: agent_lib.AnyAgent = agent_lib.Ddpg()
    collect: training.Collect = training.Collect()
    train: training.Train = training.Train()
    evaluation: evaluation_lib.Evaluation = evaluation_lib.Evaluation()

    def __post_init__(self) -> None:
        """Raises ValueError where sections do not fit each other."""
        self.data.check()
        self.clients.check()
        self.environment.check()
        examples.check({name: getattr(self, name) for name in examples.SECTIONS}, self.environment.name)
        self.agent.check(self.environment.name, self.collect.mode, self.train.steps_per_iteration)
        self._check_model()
        if self.collect.mode == "single" and self.environment.rows != 1:
            raise ValueError(f"collect.mode single has environment.rows {self.environment.rows}, wanted 1")
        self.train.check(self.environment.name, self.agent.name, self.collect.mode)

    def _check_model(self) -> None:
        """Section [model] and agent.reward_centre auto belong to model environments."""
        name = self.environment.name
        if name not in (TAPE, *EXAMPLES):
            self.model.check(name)
        elif self.model != analytic.Model():
            raise ValueError(f"section model is given with environment.name {name}, wanted a model's")
        elif self.agent.reward_centre == "auto":
            raise ValueError(f"agent.reward_centre is auto with environment.name {name}, wanted a number")
