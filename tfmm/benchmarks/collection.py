"""Speed of collecting transitions into Reverb, against the stock path of TF-Agents."""

from typing import Any

from tf_agents.agents import tf_agent
from tf_agents.drivers import py_driver
from tf_agents.environments import py_environment
from tf_agents.policies import py_policy
from tf_agents.specs import tensor_spec
from tf_agents.train.utils import train_utils

from tfmm.agents import factory as agents
from tfmm.benchmarks import timing
from tfmm.environments.tape.task import TapeTask
from tfmm.training import collection, exploration
from tfmm.training.replay import server

ROWS = 128
STEPS = 300
_CAPACITY, _TIMEOUT_S = 100_000, 60.0


class Collector:
    """An environment, an agent, a replay and a collect policy, as a training has them.

    Args:
        task: on the sample market. rows: of the batched environment; None: the stock path, a single environment that
            writes one item a step.
    """

    def __init__(self, task: TapeTask, rows: int | None) -> None:
        self.rows = rows
        self.env: py_environment.PyEnvironment = task.environment("train", rows, seed=0)
        time_step_spec = tensor_spec.from_spec(self.env.time_step_spec())
        action_spec = tensor_spec.from_spec(self.env.action_spec())
        step = train_utils.create_train_step()
        self.agent: tf_agent.TFAgent = agents.create(
            task.config.agent, time_step_spec, action_spec, step, task.config.train.steps
        )
        self.replay = server.Replay(self.agent.collect_data_spec, rows, _CAPACITY, timeout_s=_TIMEOUT_S)
        self._policy = self._collect_policy(task)

    def collect(self, steps: int = STEPS) -> None:
        """Collects `steps` steps of every row."""
        rows = self.rows or 1
        driver = py_driver.PyDriver(
            self.env, self._policy, [self.replay.writer], max_steps=steps * rows, end_episode_on_boundary=True
        )
        driver.run(self.env.reset(), self._policy.get_initial_state(rows))
        self.replay.writer.flush()

    def _collect_policy(self, task: Any) -> py_policy.PyPolicy:
        if self.rows is None:
            return collection.single_policy(self.agent)
        noise = exploration.create(task.config.agent, self.env.action_spec(), self.rows, seed=0)
        return collection.BatchPolicy(self.agent, self.env.time_step_spec(), self.env.action_spec(), self.rows, noise)


def run(task: TapeTask, repeats: int) -> dict[str, float]:
    """{"collect_transitions_per_s", "collect_vs_stock"}; repeats: of which the fastest counts."""
    stock = _rate(task, None, repeats)
    batched = _rate(task, ROWS, repeats)
    return {"collect_transitions_per_s": batched, "collect_vs_stock": batched / stock}


def _rate(task, rows, repeats):
    collector = Collector(task, rows)
    seconds = timing.best(collector.collect, repeats)
    collector.replay.close()
    return STEPS * (rows or 1) / seconds
