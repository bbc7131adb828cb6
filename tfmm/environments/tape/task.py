"""The task of market making on a tape: a store, split by time, and what is fitted on train."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfmm import errors
from tfmm.arrays import Floats32, Ints, Records
from tfmm.calibration import drift, reference_quote, scales as scales_lib
from tfmm.calibration.scales import Scales
from tfmm.config.experiment import Config
from tfmm.environments import reflection as reflection_lib, task as task_lib
from tfmm.environments.tape import (
    costs as costs_lib,
    fill_outcomes,
    instruments as instruments_lib,
    parameters as parameters_lib,
    simulators,
    specs as specs_lib,
)
from tfmm.market import splits, store as store_lib
from tfmm.market.schema import Instrument
from tfmm.market.splits import Segment
from tfmm.simulation import rollout
from tfmm.simulation.dealer import features, quoting
from tfmm.simulation.exchange.rules import FillRules
from tfmm.simulation.rewards import kinds
from tfmm.simulation.simulator import Simulator

if TYPE_CHECKING:  # evaluation has no need of TensorFlow
    from tf_agents.specs import array_spec

    from tfmm.environments import batched


@dataclasses.dataclass(frozen=True, eq=False)
class TapeTask:
    """Market making on N instruments of a store, see task.Task. Everything fitted is fitted on train alone.

    Attributes:
        config: the configuration. store: the data. segments: {"train", "validation", "test"}: segments of sessions.
        scales: one for each instrument. parameters: (N,) state.PARAMETERS of the configuration.
        reward_scale: one reward unit, tick x lot of the first instrument.
        risk: the price of inventory.
        specs: of observations and actions.
    """

    config: Config
    store: store_lib.Store
    segments: Mapping[str, Sequence[Segment]]
    scales: tuple[Scales, ...]
    parameters: Records
    reward_scale: float
    risk: kinds.Risk
    specs: specs_lib.Specs
    reward_centre: ClassVar[float] = 0.0

    @classmethod
    def create(cls, config: Config) -> "TapeTask":
        """Opens the store, splits it and fits on train what the configuration needs.

        Raises:
            ConfigError, DataError: see config, store, splits and calibration.
        """
        if not config.data.store:
            raise errors.ConfigError(
                "data.store is empty, wanted the folder that prepare.py wrote (--set data.store=DIR)"
            )
        store = store_lib.Store.open(config.data.store)
        segments, instruments = splits.split(store, config.data), store.instruments
        quoted = instruments_lib.quoted(config.environment, instruments)
        scales = scales_lib.calibrate(store.events, instruments, segments["train"], config.rules.order_size, quoted)
        parameters = parameters_lib.build_parameters(config, instruments, scales)
        reward_scale = scales_lib.reward_scale([scales[n] for n in quoted], parameters["weight"][quoted])
        risk = costs_lib.inventory_risk(config, store, segments["train"], scales, parameters, reward_scale)
        out = cls(
            config=config,
            store=store,
            segments=segments,
            scales=scales,
            parameters=parameters_lib.build_parameters(config, instruments, scales, risk),
            reward_scale=reward_scale,
            risk=risk,
            specs=specs_lib.create(config, instruments),
        )
        if "drift" in config.environment.features:
            out = out._with_scales(drift.fit(out))
        return out._with_scales(reference_quote.fit(out)) if config.environment.residual_range else out

    @classmethod
    def open(cls, config: Config) -> "TapeTask":
        """`create` for a training: the data are verified, and train and validation have a window.

        Raises:
            ConfigError, DataError: see create, Store.verify, windows and reflection.
        """
        out = cls.create(config)
        out.store.verify()
        instruments_lib.check_trades(config, out.store, out.segments["train"])
        if config.train.reflect:
            _ = out.reflection
        _ = out.observation_per_order
        for part in ("train", "validation"):
            out.windows(out.segments[part])
        return out

    def in_scenario(self, config: Config) -> "TapeTask":
        """The same scales, fits and units in another scenario: fill rules, clients, fees or store of `config`.

        Raises:
            ConfigError, DataError: see `create`; or the store has other instruments.
        """
        store = store_lib.Store.open(config.data.store)
        return dataclasses.replace(
            self,
            config=config,
            store=store,
            segments=splits.split(store, config.data),
            parameters=parameters_lib.build_parameters(config, store.instruments, self.scales, self.risk),
        )

    def _with_scales(self, scales: tuple[Scales, ...]) -> "TapeTask":
        parameters = parameters_lib.build_parameters(self.config, self.instruments, scales, self.risk)
        return dataclasses.replace(self, scales=scales, parameters=parameters)

    def environment(self, split: str, rows: int | None, seed: int) -> "batched.BatchedEnvironment":
        """See task.Task: random windows of a split; the rewards of the others are the realised P&L."""
        from tfmm.environments import batched

        create = self.training_simulator if split == "train" else self.backtest_simulator
        sim = create(self.segments[split], rows or 1, seed)
        with_outcomes = split == "train" and rows is not None and self.observation_per_order is not None
        rewards = fill_outcomes.rewards if with_outcomes else None
        return batched.BatchedEnvironment(sim, self.action_spec, self.specs.columns, rows is None, rewards)

    def score(self, act: task_lib.Policy) -> task_lib.Score:
        """Objective per hour of all of validation, in consecutive windows, with realised P&L."""
        segments = self.segments["validation"]
        windows = self.windows(segments, self.config.environment.window_s)
        sim = self.backtest_simulator(segments, len(windows), windows=windows)
        total = float(rollout.run(sim, lambda now: act(self.observe(now))).sum())
        objective = total / (float((windows[:, 2] - windows[:, 1]).sum()) / 3.6e12)
        return {"validation/objective_per_hour": objective}, objective

    def training_simulator(
        self,
        segments: Sequence[Segment],
        rows: int,
        seed: int = 0,
        windows: Ints | None = None,
        distances: bool = False,
        record: bool = False,
    ) -> Simulator:
        """A simulator whose rewards are those of environment.reward; see simulators.training."""
        return simulators.training(self, simulators.Run(segments, rows, seed, windows, record), distances)

    def backtest_simulator(
        self,
        segments: Sequence[Segment],
        rows: int,
        seed: int = 0,
        windows: Ints | None = None,
        distances: bool = False,
        record: bool = False,
    ) -> Simulator:
        """A simulator whose rewards are the realised P&L; see simulators.backtest."""
        return simulators.backtest(self, simulators.Run(segments, rows, seed, windows, record), distances)

    def probe_simulator(self, segments: Sequence[Segment], windows: Ints, record: bool = False) -> Simulator:
        """A simulator of raw distances without inventory limits; see simulators.probe."""
        return simulators.probe(self, simulators.Run(segments, len(windows), 0, windows, record))

    def windows(self, segments: Sequence[Segment], window_s: float = 0.0) -> Ints:
        """(W, 3) int64 consecutive windows of the segments; window_s 0: one for each. ConfigError where none fits."""
        return simulators.windows(self.config.environment, segments, window_s)

    def observe(self, sim: Any) -> Floats32:
        """(B, F) float32 features that the agent observes, of a simulator's last step; a new array."""
        return sim.observation[:, self.specs.columns]

    @functools.cached_property
    def costs(self) -> costs_lib.Costs:
        """Money units, holding costs and hedges."""
        return costs_lib.Costs(self.config, self.instruments, self.scales, self.parameters)

    @property
    def fill_rules(self) -> FillRules:
        """Of section rules."""
        return parameters_lib.fill_rules(self.config)

    @property
    def has_drawn_fills(self) -> bool:
        """Whether fills depend on more than the tape and the quotes: clients, hedges, liquidation."""
        return self.config.clients.rate_s > 0 or self.config.rules.hedge != "none" or self.config.environment.liquidate

    @property
    def feature_names(self) -> tuple[str, ...]:
        """See task.Task."""
        return self.specs.feature_names

    @property
    def action_names(self) -> tuple[str, ...]:
        """See task.Task."""
        return self.specs.action_names

    @property
    def action_spec(self) -> "array_spec.BoundedArraySpec":
        """See task.Task."""
        return task_lib.continuous_spec(self.action_names)

    @property
    def action_meanings(self) -> dict[str, str]:
        """See task.Task: quoting.MEANINGS of each component."""
        return {name: quoting.MEANINGS[name.rpartition(".")[2]] for name in self.action_names}

    @property
    def reflection(self) -> reflection_lib.Reflection:
        """See task.Task: of a market. ConfigError: see reflection.of_market."""
        return reflection_lib.of_market(self.feature_names, self.action_names)

    @functools.cached_property
    def observation_per_order(self) -> Floats32 | None:
        """See task.Task. ConfigError: see fill_outcomes.observation_per_order."""
        if getattr(self.config.agent, "td_target", "sampled") == "sampled":
            return None
        return fill_outcomes.observation_per_order(self.config, self.feature_names)

    @functools.cached_property
    def exogenous(self) -> Floats32 | None:
        """See task.Task: all but features.OWN."""
        if not getattr(self.config.agent, "relative_value", False):
            return None
        own = [name.rpartition(".")[2] in features.OWN for name in self.feature_names]
        return 1.0 - np.array(own, np.float32)

    @property
    def data_hash(self) -> str:
        """See task.Task: of the store."""
        return self.store.data_hash

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Of the store."""
        return self.store.instruments

    @property
    def price_steps(self) -> tuple[int, ...]:
        """Of each instrument in the store's last session, ticks; empty: one tick."""
        return self.store.sessions[-1].price_steps

    @property
    def rates(self) -> dict[int, int]:
        """See instruments.rates."""
        return instruments_lib.rates(self.config, self.instruments)

    @property
    def currency(self) -> str:
        """Name of the account currency."""
        return instruments_lib.currency(self.config, self.instruments)
