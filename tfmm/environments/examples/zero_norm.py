"""Bring a state to 0: 256 numbers in [-1, 1], an action of as many that is added, and the sum clipped to [-1, 1].

The reward is -||s||_2 of the new state; an episode ends for good with ||s|| below `done_norm`, and is over after
`max_steps`. It measures how an agent copes with an action of many components and a reward that mixes them all.
"""

import numpy as np

from tfmm.environments import reflection as reflection_lib
from tfmm.environments.examples import base

EPISODES, _SEED = 20, 7


class ZeroNormSimulator(base.ExampleSimulator):
    """Attributes: state: (B, size) float64, U(-1, 1) at the start. norm: (B,) of it."""

    arrays = ("state", "norm")

    def __init__(self, settings, rows, seed):
        self._settings = settings
        self.state, self.norm = np.zeros((rows, settings.size)), np.zeros(rows)
        super().__init__(rows, settings.size, seed)

    def _begin(self, rows):
        self.state[rows] = self._random.uniform(-1.0, 1.0, (len(rows), self._settings.size))
        self.norm[rows] = np.linalg.norm(self.state[rows], axis=1)

    def _live(self, rows, actions):
        self.state[rows] = np.clip(self.state[rows] + np.clip(actions, -1.0, 1.0), -1.0, 1.0)
        self.norm[rows] = np.linalg.norm(self.state[rows], axis=1)
        done = self.norm[rows] < self._settings.done_norm
        return -self.norm[rows], done, self.count[rows] >= self._settings.max_steps

    def _observe(self):
        self.observation[...] = self.state


class ZeroNormTask(base.ExampleTask):
    """zero_norm of a configuration."""

    @property
    def feature_names(self):
        return tuple(f"state_{n}" for n in range(self.settings.size))

    @property
    def action_names(self):
        return tuple(f"change_{n}" for n in range(self.settings.size))

    def simulator(self, split, rows, seed):
        return ZeroNormSimulator(self.settings, rows, seed)

    @property
    def reflection(self):
        """See task.Task: each number has its own."""
        return reflection_lib.of_numbers(self.settings.size)

    def norms(self, act, episodes, seed):
        """||s|| of episodes played with a policy.

        Args:
            act: observation (B, F) -> action (B, F).

        Returns:
            ((max_steps + 1, episodes) float64 at the start and after every step, an ended episode keeping its last;
            (episodes,) int64 steps until its end).
        """
        one = self.simulator("test", episodes, seed)
        one.reset()
        path, open_rows, lengths = [one.norm.copy()], np.ones(episodes, bool), np.zeros(episodes, np.int64)

        def remember(now):
            path.append(np.where(open_rows, now.norm, path[-1]))
            lengths[open_rows] += 1
            open_rows[now.step_type == base.LAST] = False

        base.play(one, act, self.settings.max_steps, remember)
        return np.array(path), lengths

    def score(self, act):
        """Mean final ||s||, negative so that larger is better."""
        final = float(self.norms(act, EPISODES, _SEED)[0][-1].mean())
        return {"validation/final_norm": final}, -final
