"""Validation of a single environment: the mean return of episodes in a TFPyEnvironment, as in the notebook."""

import json

import numpy as np
import pytest

from tfmm.config import loading
from tfmm.environments import factory
from tfmm.training import collection, run_directory, trainer, validation

TREE = {
    "environment": {"name": "simple_model", "rows": 1},
    "model": {"window_steps": 20},
    "agent": {"actor_layers": [8], "critic_joint_layers": [8]},
    "collect": {"mode": "single", "initial_steps": 70, "steps_per_iteration": 2},
    "train": {"steps": 4, "batch_size": 16, "steps_per_iteration": 1, "log_interval": 4, "validation_interval": 2},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    config = loading.decode(TREE, "test")
    task = factory.open_task(config)
    run = run_directory.RunDirectory.create(tmp_path_factory.mktemp("runs") / "run", config, task.data_hash)
    return task, trainer.train(task, run).agent, run


def _episode(env, act):
    """Return and length of an episode, step by step."""
    time_step, total, steps = env.reset(), 0.0, 0
    while not time_step.is_last():
        time_step = env.step(act(time_step.observation[np.newaxis])[0])
        total, steps = total + float(time_step.reward), steps + 1
    return total, steps


def test_the_average_return_is_that_of_episodes_in_the_environment_itself(trained):
    task, agent, _ = trained
    env, again = (task.environment("validation", None, 5) for _ in range(2))
    got = validation.average_return(collection.tf_environment(env), agent.policy, 3)
    episodes = [_episode(again, collection.greedy(agent)) for _ in range(3)]
    assert [steps for _, steps in episodes] == [20, 20, 20]
    assert got == pytest.approx(np.mean([total for total, _ in episodes]), rel=1e-5)


def test_a_training_logs_it_beside_the_score_that_ranks_policies(trained):
    _, _, run = trained
    records = [json.loads(line) for line in run.metrics_path.read_text().splitlines()]
    scored = [one for one in records if "validation/average_return" in one]
    assert [one["step"] for one in scored] == [2, 4]
    assert all({"validation/ratio", "validation/max_gap"} <= one.keys() for one in scored)
    assert all(np.isfinite(one["validation/average_return"]) for one in scored)


def test_the_episodes_are_the_same_every_time(trained):
    """Policies are compared on the same paths."""
    task, agent, _ = trained
    env, returns = task.environment("validation", None, 5), []
    for _ in range(2):
        env.seed(7)
        returns.append(validation.average_return(collection.tf_environment(env), agent.policy, 2))
    assert returns[0] == returns[1]
