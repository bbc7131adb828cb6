"""The environments as TF-Agents sees them: specs, batches, episode ends, saved state."""

import itertools
import pathlib
import typing

import msgspec
import numpy as np
import pytest
from tf_agents.environments import tf_py_environment, utils

from tfmm import errors
from tfmm.config import environment as environment_config, experiment as experiment_lib, loading
from tfmm.environments import factory
from tfmm.environments.tape import task as tape_task

CONFIGS = sorted((pathlib.Path(__file__).resolve().parents[2] / "configs").glob("*.toml"))


def _task(config, **environment):
    changed = msgspec.structs.replace(config.environment, **environment)
    return tape_task.TapeTask.create(msgspec.structs.replace(config, environment=changed))


@pytest.mark.parametrize(
    ("action", "rows"),
    list(itertools.product(["skew_spread", "offsets"], [None, 1, 7])),
    ids=lambda value: str(value),
)
def test_validates(small_config, action, rows):
    env = _task(small_config, action=action).environment("train", rows, seed=1)
    utils.validate_py_environment(env, episodes=3)


@pytest.fixture(scope="module")
def triangle_store(tmp_path_factory, run_script):
    """Three sessions of three currency pairs and the synthetic quotes that two of them imply for the third."""
    folder = tmp_path_factory.mktemp("triangle")
    currencies = {"XY": "Y", "YZ": "Z", "XZ": "Z"}
    known = [part for one in currencies for part in ("--instrument", f"{one}:quote_currency={currencies[one]}")]
    for arguments in (
        ("generate.py", "--triangle", "--days", 3, "--hours", 0.1, "--out", folder / "raw"),
        ("prepare.py", folder / "raw", "--store", folder / "store", "--synthetic", "SYN=XY*YZ", "--no-plots", *known),
    ):
        done = run_script(*arguments)
        assert done.returncode == 0, done.stderr
    return folder / "store"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rows", [None, 4])
def test_every_config_validates_plain_and_wrapped(small_store, path, rows, request):
    config = loading.load(path)
    if config.environment.name == experiment_lib.TAPE:
        own = request.getfixturevalue("triangle_store") if config.environment.synthetic else small_store
        task = _task(loading.with_store(config, own), window_s=30.0, warmup_s=5.0)
    elif config.environment.name == "daily_trading":
        pytest.skip("needs files of bars; tests/environments/examples/test_daily_trading.py has them")
    else:
        task = factory.open_task(config)
    env = task.environment("train", rows, seed=1)
    utils.validate_py_environment(env, episodes=2)
    wrapped = tf_py_environment.TFPyEnvironment(task.environment("train", rows, seed=1))
    assert wrapped.batch_size == (rows or 1)
    first = wrapped.reset()
    action = np.zeros((rows or 1, *wrapped.action_spec().shape), np.float32)
    after = wrapped.step(action)
    assert first.observation.shape == (rows or 1, *wrapped.observation_spec().shape)
    assert after.step_type.shape == (rows or 1,)
    assert np.isfinite(after.reward.numpy()).all()
    wrapped.close()


def test_a_window_that_is_over_is_truncated_and_restarts_row_by_row(small_config):
    env = _task(small_config, window_s=10.0).environment("train", 5, seed=2)
    time_step = env.reset()
    lengths, lasting, ended = np.zeros(5, int), [], time_step.is_last()
    rng = np.random.default_rng(0)
    for _ in range(45):
        previous = ended
        time_step = env.step(rng.uniform(-1, 1, (5, 2)).astype(np.float32))
        ended = time_step.is_last()
        assert (time_step.discount == 1).all()
        assert (time_step.is_first() == previous).all()
        assert (time_step.reward[previous] == 0).all()
        lengths = np.where(previous, 0, lengths + 1)
        lasting.extend(lengths[ended])
    assert max(lasting) == 10  # 10 s in steps of 1 s; the first windows are staggered
    assert len(set(lasting)) > 1


@pytest.mark.parametrize("rows", [None, 5])
def test_a_window_that_ends_with_liquidation_is_terminated(small_config, rows):
    env = _task(small_config, window_s=10.0, liquidate=True).environment("train", rows, seed=2)
    time_step, n_ended = env.reset(), 0
    action = np.zeros((2,) if rows is None else (rows, 2), np.float32)
    for _ in range(45):
        ended = np.asarray(time_step.is_last())
        np.testing.assert_array_equal(time_step.discount, np.where(ended, 0.0, 1.0))
        n_ended += int(ended.sum())
        time_step = env.step(action)
    assert n_ended >= 4 * (rows or 1)  # 45 steps in windows of at most 10 and a first step each


def test_single_environment_is_row_zero_of_a_batch(small_config):
    task = _task(small_config)
    single, batch = (
        task.environment("train", None, seed=5),
        task.environment("train", 1, seed=5),
    )
    one, many = single.reset(), batch.reset()
    rng = np.random.default_rng(1)
    for _ in range(150):
        for left, right in zip(one, many, strict=True):
            np.testing.assert_array_equal(left, right[0])
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        one, many = single.step(action), batch.step(action[np.newaxis])


@pytest.mark.parametrize("rows", [None, 3])
def test_state_restores_exactly(small_config, rows):
    env = _task(small_config, window_s=20.0).environment("train", rows, seed=4)
    shape = (2,) if rows is None else (rows, 2)
    actions = np.random.default_rng(2).uniform(-1, 1, (60, *shape)).astype(np.float32)
    env.reset()
    for action in actions[:15]:
        env.step(action)
    state = env.get_state()
    first = [env.step(action) for action in actions[15:]]
    env.set_state(state)
    for action, expected in zip(actions[15:], first, strict=True):
        for left, right in zip(env.step(action), expected, strict=True):
            np.testing.assert_array_equal(left, right)


def test_reward_is_zero_without_inventory_and_fills(small_config):
    env = _task(small_config, half_spread_range=(900.0, 1000.0)).environment("train", 4, seed=1)
    env.reset()
    for _ in range(30):
        assert (env.step(np.zeros((4, 2), np.float32)).reward == 0).all()


def test_every_environment_has_an_opener():
    assert set(factory.OPENERS) == set(typing.get_args(environment_config.Name))


def test_unknown_feature_and_empty_store_are_config_errors(small_config):
    with pytest.raises(errors.ConfigError, match="unknown feature colour"):
        _task(small_config, features=("colour",))
    with pytest.raises(errors.ConfigError, match=r"data\.store is empty"):
        tape_task.TapeTask.create(experiment_lib.Config())
