"""What this package adds to every agent of TF-Agents: a train step under guard, and what its critic thinks."""

from typing import Any, Protocol

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.trajectories import trajectory


class Guard(Protocol):
    """Looks at every train step from inside the graph."""

    def before_step(self, train_step: tf.Variable, experience: trajectory.Trajectory) -> None:
        """Called with the number of the last step and the batch of the one that begins."""

    def after_step(self, loss: tf_agent.LossInfo) -> None:
        """Called with the loss of the step."""


class GuardedAgent(tf_agent.TFAgent):
    """Mixin that stands before an agent of TF-Agents among the bases of a class.

    Attributes:
        guard: called around every train step; set it before `train` is traced.
    """

    guard: Guard | None = None

    def _train(self, experience: Any, weights: tf.Tensor | None = None) -> tf_agent.LossInfo:
        if self.guard is not None:
            self.guard.before_step(self.train_step_counter, experience)
        loss = super()._train(experience, weights)
        if self.guard is not None:
            self.guard.after_step(loss)
        return loss

    def values(self, observation: tf.Tensor) -> tf.Tensor:
        """Q(s, .) (B, A) float32 of a DQN, else the value (B,) of the state or of its greedy action.

        Args:
            observation: (B, F) float32.
        """
        raise NotImplementedError

    def policy_layers(self) -> list[tf.keras.layers.Layer]:
        """The layers of the greedy policy in order: raw observation -> action, or of a DQN the Q-values."""
        raise NotImplementedError
