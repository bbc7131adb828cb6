"""Bring a vector to 0: a state s of 256 numbers in [-1, 1], to which the action is added, clipped to [-1, 1].

The reward is -||s||_2 of the new state; an episode terminates with ||s|| below `done_norm` and is truncated after
`max_steps`. It shows how an agent copes with an action of many components and a reward that depends on all of them.
"""

from typing import Any

import numpy as np

from tfmm.arrays import Floats, Ints
from tfmm.config import examples as settings_lib
from tfmm.environments import reflection as reflection_lib, task as task_lib
from tfmm.environments.examples import base

EPISODES, _SEED = 20, 7


class ZeroNormSimulator(base.ExampleSimulator):
    """The vectors.

    Attributes:
        state: (B, size) float64, U(-1, 1) at the start. norm: (B,) float64 ||s||.
    """

    arrays = ("state", "norm")

    def __init__(self, settings: settings_lib.ZeroNorm, rows: int, seed: int) -> None:
        self._settings = settings
        self.state, self.norm = np.zeros((rows, settings.size)), np.zeros(rows)
        super().__init__(rows, settings.size, seed)

    def _begin(self, rows):
        self.state[rows] = self._random.uniform(-1.0, 1.0, (len(rows), self._settings.size))
        self.norm[rows] = np.linalg.norm(self.state[rows], axis=1)

    def _advance(self, rows, actions):
        self.state[rows] = np.clip(self.state[rows] + np.clip(actions, -1.0, 1.0), -1.0, 1.0)
        self.norm[rows] = np.linalg.norm(self.state[rows], axis=1)
        terminated = self.norm[rows] < self._settings.done_norm
        return -self.norm[rows], terminated, self.count[rows] >= self._settings.max_steps

    def _observe(self):
        self.observation[...] = self.state


class ZeroNormTask(base.ExampleTask):
    """zero_norm of a configuration; all splits are the same."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(f"state_{n}" for n in range(self.settings.size))

    @property
    def action_names(self) -> tuple[str, ...]:
        return tuple(f"change_{n}" for n in range(self.settings.size))

    def simulator(self, split: str, rows: int, seed: int) -> ZeroNormSimulator:
        """See ExampleTask."""
        return ZeroNormSimulator(self.settings, rows, seed)

    @property
    def reflection(self) -> reflection_lib.Reflection:
        """See task.Task: each number is reflected by itself."""
        return reflection_lib.of_numbers(self.settings.size)

    def norms(self, act: task_lib.Policy, episodes: int, seed: int) -> tuple[Floats, Ints]:
        """||s|| along episodes of a policy.

        Args:
            act: observation (B, F) -> action (B, F).

        Returns:
            ((max_steps + 1, episodes) float64 at the start and after every step, constant after an episode's end;
            (episodes,) int64 steps until its end).
        """
        simulator = self.simulator("test", episodes, seed)
        simulator.reset()
        path, open_rows, lengths = [simulator.norm.copy()], np.ones(episodes, bool), np.zeros(episodes, np.int64)

        def remember(now: Any) -> None:
            path.append(np.where(open_rows, now.norm, path[-1]))
            lengths[open_rows] += 1
            open_rows[now.step_type == base.LAST] = False

        base.rollout(simulator, act, self.settings.max_steps, remember)
        return np.array(path), lengths

    def score(self, act: task_lib.Policy) -> task_lib.Score:
        """Minus the mean final ||s||."""
        final = float(self.norms(act, EPISODES, _SEED)[0][-1].mean())
        return {"validation/final_norm": final}, -final
