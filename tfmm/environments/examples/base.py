"""What the example environments share: a simulator of B rows in NumPy, and its task."""

import abc
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np

from tfmm import errors
from tfmm.arrays import Array, Bools, Floats, Ints, put
from tfmm.calibration.scales import Scales
from tfmm.config.experiment import Config
from tfmm.environments import reflection as reflection_lib, task as task_lib
from tfmm.market.schema import Instrument

if TYPE_CHECKING:  # evaluation has no need of TensorFlow
    from tf_agents.specs import array_spec

    from tfmm.environments import batched

FIRST, MID, LAST = np.int32(0), np.int32(1), np.int32(2)


class ExampleSimulator(abc.ABC):
    """B independent episodes; a row whose episode is over starts a new one at the next step.

    Attributes:
        observation: (B, F) float32. reward, discount: (B,) float32. step_type: (B,) int32.
        count: (B,) int64, steps of the episode so far.
    """

    arrays: ClassVar[tuple[str, ...]] = ()
    """Names of the subclass's own arrays, which `get_state` must keep."""

    def __init__(self, rows: int, features: int, seed: int) -> None:
        self.observation = np.zeros((rows, features), np.float32)
        self.reward, self.discount = np.zeros(rows, np.float32), np.ones(rows, np.float32)
        self.step_type = np.full(rows, LAST)
        self.count = np.zeros(rows, np.int64)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Restarts the random stream that all rows share."""
        self._random = np.random.default_rng(seed)

    def reset(self) -> None:
        """Starts a new episode in every row."""
        self.step_type[:] = LAST
        self.step(np.zeros(0))

    def stagger(self) -> None:  # noqa: B027 - no example environment has anything to shorten
        """Does nothing: episodes are short, and rows need not end at different times."""

    def step(self, actions: Array) -> None:
        """Advances every row by one step. actions: (B, ...), ignored where an episode starts."""
        starting, running = np.flatnonzero(self.step_type == LAST), np.flatnonzero(self.step_type != LAST)
        if len(starting):
            self.reward[starting], self.discount[starting], self.step_type[starting] = 0.0, 1.0, FIRST
            self.count[starting] = 0
            self._begin(starting)
        if len(running):
            self.count[running] += 1
            self.reward[running], terminated, truncated = self._advance(running, np.asarray(actions)[running])
            self.discount[running] = np.where(terminated, 0.0, 1.0)
            self.step_type[running] = np.where(terminated | truncated, LAST, MID)
        self._observe()

    def get_state(self) -> Any:
        """A copy of everything that changes; `set_state` continues exactly from here."""
        names = ("observation", "reward", "discount", "step_type", "count", *self.arrays)
        return {name: getattr(self, name).copy() for name in names}, self._random.bit_generator.state

    def set_state(self, state: Any) -> None:
        """Continues exactly where `get_state` was called."""
        values, self._random.bit_generator.state = state
        for name, value in values.items():
            put(getattr(self, name), value, name)

    @abc.abstractmethod
    def _begin(self, rows: Ints) -> None:
        """Starts an episode in rows, an array of indices."""

    @abc.abstractmethod
    def _advance(self, rows: Ints, actions: Array) -> tuple[Floats, Bools, Bools]:
        """Applies one step to rows; returns (reward, terminated, truncated), each (len(rows),)."""

    @abc.abstractmethod
    def _observe(self) -> None:
        """Writes self.observation."""


class ExampleTask(abc.ABC):
    """An example environment as a task, see task.Task.

    Attributes:
        config: the configuration. feature_names, action_names: components of an observation and an action.
    """

    reward_centre = 0.0
    observation_per_order = None
    exogenous = None
    instruments: ClassVar[tuple[Instrument, ...]] = ()
    scales: ClassVar[tuple[Scales, ...]] = ()
    action_meanings: ClassVar[Mapping[str, str]] = {}

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    @abc.abstractmethod
    def feature_names(self) -> tuple[str, ...]:
        """See task.Task."""

    @property
    @abc.abstractmethod
    def action_names(self) -> tuple[str, ...]:
        """See task.Task."""

    @property
    def settings(self) -> Any:
        """The section of the configuration that is named like the environment."""
        return getattr(self.config, self.config.environment.name)

    @property
    def data_hash(self) -> str:
        """SHA-256 of the section, which stands in the place of data."""
        return hashlib.sha256(msgspec.json.encode(self.settings)).hexdigest()

    @property
    def action_spec(self) -> "array_spec.BoundedArraySpec":
        """See task.Task."""
        return task_lib.continuous_spec(self.action_names)

    @property
    def reflection(self) -> reflection_lib.Reflection:
        """Raises ConfigError where an example environment has none."""
        name = self.config.environment.name
        raise errors.ConfigError(f"train.reflect is true, but {name} has no reflection, wanted false")

    def environment(self, split: str, rows: int | None, seed: int) -> "batched.BatchedEnvironment":
        """See task.Task."""
        from tfmm.environments import batched

        return batched.BatchedEnvironment(self.simulator(split, rows or 1, seed), self.action_spec, single=rows is None)

    @abc.abstractmethod
    def simulator(self, split: str, rows: int, seed: int) -> ExampleSimulator:
        """A simulator with B rows; without data all splits are the same."""

    @abc.abstractmethod
    def score(self, act: task_lib.Policy) -> task_lib.Score:
        """See task.Task."""


def rollout(
    simulator: ExampleSimulator,
    act: task_lib.Policy,
    steps: int,
    after: Callable[[Any], None] | None = None,
) -> Floats:
    """Steps a simulator that was just reset `steps` times.

    Args:
        after: called with the simulator after every step.

    Returns:
        (B,) float64 sum of rewards.
    """
    total = np.zeros(len(simulator.step_type))
    for _ in range(steps):
        simulator.step(act(simulator.observation.copy()))
        total += simulator.reward
        if after is not None:
            after(simulator)
    return total
