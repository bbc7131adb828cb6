"""What the example environments share: a simulator of B rows in NumPy, and its task."""

import abc
import hashlib
from typing import ClassVar

import msgspec
import numpy as np

from tfmm import errors
from tfmm.environments import batched, task as task_lib

FIRST, MID, LAST = np.int32(0), np.int32(1), np.int32(2)


class ExampleSimulator(abc.ABC):
    """B independent episodes; a row whose episode is over begins anew at the next step.

    Attributes:
        observation: (B, F) float32. reward, discount: (B,) float32. step_type: (B,) int32.
        count: (B,) int64, steps of the episode so far.
    """

    arrays: ClassVar[tuple] = ()
    """Names of the subclass's own arrays, what `get_state` must keep."""

    def __init__(self, rows, features, seed):
        self.observation = np.zeros((rows, features), np.float32)
        self.reward, self.discount = np.zeros(rows, np.float32), np.ones(rows, np.float32)
        self.step_type = np.full(rows, LAST)
        self.count = np.zeros(rows, np.int64)
        self.seed(seed)

    def seed(self, seed):
        """Starts the random stream that all rows share anew."""
        self._random = np.random.default_rng(seed)

    def reset(self):
        """Begins a new episode in every row."""
        self.step_type[:] = LAST
        self.step(None)

    def stagger(self):  # noqa: B027 - most example environments have nothing to shorten
        """Does nothing: episodes are short, and rows need not end at different times."""

    def step(self, actions):
        """Advances every row by one step. actions: (B, ...), ignored where an episode begins."""
        begins, live = np.flatnonzero(self.step_type == LAST), np.flatnonzero(self.step_type != LAST)
        if len(begins):
            self.reward[begins], self.discount[begins], self.step_type[begins] = 0.0, 1.0, FIRST
            self.count[begins] = 0
            self._begin(begins)
        if len(live):
            self.count[live] += 1
            self.reward[live], ruined, over = self._live(live, np.asarray(actions)[live])
            self.discount[live] = np.where(ruined, 0.0, 1.0)
            self.step_type[live] = np.where(ruined | over, LAST, MID)
        self._observe()

    def get_state(self):
        """A copy of all that changes; `set_state` goes on exactly from here."""
        names = ("observation", "reward", "discount", "step_type", "count", *self.arrays)
        return {name: getattr(self, name).copy() for name in names}, self._random.bit_generator.state

    def set_state(self, state):
        values, self._random.bit_generator.state = state
        for name, value in values.items():
            getattr(self, name)[...] = value

    @abc.abstractmethod
    def _begin(self, rows):
        """Puts rows, an array of indices, at the start of an episode."""

    @abc.abstractmethod
    def _live(self, rows, actions):
        """Applies one step to rows; returns (reward, ended for good, merely over), each (len(rows),)."""

    @abc.abstractmethod
    def _observe(self):
        """Writes self.observation."""


class ExampleTask(abc.ABC):
    """The task of an example environment: see task.Task.

    Attributes:
        config: Config. feature_names, action_names: of observation and action. reward_centre: none.
    """

    feature_names: tuple
    action_names: tuple
    reward_centre = 0.0
    instruments: ClassVar[tuple] = ()
    scales: ClassVar[tuple] = ()
    action_meanings: ClassVar[dict] = {}

    def __init__(self, config):
        self.config = config

    @property
    def settings(self):
        """The section of the example environment."""
        return getattr(self.config, self.config.environment.name)

    @property
    def data_hash(self):
        """SHA-256 of the section, in the place of a data set's hash."""
        return hashlib.sha256(msgspec.json.encode(self.settings)).hexdigest()

    @property
    def action_spec(self):
        return task_lib.continuous_spec(self.action_names)

    def environment(self, split, rows, seed):
        """See task.Task."""
        return batched.BatchedEnvironment(self.simulator(split, rows or 1, seed), self.action_spec, single=rows is None)

    @property
    def reflection(self):
        name = self.config.environment.name
        raise errors.ConfigError(f"train.reflect is true, but {name} has no reflection, wanted false")

    @abc.abstractmethod
    def simulator(self, split, rows, seed):
        """An ExampleSimulator with B rows; where there is no data all splits are the same."""

    @abc.abstractmethod
    def score(self, act):
        """See task.Task."""


def play(one, act, steps, after=None):
    """Steps an ExampleSimulator that was just reset `steps` times; returns the (B,) float64 summed reward.

    Args:
        after: called with the simulator after every step.
    """
    total = np.zeros(len(one.step_type))
    for _ in range(steps):
        one.step(act(one.observation.copy()))
        total += one.reward
        if after is not None:
            after(one)
    return total
