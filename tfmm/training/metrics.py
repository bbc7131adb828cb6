"""Statistics of a training as PyMetrics: rewards, actions, inventory and fills between two log lines, losses, rates."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.environments import py_environment
from tf_agents.metrics import py_metric
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm.agents import factory as agents
from tfmm.arrays import Array, Bools, Floats

AT_BOUND = 0.99
"""An action component this far out counts as saturated."""
MOST_LOGGED = 16
"""Components of an action whose means are logged; of more, none."""


def record(metrics: Iterable[py_metric.PyMetric]) -> dict[str, float]:
    """{prefix/name: value} of metrics, which begin anew; the result of a metric is a number or {name: number}."""
    out = {}
    for metric in metrics:
        result = metric.result()
        named = result if isinstance(result, dict) else {metric.name: result}
        out.update({f"{metric.prefix}/{name}": value for name, value in named.items()})
        metric.reset()
    return out


class Reading(py_metric.PyMetric):
    """A number that a function returns when the metric is read."""

    def __init__(self, name: str, prefix: str, read: Callable[[], float]) -> None:
        super().__init__(name, prefix)
        self._read = read

    def result(self) -> float:
        return self._read()

    def reset(self) -> None:
        """Nothing: the number is that of the moment."""


class Losses(py_metric.PyMetric):
    """Losses of the newest train step, and train steps per second of the newest call of the learner."""

    def __init__(self) -> None:
        super().__init__("losses", "train")
        self._read: Callable[[], dict[str, float]] = dict

    def call(self, loss: tf_agent.LossInfo, steps_per_s: float) -> None:
        """Takes the loss of the last train step of a call, and the rate of the call."""
        # worked out when they are read: most are not
        self._read = lambda: {**agents.losses(loss), "steps_per_s": steps_per_s}

    def result(self) -> dict[str, float]:
        """{name: number}; {} before the first train step."""
        return self._read()

    def reset(self) -> None:
        """Forgets them."""
        self._read = dict


class UpdateToData(py_metric.PyMetric):
    """Train steps for each transition collected since `reset`.

    Args:
        train_step: the step variable.
        transitions: function that returns the number of transitions since the beginning of the run.
    """

    def __init__(self, train_step: tf.Variable, transitions: Callable[[], int]) -> None:
        super().__init__("update_to_data", "train")
        self._train_step, self._transitions = train_step, transitions
        self._reset_step, self._reset_transitions = 0, 0

    def result(self) -> dict[str, float]:
        """{} where nothing was collected."""
        steps = int(self._train_step.numpy()) - self._reset_step
        collected = self._transitions() - self._reset_transitions
        return {self.name: steps / collected} if collected > 0 else {}

    def reset(self) -> None:
        """Counts from now on."""
        self._reset_step, self._reset_transitions = int(self._train_step.numpy()), self._transitions()


class Collected(py_metric.PyStepMetric):
    """Observer of a PyDriver: means over the steps since `reset`.

    One metric for all of them, as a pass over a batched step for each would cost more than the environment.

    Args:
        env: its `simulator`, where it has one of market making or of a model, gives inventory and fills.

    Attributes:
        transitions: inside an episode, since the beginning of the run; `reset` does not touch it.
    """

    def __init__(self, env: py_environment.PyEnvironment) -> None:
        super().__init__("collected", "collect")
        self.transitions = 0
        sim = getattr(env, "simulator", None)
        self._inventory: _Inventory | None = None
        if hasattr(sim, "instruments"):
            self._inventory = _Quoted(sim)
        elif "inventory" in (getattr(getattr(sim, "rows", None), "dtype", np.dtype(int)).names or ()):
            self._inventory = _Inventory(sim)
        spec = env.action_spec()
        self._continuous = not np.issubdtype(spec.dtype, np.integer)
        width = int(np.prod(spec.shape))
        self._logged = width if width <= MOST_LOGGED else 0
        self._returns: Floats | None = None
        self.reset()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sums, in order."""
        out = ["steps", "reward", "episodes", "episode_return"]
        if self._continuous:
            out.append("action_at_bound")
        for index in range(self._logged):
            out += [f"action_{index}", f"action_{index}_square"]
        return (*out, *(self._inventory.names if self._inventory is not None else ()))

    def reset(self) -> None:
        """Begins all sums anew."""
        self._steps = self._episodes = 0
        self._reward = self._episode_return = self._action_at_bound = 0.0
        self._action, self._square = np.zeros(self._logged), np.zeros(self._logged)
        if self._inventory is not None:
            self._inventory.clear()

    def call(self, step: trajectory.Trajectory) -> None:
        """Adds a step, of a batch or of a single environment; those between two episodes do not count."""
        inside = np.atleast_1d(step.step_type != ts.StepType.LAST)
        count = int(inside.sum())
        action = np.reshape(step.action, (len(inside), -1))[inside]
        self.transitions += count
        self._steps += count
        self._add_rewards(step, inside)
        if self._continuous:
            self._action_at_bound += float((np.abs(action) >= AT_BOUND).mean(axis=1).sum())
        if self._logged:
            self._action += action.sum(axis=0, dtype=np.float64)
            self._square += np.square(action, dtype=np.float64).sum(axis=0)
        if self._inventory is not None:
            self._inventory.add(inside)

    def _add_rewards(self, step: trajectory.Trajectory, inside: Bools) -> None:
        reward = step.reward if np.ndim(step.reward) < 2 else step.reward[:, 0]
        reward = np.where(inside, reward, 0.0)
        self._reward += float(reward.sum())
        if self._returns is None:
            self._returns = np.full(len(inside), np.nan)
        # an episode that was under way before the first step seen here has no return: NaN until the next begins
        self._returns[np.atleast_1d(step.step_type == ts.StepType.FIRST)] = 0.0
        self._returns += reward
        ended = inside & np.atleast_1d(step.next_step_type == ts.StepType.LAST) & ~np.isnan(self._returns)
        self._episodes += int(ended.sum())
        self._episode_return += float(self._returns[ended].sum())

    def sums(self) -> Floats:
        """(len(names),) float64; those of several processes may be added."""
        out = [self._steps, self._reward, self._episodes, self._episode_return]
        if self._continuous:
            out.append(self._action_at_bound)
        for pair in zip(self._action, self._square, strict=True):
            out += pair
        return np.array([*out, *(self._inventory.sums() if self._inventory is not None else ())], np.float64)

    def result(self) -> dict[str, float]:
        """See `means`."""
        return means(self.names, self.sums())


def means(names: Sequence[str], sums: Floats) -> dict[str, float]:
    """{name: mean} of Collected.sums; empty where nothing was collected.

    Inventories are in orders, over instruments and rows; fills are per step and row; the return of an episode is its
    undiscounted sum of rewards.
    """
    left = dict(zip(names, sums.tolist(), strict=True))
    steps, episodes = left.pop("steps"), left.pop("episodes")
    if not steps:
        return {}
    out = {"reward_mean": left.pop("reward") / steps, "episodes": int(episodes)}
    returned = left.pop("episode_return")
    if episodes:
        out["episode_return_mean"] = returned / episodes
    if "action_at_bound" in left:
        out["action_at_bound_share"] = left.pop("action_at_bound") / steps
    for name in [name for name in left if name.endswith("_square")]:
        action = name.removesuffix("_square")
        mean, square = left.pop(action) / steps, left.pop(name) / steps
        out[f"{action}_mean"] = mean
        out[f"{action}_stddev"] = max(square - mean**2, 0.0) ** 0.5
    return {**out, **{name: value / steps for name, value in left.items()}}


class _Inventory:
    """Inventory of models (environments.analytic.kernel.AnalyticSimulator)."""

    names: tuple[str, ...] = ("inventory_mean", "inventory_abs_mean")

    def __init__(self, sim: Any) -> None:
        self._sim = sim

    def clear(self) -> None:
        self._signed, self._size = 0.0, 0.0

    def _inventory(self) -> Array:
        return self._sim.rows["inventory"][:, : self._sim._parameters.currencies]

    def add(self, inside: Bools) -> None:
        inventory = self._inventory()[inside]
        self._signed += float(inventory.mean(axis=1).sum())
        self._size += float(np.abs(inventory).mean(axis=1).sum())

    def sums(self) -> list[float]:
        return [self._signed, self._size]


class _Quoted(_Inventory):
    """Inventory, fills and sides refused for a limit, of market making (simulation.simulator.Simulator)."""

    names = (*_Inventory.names, "fills_per_step", "refused_per_step")
    _COUNTS = ("n_fills", "n_refused")

    def __init__(self, sim: Any) -> None:
        super().__init__(sim)
        self._order = sim.parameters["order_lot"].astype(np.float64)
        self._before = {name: sim.instruments[name].copy() for name in self._COUNTS}

    def clear(self) -> None:
        super().clear()
        self._counted = dict.fromkeys(self._COUNTS, 0)

    def _inventory(self) -> Array:
        return self._sim.instruments["inventory_lot"] / self._order

    def add(self, inside: Bools) -> None:
        super().add(inside)
        for name in self._COUNTS:
            now = self._sim.instruments[name].copy()
            # inside a window counts only grow
            self._counted[name] += int((now - self._before[name])[inside].sum())
            self._before[name] = now

    def sums(self) -> list[float]:
        return [*super().sums(), *self._counted.values()]
