"""The ONNX form of a policy acts as its SavedModel does: each agent, each configuration, with and without the gate."""

import pathlib
import types

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.train.utils import train_utils
from tf_agents.trajectories import time_step as ts

from tfmm import errors, files
from tfmm.agents import factory as agents, networks
from tfmm.config import agent as agent_lib, experiment as experiment_lib, loading
from tfmm.environments import factory, task as task_lib
from tfmm.environments.tape import specs
from tfmm.market import schema
from tfmm.policies import dense_chain, onnx_check, onnx_policy, onnx_runtime, saved, saved_model
from tfmm.training import export, onnx_addition

CONFIGS = sorted((pathlib.Path(__file__).resolve().parents[2] / "configs").glob("*.toml"))
SETTINGS = {
    "simple_model": agent_lib.Td3(),
    "daily_trading": agent_lib.Dqn(batch_normalisation=True, dropout=0.2, l2=1e-4),
    "quote_target_actor_critic": agent_lib.Reinforce(activation="tanh"),
}
"""{configuration: another agent for it}."""


def problem(config):
    """What an Exporter asks of a task: names, and the specs that follow; on market data of a triangle."""
    discrete = config.agent.name == "dqn"
    if config.environment.name == experiment_lib.TAPE:
        instruments = [schema.Instrument(symbol=name, tick_size=0.01) for name in ("XY", "YZ", "XZ", "SYN")]
        _, features, actions = specs.create(config, instruments)
    elif config.environment.name == "daily_trading":  # opens files of bars
        features, actions = tuple(f"feature_{k}" for k in range(20)), ("short", "hold", "long")
    else:
        task = factory.open_task(config)
        features, actions = task.feature_names, task.action_names
    spec = tensor_spec.BoundedTensorSpec((), tf.int32, 0, len(actions) - 1, "action")
    return types.SimpleNamespace(
        config=config, feature_names=features, action_names=actions, action_meanings={}, instruments=(), scales=(),
        data_hash="", action_spec=spec if discrete else tensor_spec.from_spec(task_lib.continuous_spec(actions)),
    )  # fmt: skip


def agent_of(task, seed=0):
    """An agent whose every weight is drawn so that its actions fill [-1, 1]."""
    observation = tensor_spec.TensorSpec((len(task.feature_names),), tf.float32, "observation")
    step = train_utils.create_train_step()
    agent = agents.create(task.config.agent, ts.time_step_spec(observation), task.action_spec, step, 10)
    random = np.random.default_rng(seed)
    weights = [weight for layer in agent.policy_layers() for weight in layer.weights]
    last = [one for one in weights if "kernel" in one.name][-1]
    for one in weights:
        if "kernel" in one.name:
            one.assign(random.normal(size=one.shape) * np.sqrt(2 / one.shape[0]) * (0.2 if one is last else 1.0))
        elif any(word in one.name for word in ("stddev", "variance", "gamma")):
            one.assign(random.uniform(0.2, 3.0, one.shape))
        else:
            one.assign(random.normal(size=one.shape) * 0.3)
    return agent, step


def assert_same(folder, agent):
    """SavedModel, our code and onnxruntime agree on 10 000 observations, some of them clipped; returns the actions.

    They lie about the normaliser's mean, with heavy tails. Farther out the SavedModel is more than 1e-6 from what exact
    arithmetic gives, and from itself between one row and many.
    """
    reference, found = (saved.Policy.load(folder, reference=which) for which in (True, False))
    normaliser = agent.policy_layers()[0]
    mean, stddev = normaliser.mean.numpy(), normaliser.stddev.numpy()
    deviations = np.random.default_rng(1).standard_t(4, (10_000, len(mean)))
    observations = np.float32(mean + stddev * deviations)
    assert (np.abs(deviations) > networks.CLIP).any()
    assert isinstance(found._outputs_of, dense_chain.DenseChain)
    elsewhere = onnx_runtime.OnnxRuntime(onnx_check.read(folder / onnx_policy.FILE))
    wanted, actions = reference(observations), found(observations)
    for one in (found, saved.Policy(folder, found.description, elsewhere)):
        got = one(observations)
        assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
        if wanted.dtype != np.int32:
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6)
            continue
        wanted_values, values = reference.q_values(observations), one.q_values(observations)
        scale = np.abs(wanted_values).max()
        np.testing.assert_allclose(values / scale, wanted_values / scale, rtol=0, atol=1e-6)
        lead = np.diff(np.sort(wanted_values)[:, -2:])[:, 0]
        assert (got == wanted)[lead > 1e-5 * scale].all() and (got == wanted).mean() > 0.999
    if wanted.dtype == np.int32:
        assert set(actions) == set(range(len(found.description["actions"])))
    else:
        assert (actions.std(axis=0) > 0.03).all()
    np.testing.assert_array_equal(found.row_by_row(observations[:50]), actions[:50])
    return actions


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_onnx_equals_the_saved_model_for_every_config(path, tmp_path):
    task = problem(loading.load(path))
    agent, step = agent_of(task)
    export.Exporter(agent, task, step).save(tmp_path / "policy")
    assert_same(tmp_path / "policy", agent)


@pytest.mark.parametrize("name", SETTINGS)
def test_onnx_equals_the_saved_model_for_other_agents(name, tmp_path):
    config = loading.load(CONFIGS[0].with_name(f"{name}.toml"))
    task = problem(msgspec.structs.replace(config, agent=SETTINGS[name]))
    agent, step = agent_of(task)
    exporter = export.Exporter(agent, task, step)
    exporter.save(tmp_path / "policy")
    actions = assert_same(tmp_path / "policy", agent)
    # a later export has the weights of that moment
    for layer in agent.policy_layers():
        for one in layer.weights:
            if "kernel" in one.name:
                one.assign(-one)
    exporter.save(tmp_path / "policy")
    assert (assert_same(tmp_path / "policy", agent) != actions).any()


def test_every_agent_is_covered():
    names = {loading.load(path).agent.name for path in CONFIGS} | {one.name for one in SETTINGS.values()}
    assert names == set(agents._CREATE)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_policy_saved_without_onnx_gets_what_a_new_export_has(name, tmp_path, caplog):
    config = loading.load(CONFIGS[0].with_name(f"{name}.toml"))
    task = problem(msgspec.structs.replace(config, agent=SETTINGS[name]))
    agent, step = agent_of(task)
    folder = tmp_path / "policy"
    export.Exporter(agent, task, step).save(folder)
    path = folder / onnx_policy.FILE
    data = path.read_bytes()
    path.unlink()
    with caplog.at_level("INFO", "tfmm"):
        assert isinstance(saved.Policy.load(folder)._outputs_of, saved_model.SavedModel)
    assert f"policy {folder}: no policy.onnx, so that TensorFlow computes it; pipelines/export.py" in caplog.text
    assert onnx_addition.add(folder) <= 1e-6
    assert path.read_bytes() == data
    description = files.read_json(folder / saved.DESCRIPTION)
    layers = "critic_joint_layers" if name == "daily_trading" else "actor_layers"
    description["config"]["agent"][layers] = [7]
    files.write_json(folder / saved.DESCRIPTION, description)
    with pytest.raises(errors.DataError, match=r"policy .*: network \w+ has weights .*, wanted "):
        onnx_addition.add(folder)
    description["features"].append("another")
    files.write_json(folder / saved.DESCRIPTION, description)
    with pytest.raises(errors.DataError, match=r"its SavedModel takes no \d+ features"):
        onnx_addition.add(folder)


def test_a_policy_that_quotes_nothing_does_so_in_both_forms(tmp_path):
    config = loading.load(CONFIGS[0].with_name("market_making.toml"), ["train.no_quote_gate=true"])
    task = problem(config)
    agent, step = agent_of(task)
    exporter = export.Exporter(agent, task, step)
    observations = np.ones((3, len(task.feature_names)), np.float32)
    for quotes in (False, True):
        exporter.save(tmp_path / "policy", {"quotes": quotes})
        for reference in (True, False):
            policy = saved.Policy.load(tmp_path / "policy", reference=reference)
            assert (np.isfinite(policy(observations)) == quotes).all()
        assert onnx_addition.add(tmp_path / "policy") <= 1e-6


def test_a_network_too_large_to_be_read_again_is_not_written(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(onnx_check, "MAX_BYTES", 1000)
    task = problem(loading.load(CONFIGS[0].with_name("simple_model.toml")))
    agent, step = agent_of(task)
    export.Exporter(agent, task, step).save(tmp_path / "policy")
    assert not (tmp_path / "policy" / onnx_policy.FILE).exists()
    assert "policy.onnx takes over 1000 bytes" in caplog.text
