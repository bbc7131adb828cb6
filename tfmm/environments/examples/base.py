"""What the further systems share: B rows stepped together in NumPy, and the TF-Agents environment over them."""

import abc
import hashlib
from typing import ClassVar

import msgspec
import numpy as np
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

FIRST, MID, LAST = np.int32(0), np.int32(1), np.int32(2)


class System(abc.ABC):
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


class SystemEnvironment(py_environment.PyEnvironment):
    """A System as a TF-Agents environment: natively batched, or row 0 of a batch of one without the dimension.

    Only what ends for good has discount 0; an episode that is merely over is truncated.
    """

    def __init__(self, system, action_spec, single=False):
        super().__init__(handle_auto_reset=False)
        self._system, self._action_spec, self._single = system, action_spec, single
        self._observation_spec = array_spec.ArraySpec((system.observation.shape[1],), np.float32, "observation")

    @property
    def batched(self):
        return not self._single

    @property
    def batch_size(self):
        return None if self._single else len(self._system.step_type)

    @property
    def simulator(self):
        return self._system

    def observation_spec(self):
        return self._observation_spec

    def action_spec(self):
        return self._action_spec

    def seed(self, seed):
        self._system.seed(seed)

    def get_state(self):
        return self._system.get_state(), self._current_time_step

    def set_state(self, state):
        values, self._current_time_step = state
        self._system.set_state(values)

    def _reset(self):
        self._system.reset()
        return self._time_step()

    def _step(self, action):
        self._system.step(action[np.newaxis] if self._single else action)
        return self._time_step()

    def _time_step(self):
        one = self._system
        parts = (one.step_type, one.reward, one.discount, one.observation)
        return ts.TimeStep(*(part[0].copy() if self._single else part.copy() for part in parts))


class ExampleTask(abc.ABC):
    """The interface of environments.tape.task.TapeTask that training needs, without a tape.

    Attributes:
        config: Config. feature_names, action_names: of observation and action. reward_centre: none.
    """

    feature_names: tuple
    action_names: tuple
    reward_centre = 0.0
    instruments: ClassVar[tuple] = ()
    scales: ClassVar[tuple] = ()

    def __init__(self, config):
        self.config = config

    @property
    def settings(self):
        """The section of the system."""
        return getattr(self.config, self.config.environment.name)

    @property
    def data_hash(self):
        """SHA-256 of the section, in the place of a data set's hash."""
        return hashlib.sha256(msgspec.json.encode(self.settings)).hexdigest()

    @property
    def action_spec(self):
        return array_spec.BoundedArraySpec((len(self.action_names),), np.float32, -1.0, 1.0, "action")

    def environment(self, split, rows, seed):
        """A SystemEnvironment of B rows on a split; rows None: a single one."""
        return SystemEnvironment(self.system(split, rows or 1, seed), self.action_spec, single=rows is None)

    @abc.abstractmethod
    def system(self, split, rows, seed):
        """A System with B rows; where there is no data all splits are the same."""

    @abc.abstractmethod
    def score(self, act):
        """(record for metrics.jsonl, the number to compare policies by). act: observation (B, F) -> action (B, ...)."""


def play(one, act, steps, after=None):
    """Plays `steps` steps in every row of a System that was just reset; returns the (B,) float64 summed reward.

    Args:
        after: called with the system after every step.
    """
    total = np.zeros(len(one.step_type))
    for _ in range(steps):
        one.step(act(one.observation.copy()))
        total += one.reward
        if after is not None:
            after(one)
    return total
