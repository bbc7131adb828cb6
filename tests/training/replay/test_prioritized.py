"""Prioritized replay: what is drawn follows the priorities, and a whole training with it, resumed."""

import json

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm import errors
from tfmm.agents import factory as agents, guarded
from tfmm.config import agent as agent_lib, loading, training
from tfmm.environments import factory
from tfmm.training import run_directory, trainer
from tfmm.training.distributed import learner
from tfmm.training.replay import prioritized, server as server_lib

FIRST, MID, LAST = 0, 1, 2
ROWS, BATCH = 4, 50


def _agent(name="ddpg", dimensions=1):
    layers = {"critic_joint_layers": (4,)} | ({} if name == "dqn" else {"actor_layers": (4,)})
    settings = agent_lib.BY_NAME[name](gamma=0.5, loss="mse", **layers)
    action = tensor_spec.BoundedTensorSpec((dimensions,), tf.float32, -1.0, 1.0)
    if name == "dqn":
        action = tensor_spec.BoundedTensorSpec((), tf.int32, 0, 2)
    time_steps = ts.time_step_spec(tf.TensorSpec((1,), tf.float32))
    return agents.create(settings, time_steps, action, tf.Variable(0, dtype=tf.int64), 10)


def _filled(priorities, agent):
    """A replay of 10 batched steps whose episodes end at the sixth; the observation is 10 b + t."""
    replay = server_lib.Replay(agent.collect_data_spec, ROWS, 1000, 20.0, priorities=priorities)
    rows = np.arange(ROWS, dtype=np.float32)
    kinds = [FIRST, MID, MID, MID, MID, LAST, FIRST, MID, MID, MID, MID]
    for t in range(10):
        replay.writer(
            trajectory.Trajectory(
                np.full(ROWS, kinds[t], np.int32), (10 * rows + t)[:, np.newaxis], np.zeros((ROWS, 1), np.float32), (),
                np.full(ROWS, kinds[t + 1], np.int32), rows, np.ones(ROWS, np.float32),
            )
        )  # fmt: skip
    return replay


def test_draws_follow_the_priorities_and_weights_undo_them():
    """Priorities 1 and 4 with alpha = .5: the chances are as 1 to 2, the weights with beta = 1 as 2 to 1."""
    agent = _agent()
    settings = training.Train(batch_size=BATCH, sampler="prioritized", priority_exponent=0.5, importance_exponent=1.0)
    priorities = prioritized.Priorities(settings, agent)
    replay = _filled(priorities, agent)
    assert replay.items() == 8 * ROWS  # pairs of 10 steps, without the one from LAST to FIRST
    keys = {}
    for sample in replay.client.sample(server_lib.TABLE, 2000, emit_timesteps=False):
        keys[sample.info.key] = float(sample.data[0][0, 1])
    assert len(set(keys.values())) == len(keys) == 8 * ROWS
    replay.client.mutate_priorities(
        server_lib.TABLE, {key: 4.0 if seen < 10 else 1.0 for key, seen in keys.items()} | {12345: 1.0}
    )
    share = 8 * 2 / (8 * 2 + 24 * 1)  # the first row's 8 transitions, against 24
    count, urgent = 0, 0
    for experience, (weights, batch_keys) in replay.dataset(BATCH).take(200):
        seen = experience.observation[:, 0, 0].numpy()
        assert experience.reward.shape == (BATCH, 2)
        np.testing.assert_array_equal([keys[one] for one in batch_keys.numpy().view(np.uint64).tolist()], seen)
        np.testing.assert_allclose(weights, np.where(seen < 10, 0.5, 1.0), rtol=1e-6)
        count, urgent = count + BATCH, urgent + int((seen < 10).sum())
    # 10 000 draws have a standard deviation of .005
    assert urgent / count == pytest.approx(share, abs=0.025)
    replay.close()


def test_a_new_item_has_the_highest_priority_and_errors_reach_the_table():
    agent = _agent()
    priorities = prioritized.Priorities(training.Train(batch_size=BATCH, steps_per_iteration=2), agent)
    priorities.highest = 3.0
    replay = _filled(priorities, agent)
    experience, (weights, keys) = next(iter(replay.dataset(BATCH)))
    batch = guarded.WeightedExperience(experience, weights)
    loss, checked = agent.train(batch), []
    priorities.after_step(lambda *arguments: checked.append(arguments))((batch, keys), loss)
    assert checked == [((batch, keys), loss)]
    wanted = np.abs(agent.td_errors(experience).numpy()) + 1e-3
    priorities.write(replay.client)
    now = {
        one.info.key: one.info.priority for one in replay.client.sample(server_lib.TABLE, 20_000, emit_timesteps=False)
    }
    drawn = dict(zip(keys.numpy().view(np.uint64).tolist(), wanted.tolist(), strict=True))
    assert {key: now[key] for key in drawn} == pytest.approx(drawn)
    assert {now[key] for key in now.keys() - drawn.keys()} <= {3.0}
    assert priorities.highest == 3.0
    replay.close()


@pytest.mark.parametrize("name", ["ddpg", "td3", "dqn"])
def test_errors_are_those_the_agents_loss_squares(name):
    """The critic's loss of td3 is of two critics, and its target has noise; so it is held against zero noise."""
    agent = _agent(name)
    if name == "td3":
        agent._target_policy_noise = 0.0
        for one, other in zip(agent._critic_network_1.variables, agent._critic_network_2.variables, strict=True):
            other.assign(one)
    rng = np.random.default_rng(0)
    kinds = np.full((6, 2), MID, np.int32)
    observation, reward = (rng.normal(size=shape).astype(np.float32) for shape in ((6, 2, 1), (6, 2)))
    action = rng.integers(0, 3, (6, 2)).astype(np.int32) if name == "dqn" else observation / 3
    columns = kinds, observation, action, (), kinds, reward, np.ones((6, 2), np.float32)
    experience = tf.nest.map_structure(tf.constant, trajectory.Trajectory(*columns))
    found = agent.td_errors(experience).numpy()
    assert found.shape == (6,)
    weights = np.arange(6, dtype=np.float32)
    loss = agents.losses(agent.train(experience, weights=tf.constant(weights)))
    critics = 2.0 if name == "td3" else 1.0
    loss = loss["loss" if name == "dqn" else "critic_loss"]
    assert loss == pytest.approx(critics * np.mean(weights * found**2), rel=1e-4)


def test_a_training_with_priorities_resumes_with_them(tmp_path):
    tree = {
        "environment": {"name": "quote_target", "rows": 4},
        "agent": {"actor_layers": [8], "critic_joint_layers": [8], "n_step": 2},
        "collect": {"initial_steps": 20, "steps_per_iteration": 2},
        "train": {
            "steps": 30, "batch_size": 16, "steps_per_iteration": 4, "log_interval": 10, "validation_interval": 0,
            "sampler": "prioritized",
        },
    }  # fmt: skip
    config = loading.decode(tree, "test")
    task = factory.open_task(config)
    found = []
    run = run_directory.RunDirectory.create(tmp_path / "run", config, "hash")
    job = trainer.train(task, run, on_end=lambda job: found.append(_priorities(job)))
    held = found.pop()
    assert len(set(held.values())) > len(held) // 4  # learned from, each with its own error
    highest = job.priorities.highest

    config = msgspec.structs.replace(config, train=msgspec.structs.replace(config.train, steps=40))
    run = run_directory.RunDirectory.existing(tmp_path / "run")
    again = trainer.train(factory.open_task(config), run, on_ready=lambda job: found.append(_priorities(job)))
    assert again.replay.restored
    restored = found.pop()
    both = restored.keys() & held.keys()
    assert len(both) > 0.8 * len(held)
    assert {key: restored[key] for key in both} == {key: held[key] for key in both}
    assert again.priorities.highest >= highest
    assert int(again.train_step.numpy()) == 40
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [one["step"] for one in records] == [12, 20, 30, 40]
    assert all(np.isfinite(one["train/loss"]) for one in records)


def _priorities(job):
    """{key: priority} of the items that so many draws find."""
    drawn = job.replay.client.sample(server_lib.TABLE, 10_000, emit_timesteps=False)
    return {one.info.key: one.info.priority for one in drawn}


@pytest.mark.parametrize("dimensions", [1, 2, 6])
def test_an_actors_weights_belong_to_their_transitions(dimensions):
    """Six transitions with one weight of 1: a sixth of the loss of that one alone."""
    agent = _agent(dimensions=dimensions)
    time_steps = ts.restart(tf.random.stateless_normal((6, 1), (0, 1)), batch_size=6)
    alone = ts.restart(time_steps.observation[4:5], batch_size=1)
    weighted = agent.actor_loss(time_steps, tf.one_hot(4, 6))
    assert float(weighted) == pytest.approx(float(agent.actor_loss(alone)) / 6, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"collect": {"mode": "single"}, "environment": {"rows": 1}}, "collect.mode single and agent.name ddpg"),
        (
            {"agent": {"name": "reinforce"}, "environment": {"name": "quote_target"}},
            "collect.mode batch and agent.name reinforce",
        ),
    ],
)
def test_what_cannot_have_priorities_is_refused(change, found):
    tree = {"train": {"sampler": "prioritized", "steps_per_iteration": 1}, **change}
    with pytest.raises(errors.ConfigError, match=f"train.sampler is prioritized with {found}, wanted uniform"):
        loading.decode(tree, "test")


def test_a_served_replay_has_no_priorities():
    settings = loading.decode({"train": {"sampler": "prioritized"}}, "test")
    with pytest.raises(errors.ConfigError, match=r"--serve x:1: train\.sampler is prioritized, wanted uniform"):
        learner.check(settings, "--serve x:1")
