"""Every agent through the whole trainer on a small system: outputs, resume, and what its saved policy says."""

import itertools
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm import errors
from tfmm.agents import factory as agents, networks
from tfmm.config import agent as agent_lib, loading
from tfmm.environments import factory
from tfmm.evaluation.environments import examples
from tfmm.policies import saved
from tfmm.training import collection, run_directory, trainer


def _bars(path, first, count, seed):
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    text = "Timestamp,Open,High,Low,Close,Volume\n"
    for day, one in enumerate(close):
        text += f"{np.datetime64(first) + day},{one},{one * 1.01},{one * 0.99},{one},{rng.integers(1000, 9000)}\n"
    path.write_text(text)


def _tree(folder, name):
    tree = {
        "seed": 3,
        "environment": {"name": "quote_target", "rows": 4},
        "agent": {"name": name, "actor_layers": [8], "critic_joint_layers": [8], "activation": "leaky_relu"},
        "collect": {"initial_steps": 10, "steps_per_iteration": 4},
        "train": {"steps": 6, "steps_per_iteration": 1, "batch_size": 8, "log_interval": 3, "validation_interval": 3},
    }
    if name == "td3":
        tree["agent"] |= {"n_step": 3}
    if name == "reinforce":
        tree["quote_target"] = {"window_steps": 4, "action": "mid_spread"}
    if name == "dqn":
        del tree["agent"]["actor_layers"]
        _bars(folder / "train.csv", "2019-01-01", 200, 0)
        _bars(folder / "test.csv", "2019-08-01", 60, 1)
        tree["environment"]["name"] = "daily_trading"
        files = {"train": str(folder / "train.csv"), "test": str(folder / "test.csv")}
        tree["daily_trading"] = {**files, "window_bars": 5}
    return tree


@pytest.fixture(scope="module", params=["td3", "reinforce", "dqn"])
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    task = factory.open_task(loading.decode(_tree(folder, request.param), "test"))
    run = run_directory.RunDirectory.create(folder / "run", task.config, task.data_hash)
    return trainer.train(task, run), run, task


def test_a_run_logs_exports_and_is_evaluated(trained, tmp_path):
    job, run, task = trained
    records = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    logged = [one for one in records if "train/loss" in one]
    assert [one["step"] for one in logged] == [3, 6]
    assert all(np.isfinite(value) for one in records for value in one.values())
    assert {"train/q_mean", "collect/reward_mean"} <= set(logged[0])
    assert any(key.startswith("validation/") for one in records for key in one)
    policy = saved.Policy.load(run.path)
    seen = task.environment("train", 4, 1).reset().observation
    np.testing.assert_allclose(policy(seen), collection.greedy(job.agent)(seen), atol=1e-6)
    outcome = examples.evaluate(policy)
    path = examples.write(pathlib.Path(tmp_path), outcome)
    tree = json.loads(path.read_text())
    assert set(tree) >= {"policy", "data", "rules", "results", "comparison", "verdict"}
    assert task.config.agent.name in tree["results"]
    assert {one["baseline"] for one in tree["comparison"]} == set(tree["results"]) - {task.config.agent.name}
    assert len(list((tmp_path / "figures").glob("*.png"))) == len(outcome.found.figures)


def test_a_checkpoint_restores_the_agent_and_its_exploration(trained):
    job, run, task = trained
    ready = []

    def note(again):
        ready.append(int(again.train_step.numpy()))
        ready.append([one.numpy() for one in again.agent.policy.variables()])
        ready.append(again.collected.transitions)

    trainer.train(task, run_directory.RunDirectory(run.path), on_ready=note)
    step, variables, transitions = ready
    assert step == 6
    for one, other in zip(job.agent.policy.variables(), variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other)
    assert job.collected.transitions == transitions > 0


def test_q_values_of_a_saved_policy_are_those_worked_from_its_weights(trained):
    """Q = W2 max(x, .2 x) + b2 with x = W1 z + b1, z the normalised observation."""
    job, run, task = trained
    policy = saved.Policy.load(run.path)
    seen = task.environment("train", 4, 1).reset().observation
    if task.config.agent.name != "dqn":
        with pytest.raises(errors.DataError, match="its actions are continuous"):
            policy.q_values(seen)
        return
    net = job.agent._q_network
    first, last = (one for one in net.submodules if isinstance(one, tf.keras.layers.Dense))
    z = np.clip((seen - net.normaliser.mean.numpy()) / net.normaliser.stddev.numpy(), -10, 10)
    x = z @ first.kernel.numpy() + first.bias.numpy()
    x = np.where(x > 0, x, 0.2 * x) @ last.kernel.numpy() + last.bias.numpy()
    np.testing.assert_allclose(policy.q_values(seen), x, atol=1e-5)
    np.testing.assert_array_equal(policy(seen), x.argmax(axis=1))
    assert tf.as_dtype(policy(seen).dtype).is_integer


def test_reinforce_needs_the_end_of_an_episode_in_every_block(tmp_path):
    tree = loading.decode({**_tree(tmp_path, "reinforce"), "quote_target": {"window_steps": 50}}, "test")
    task = factory.open_task(tree)
    run = run_directory.RunDirectory.create(tmp_path / "run", tree, task.data_hash)
    with pytest.raises(errors.ConfigError, match="4 steps of each row held no end of an episode"):
        trainer.train(task, run)


def _small_agent(settings):
    """(agent, batch of 16 transitions) with three observations and two actions."""
    observation, action = tf.TensorSpec([3], tf.float32), tensor_spec.BoundedTensorSpec([2], tf.float32, -1, 1)
    step = tf.Variable(0, dtype=tf.int64)
    agent = agents.create(settings, ts.time_step_spec(observation), action, step, 100)
    random = tf.random.Generator.from_seed(0)
    batch = trajectory.mid(
        random.normal([16, 2, 3]), random.uniform([16, 2, 2], -1, 1), (), random.normal([16, 2]), tf.ones([16, 2])
    )
    return agent, batch


def test_the_critic_learns_alone_before_the_actor():
    settings = agent_lib.Ddpg(actor_layers=(8,), critic_joint_layers=(8,), actor_delay_steps=3)
    agent, batch = _small_agent(settings)

    def weights(network):
        return np.concatenate([one.numpy().ravel() for one in network.trainable_variables])

    actor, critic = [weights(agent._actor_network)], [weights(agent._critic_network)]
    for _ in range(5):
        agent.train(batch)
        actor.append(weights(agent._actor_network))
        critic.append(weights(agent._critic_network))
    assert [bool(np.any(one != other)) for one, other in itertools.pairwise(actor)] == [False] * 3 + [True] * 2
    assert all(np.any(one != other) for one, other in itertools.pairwise(critic))


@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_an_actor_that_climbs_q_less_a_penalty(penalty):
    """Its gradient is that of mean(Q - c |a|^2) times -2 / d, the factor of TF-Agents' squared loss."""
    settings = {"actor_layers": (8,), "critic_joint_layers": (8,), "action_penalty": penalty}
    agent, batch = _small_agent(agent_lib.Ddpg(**settings))
    steps = ts.TimeStep(batch.step_type[:, 0], batch.reward[:, 0], batch.discount[:, 0], batch.observation[:, 0])
    for one in agent._critic_network.trainable_variables[-2:]:
        one.assign(300.0 * one)  # beside actions of one, squares of differences of 1e-5 would be rounded away
    with tf.GradientTape() as tape:
        loss = agent.actor_loss(steps)
    variables = agent._actor_network.trainable_variables
    got = tape.gradient(loss, variables)
    with tf.GradientTape() as tape:
        action, _ = agent._actor_network(steps.observation)
        value, _ = agent._critic_network((steps.observation, action))
        wanted = -2.0 / 2.0 * tf.reduce_mean(value - penalty * tf.reduce_sum(action**2, axis=1))
    for one, other in zip(got, tape.gradient(wanted, variables), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-3, atol=1e-5)


def test_a_value_of_the_observation_alone_is_added_to_the_critic():
    """Against numpy: both towers from their own kernels; differences between actions are those of the joint layers."""
    observation_spec, action_spec = tf.TensorSpec((3,)), tensor_spec.BoundedTensorSpec((2,), tf.float32, -1.0, 1.0)
    critic = networks.CriticNetwork((observation_spec, action_spec), (), (), (4,), "tanh", (5,))
    critic.create_variables()
    random = np.random.default_rng(0)
    for variable in critic.trainable_variables:
        variable.assign(random.normal(size=variable.shape))
    observation, action = (random.normal(size=(6, size)).astype(np.float32) for size in (3, 2))
    kernels = [variable.numpy() for variable in critic.trainable_variables]

    def tower(x, hidden, shift, output, level):
        return (np.tanh(x @ hidden + shift) @ output + level)[:, 0]

    joint, value = tower(np.hstack([observation, action]), *kernels[:4]), tower(observation, *kernels[4:])
    found = critic((tf.constant(observation), tf.constant(action)))[0].numpy()
    np.testing.assert_allclose(found, joint + value, rtol=1e-5)
