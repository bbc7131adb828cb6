"""TF-Agents' Learner, whose triggers can read the losses, and whose iterator can be ended."""

import time
from typing import Any

from tf_agents.agents import tf_agent
from tf_agents.train import learner

from tfmm.training import metrics, nan_guard


class Learner(learner.Learner):
    """A Learner that turns a loss that is not finite into Diverged, before any trigger.

    Args:
        guard: of the agent. losses: metric that gets the losses of every call. The rest as TF-Agents'.
    """

    def __init__(self, *args: Any, guard: nan_guard.Guard, losses: metrics.Losses, **kwargs: Any) -> None:
        self._guard, self._losses = guard, losses
        super().__init__(*args, **kwargs)

    def _train(self, iterations: Any, iterator: Any, parallel_iterations: int) -> tf_agent.LossInfo:
        began = time.perf_counter()
        with self._guard.watch():
            loss = super()._train(iterations, iterator, parallel_iterations)
        self._losses(loss, int(iterations) / (time.perf_counter() - began))
        return loss

    def close(self) -> None:
        """Ends the samplers of the iterator, which draw ahead as long as it exists, and the summary writer.

        To be done while the server runs: a sampler that opens late would wait 30 s for it, or find the next one on its
        port. One that waits for items ends within 3 s, when Reverb looks. A second time it does nothing.
        """
        if hasattr(self, "_experience_iterator"):
            del self._experience_iterator  # the Learner, a tf.Module, would keep track of it if it were set to None
            self.train_summary_writer.close()
