"""The other example environments: rewards, ends of episodes, and a training on each."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tf_agents.environments import utils

from tfmm import errors
from tfmm.config import examples, loading
from tfmm.environments import factory
from tfmm.environments.examples import base, quote_target, zero_norm

NAMES = ("quote_target", "zero_norm")


def _task(name, **more):
    return factory.open_task(loading.decode({"environment": {"name": name}, **more}, "test"))


@pytest.mark.parametrize("name", NAMES)
def test_single_environments_satisfy_the_library_s_validator(name):
    utils.validate_py_environment(_task(name).environment("train", None, 3), episodes=2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [None, 5])
def test_the_same_seed_and_a_restored_state_give_the_same_steps(name, rows):
    task = _task(name)
    one, two = (task.environment("train", rows, 4) for _ in range(2))
    spec, random = one.action_spec(), np.random.default_rng(0)
    actions = random.uniform(-1, 1, (30, *(() if rows is None else (rows,)), *spec.shape)).astype(np.float32)
    one.reset(), two.reset()
    for action in actions[:10]:
        left, right = one.step(action), two.step(action)
        for a, b in zip(left, right, strict=True):
            np.testing.assert_array_equal(a, b)
    state = one.get_state()
    first = [one.step(action) for action in actions[10:]]
    one.set_state(state)
    for left, action in zip(first, actions[10:], strict=True):
        for a, b in zip(left, one.step(action), strict=True):
            np.testing.assert_array_equal(a, b)


def test_quote_target_trades_and_pays_as_worked_by_hand():
    one = quote_target.QuoteTargetSimulator(examples.QuoteTarget(price_range=(0.0, 2.0), window_steps=2), 3, 0)
    one.reset()
    one.cash[:], one.assets[:], one.price[:] = (10.0, 0.3, 10.0), (5.0, 5.0, 0.25), 1.0
    # best bid 1 / 1.1 = .909, best ask 1.1; quotes (ask, bid) (0.5, 0.2) sells one, (1.5, 1.2) buys .3 / 1.2 = .25,
    # (0.9, 1.1) does both, with only .25 to sell
    one.step(np.array([[0.5, 0.2], [1.5, 1.2], [0.9, 1.1]]) - 1.0)
    np.testing.assert_allclose(one.cash, [10.5, 0.0, 10.0 + 0.25 * 0.9 - 1.1], atol=1e-12)
    np.testing.assert_allclose(one.assets, [4.0, 5.25, 1.0])
    # -((.5 - 1.5)^2 + (.2 - .5)^2), -(0 + .49), -(.36 + .36)
    np.testing.assert_allclose(one.reward, [-1.09, -0.49, -0.72], rtol=1e-6)
    assert one.step_type.tolist() == [1, 1, 1]
    one.step(np.zeros((3, 2)))
    assert (one.step_type.tolist(), one.discount.tolist()) == ([2, 2, 2], [1, 1, 1])
    np.testing.assert_allclose(one.observation[:, 2] / one.observation[:, 3], 1.21, rtol=1e-6)
    one.step(np.zeros((3, 2)))
    assert (one.step_type.tolist(), one.reward.tolist()) == ([0, 0, 0], [0, 0, 0])


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(hnp.arrays(np.float64, (20, 4, 2), elements=st.floats(-1.5, 1.5)))
def test_quote_target_never_overdraws_and_pays_by_the_quotes_alone(actions):
    settings = examples.QuoteTarget(window_steps=100)
    one, other = (quote_target.QuoteTargetSimulator(settings, 4, seed) for seed in (1, 2))
    one.reset(), other.reset()
    for action in actions:
        one.step(action), other.step(action)
        assert (one.cash >= -1e-9).all()
        assert (one.assets >= 0).all()
        np.testing.assert_array_equal(one.reward, other.reward)


def test_mid_and_spread_are_the_quotes_ratio():
    settings = examples.QuoteTarget(action="mid_spread", log_mid_range=1.0, log_spread_range=2.0)
    # log mid = ln sqrt(.75), log spread = ln sqrt(3) are the best quotes
    best = np.array([[0.5 * np.log(0.75), 0.5 * np.log(3.0) - 1.0]])
    np.testing.assert_allclose(quote_target.quotes(settings, best), [[1.5, 0.5]])


def test_zero_norm_ends_for_good_only_when_it_is_reached():
    settings = examples.ZeroNorm(size=3, max_steps=2)
    one = zero_norm.ZeroNormSimulator(settings, 3, 0)
    one.reset()
    one.state[:] = [[0.5, -0.5, 0.0], [0.9, 0.0, 0.0], [0.3, 0.4, 0.0]]
    # to (0, 0, 0); clipped to (1, 0, 0); to (.03, .04, 0), whose norm is .05
    one.step(np.array([[-0.5, 0.5, 0.0], [0.8, 0.0, 0.0], [-0.27, -0.36, 0.0]]))
    np.testing.assert_allclose(one.reward, [0.0, -1.0, -0.05], atol=1e-7)
    assert (one.step_type.tolist(), one.discount.tolist()) == ([2, 1, 2], [0, 1, 0])
    one.step(np.zeros((3, 3)))
    assert (one.step_type.tolist(), one.discount.tolist()) == ([0, 2, 0], [1, 1, 1])


def test_norms_of_episodes_stay_at_their_end():
    task = _task("zero_norm", zero_norm={"size": 4, "max_steps": 5})
    path, lengths = task.norms(lambda seen: -seen, 6, 0)
    np.testing.assert_allclose(path[1:], 0.0, atol=1e-7)
    assert lengths.tolist() == [1] * 6
    path, lengths = task.norms(lambda seen: 0.0 * seen, 6, 0)
    assert lengths.tolist() == [5] * 6
    assert (path == path[0]).all()
    assert path.min() > 0


def test_play_sums_the_rewards_of_every_row():
    one = zero_norm.ZeroNormSimulator(examples.ZeroNorm(size=1), 2, 0)
    one.reset()
    start = np.abs(one.state[:, 0]).copy()
    np.testing.assert_allclose(base.rollout(one, lambda seen: 0.0 * seen, 3), -3 * start, rtol=1e-6)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"zero_norm": {"size": 3}}, "section zero_norm is given with environment.name market_making"),
        ({"environment": {"name": "zero_norm"}, "agent": {"name": "dqn"}}, "agent.name is dqn"),
        ({"quote_target": {"price_range": [2.0, 1.0]}, "environment": {"name": "quote_target"}}, "the smaller first"),
        ({"agent": {"name": "reinforce"}, "train": {"steps_per_iteration": 2}}, "steps_per_iteration is 2"),
        ({"agent": {"n_step": 3}, "collect": {"mode": "single"}, "environment": {"rows": 1}}, "n_step 3, wanted batch"),
        ({"agent": {"dropout": 0.5}}, "dropout"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tree, words):
    with pytest.raises(errors.ConfigError, match=words):
        loading.decode(tree, "test")
