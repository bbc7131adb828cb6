"""The task of section [model]: an analytic model without market data."""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import msgspec
import numpy as np

from tfmm import errors
from tfmm.arrays import Floats32
from tfmm.calibration.scales import Scales
from tfmm.config.experiment import Config
from tfmm.environments import reflection as reflection_lib, task as task_lib
from tfmm.environments.analytic import exact, kernel, parameters as parameters_lib, quotes
from tfmm.market.schema import Instrument

if TYPE_CHECKING:  # evaluation has no need of TensorFlow
    from tf_agents.specs import array_spec

    from tfmm.environments import batched

_PATHS, _SEED = 256, 7  # of a score by simulation


@dataclasses.dataclass(frozen=True, eq=False)
class AnalyticTask:
    """An analytic model as a task, see task.Task.

    Attributes:
        config: whose section model it is. exact: the exact evaluation of policies; None where no optimum is known.
        feature_names, action_names: components of an observation and an action.
        reward_centre: the largest expected income of a step. parameters: of the simulator.
    """

    config: Config
    exact: exact.Exact | None
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    reward_centre: float
    parameters: parameters_lib.Parameters
    instruments: ClassVar[tuple[Instrument, ...]] = ()
    scales: ClassVar[tuple[Scales, ...]] = ()
    action_meanings: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def create(cls, config: Config) -> "AnalyticTask":
        """The task of section model."""
        settings = config.model
        return cls(
            config=config,
            exact=exact.create(settings),
            feature_names=_features(settings),
            action_names=_actions(settings),
            reward_centre=_most_profitable(settings)[1],
            parameters=parameters_lib.of(settings),
        )

    @functools.cached_property
    def observation_per_order(self) -> Floats32 | None:
        """See task.Task. ConfigError: fills are not known, or change more than the inventory of one currency."""
        if getattr(self.config.agent, "td_target", "sampled") == "sampled":
            return None
        model = self.config.model
        wanted = (
            (model.reward == "expected_pnl", f"model.reward is {model.reward}", "expected_pnl"),
            (len(model.omega) == 1, f"model.omega has {len(model.omega)} rows", "one"),
            (model.branching == 0, f"model.branching is {model.branching:g}", "0: arrivals tell of fills"),
            (model.hedge_rate == 0, f"model.hedge_rate is {model.hedge_rate:g}", "0"),
        )
        for fits, found, text in wanted:
            if not fits:
                raise errors.ConfigError(f"agent.td_target is expected_fills, but {found}, wanted {text}")
        return np.array([float(name == "inventory") / model.limit for name in self.feature_names], np.float32)

    @functools.cached_property
    def exogenous(self) -> Floats32 | None:
        """See task.Task: all but the inventories and the quotes on their way."""
        if not getattr(self.config.agent, "relative_value", False):
            return None
        own = [name.endswith("inventory") or "_in_" in name for name in self.feature_names]
        return 1.0 - np.array(own, np.float32)

    @property
    def data_hash(self) -> str:
        """SHA-256 of the model's settings, which stand in the place of data."""
        return hashlib.sha256(msgspec.json.encode(self.config.model)).hexdigest()

    @property
    def action_spec(self) -> "array_spec.BoundedArraySpec":
        return task_lib.continuous_spec(self.action_names)

    @property
    def reflection(self) -> reflection_lib.Reflection:
        """Raises ConfigError: an analytic model has none."""
        raise errors.ConfigError("train.reflect is true, but the models of section model have no reflection")

    def environment(self, split: str, rows: int | None, seed: int) -> "batched.BatchedEnvironment":
        """See task.Task: all splits are the same, but only rewards of train have a baseline subtracted."""
        from tfmm.environments import batched

        task = self.with_baseline() if split == "train" else self
        with_outcomes = split == "train" and rows is not None and self.observation_per_order is not None
        rewards = _fill_outcomes if with_outcomes else None
        sim = task.simulator(rows or 1, seed)
        return batched.BatchedEnvironment(sim, self.action_spec, single=rows is None, rewards=rewards)

    def with_baseline(self) -> "AnalyticTask":
        """The task whose rewards have environment.reward_baseline subtracted."""
        environment = self.config.environment
        if environment.reward_baseline == "none":
            return self
        curve = quotes.fill_curve(self.config.model)._replace(arrival_probability=1.0)
        distance = environment.baseline_distance or _most_profitable(self.config.model)[0]
        parameters = self.parameters._replace(
            baseline_distance=distance, baseline_fill_probability=float(curve(distance))
        )
        return dataclasses.replace(self, parameters=parameters)

    def score(self, act: task_lib.Policy) -> task_lib.Score:
        """Share of the optimal value less the largest gap; where no optimum is known simulated discounted reward."""
        if self.exact is None:
            value = self.discounted_reward(act, _PATHS, _SEED)[0]
            return {"validation/value": value}, value
        gap = self.exact.gap(act(self.exact.observations()))
        return {"validation/ratio": gap["ratio"], "validation/max_gap": gap["max_gap"]}, gap["ratio"] - gap["max_gap"]

    def simulator(self, rows: int, seed: int = 0) -> kernel.AnalyticSimulator:
        """A simulator with B rows."""
        curve = quotes.fill_curve(self.config.model)._replace(arrival_probability=1.0)
        return kernel.AnalyticSimulator(
            self.parameters,
            curve.record(),
            parameters_lib.risk_costs(self.config.model),
            rows,
            len(self.feature_names),
            len(self.action_names),
            seed,
        )

    def discounted_reward(self, act: task_lib.Policy, paths: int, seed: int) -> tuple[float, float]:
        """(mean, standard error) of the discounted reward of a policy over simulated paths without initial inventory.

        An endless model is cut off where its discount is below 1e-5.
        """
        beta = self.config.model.beta
        steps = self.parameters.horizon_steps or math.ceil(math.log(1e-5) / math.log(beta))
        parameters = self.parameters._replace(random_start=False, window_steps=steps)
        sim = dataclasses.replace(self, parameters=parameters).simulator(paths, seed)
        sim.reset()
        total, weight = np.zeros(paths), 1.0
        for _ in range(steps):
            sim.step(act(sim.observation.copy()))
            total += weight * sim.reward
            weight *= beta
        return float(total.mean()), float(total.std(ddof=1) / math.sqrt(paths))


def _fill_outcomes(simulator):
    """(B, 4) float32 batched_simulator.FILL_OUTCOMES of the last step of one currency."""
    rows = simulator.rows
    columns = simulator.reward, *rows["fill_probability"][:, :2].T, rows["inventory_change"][:, 0]
    return np.stack(columns, axis=1, dtype=np.float32, casting="unsafe")


def _most_profitable(settings):
    """(d, N 2 p(d) d) of the distance with the largest expected income of a step without risk aversion."""
    tried = np.linspace(0.0, settings.distance_range[1], 3001)
    gain = quotes.fill_curve(settings)(tried) * tried
    return float(tried[np.argmax(gain)]), float(len(settings.omega) * 2.0 * np.max(gain))


def _prefixes(settings):
    count = len(settings.omega)
    return [""] if count == 1 else [f"{n}." for n in range(count)]


def _actions(settings):
    names = tuple(prefix + name for prefix in _prefixes(settings) for name in ("ask_distance", "bid_distance"))
    return names + (("hedge",) if settings.hedge_rate else ())


def _features(settings):
    names = ["time_left"] if settings.horizon else []
    for prefix in _prefixes(settings):
        names.append(prefix + "inventory")
        if settings.mid == "mean_reverting":
            names.append(prefix + "mid_deviation")
        if settings.branching:
            names += [prefix + "ask_excess", prefix + "bid_excess"]
        if settings.spread_sigma:
            names.append(prefix + "log_spread")
    for age in range(settings.delay):
        names += [f"{name}_in_{age}" for name in _actions(settings)]
    return tuple(names)
