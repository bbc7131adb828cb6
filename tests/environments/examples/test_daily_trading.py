"""Daily trading: costs of orders, a short can always be bought back, observations hold nothing of the future."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from tf_agents.environments import utils

from tfmm import errors
from tfmm.config import examples, loading
from tfmm.environments import factory
from tfmm.environments.examples import base, daily_trading
from tfmm.environments.examples.daily_trading import HOLD, LONG, SHORT
from tfmm.evaluation.metrics import daily

SETTINGS = examples.DailyTrading(capital=1000.0, cost=0.01, max_move=0.1)


def _trade(cash, shares, price, action, settings=SETTINGS):
    values = [np.array([value], np.float64) for value in (cash, shares, price)]
    return [float(one[0]) for one in daily_trading.trade(settings, *values, np.array([action]))]


def test_orders_as_worked_by_hand():
    # 1000 / (10 x 1.01) = 99.01: 99 shares for 999.90
    assert _trade(1000, 0, 10, LONG) == pytest.approx([0.1, 99, 0])
    # 99 sold short bring 99 x 10 x .99 = 980.10
    assert _trade(1000, 0, 10, SHORT) == pytest.approx([1980.1, -99, 0])
    # long to short: 99 sold for 980.10, 980.20 / 10.1 = 97.05: 97 sold short for 960.30; two costs
    assert _trade(0.1, 99, 10, SHORT) == pytest.approx([1940.5, -97, 0])
    # short to long: 99 bought back for 999.90, 980.20 left buys 97 for 979.70
    assert _trade(1980.1, -99, 10, LONG) == pytest.approx([0.5, 97, 0])
    assert _trade(0.1, 99, 11, HOLD) == pytest.approx([0.1, 99, 0])
    assert _trade(0.1, 99, 11, LONG) == pytest.approx([0.1, 99, 0])
    # at 18, 99 x 18 x 1.01 x 1.1 = 1979.80 is covered; at 18.1 1990.80 is not, by 10.70: 10.70 / (18.1 x 1.01 x .1)
    # = 5.9, six are bought back for 109.69
    for action in (HOLD, SHORT):
        assert _trade(1980.1, -99, 18, action) == pytest.approx([1980.1, -99, 0])
        assert _trade(1980.1, -99, 18.1, action) == pytest.approx([1980.1 - 109.686, -93, 0])
    # at 20 it cannot be bought back: 99 x 20.2 = 1999.80
    assert _trade(1980.1, -99, 20, HOLD) == pytest.approx([-19.7, 0, 1])


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
    st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 2)), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.001, 0.05]),
    st.sampled_from([0.02, 0.1, 0.5, 2.0]),
)
def test_a_short_can_always_be_bought_back(path, cost, move):
    """For any orders, if no rise is larger than max_move; and money changes by shares x move - costs."""
    settings = examples.DailyTrading(cost=cost, max_move=move, capital=50_000.0)
    cash, shares, price = 50_000.0, 0.0, 80.0
    for change, action in path:
        before = price
        price *= 1.0 + change * (move if change > 0 else min(move, 0.9))
        dear = price * (1 + cost)
        assert cash + min(shares, 0) * dear >= -1e-6
        wealth = cash + shares * before
        after, shares_after, ruined = _trade(cash, shares, price, action, settings)
        assert not ruined
        traded = (wealth + shares * (price - before) - after - shares_after * price) / (cost * price) if cost else None
        if cost and np.sign(shares_after) != np.sign(shares):
            assert traded == pytest.approx(abs(shares_after) + abs(shares), rel=1e-6)
        cash, shares = after, shares_after
        assert cash + min(shares, 0) * dear * (1 + move) >= -1e-6
        assert cash >= -1e-6
        assert shares == np.round(shares)


def _file(path, dates, close, rng):
    width = close * rng.uniform(0.005, 0.03, len(close))
    rows = zip(dates, close, close + width, close - width, close, rng.integers(1000, 9000, len(close)), strict=True)
    text = "Timestamp,Open,High,Low,Close,Volume\n"
    path.write_text(text + "".join(f"{a},{b},{c},{d},{e},{f}\n" for a, b, c, d, e, f in rows))


def _task(folder, change=lambda close: close, **more):
    rng = np.random.default_rng(5)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, 420)))
    dates = np.arange("2019-01-01", "2020-02-25", dtype="datetime64[D]")
    folder.mkdir(exist_ok=True)
    close = change(close)
    _file(folder / "train.csv", dates[:320], close[:320], np.random.default_rng(6))
    _file(folder / "test.csv", dates[320:], close[320:], np.random.default_rng(7))
    settings = {"train": str(folder / "train.csv"), "test": str(folder / "test.csv"), "window_bars": 5, **more}
    tree = {"environment": {"name": "daily_trading"}, "agent": {"name": "dqn"}, "daily_trading": settings}
    return factory.open_task(loading.decode(tree, "test"))


@pytest.mark.parametrize("indicators", [False, True])
def test_nothing_of_the_future_is_seen_or_paid(tmp_path, indicators):
    def crash(close):
        return np.where(np.arange(len(close)) >= 380, close * 0.3, close)

    acts = np.random.default_rng(1).integers(0, 3, 200)
    seen = []
    for name, change in (("as_it_was", lambda close: close), ("crashed", crash)):
        task = _task(tmp_path / name, change, indicators=indicators)
        observations = []

        def act(observation, observations=observations):
            observations.append(observation[0].copy())
            return [acts[len(observations)]]

        path = task.walk("test", act)
        seen.append((np.array(observations), path))
    (one, path), (other, crashed) = seen
    # orders up to bar 379 are executed before the crash; the observation before bar 380's order is the last of the old
    count = 380 - path["bar"][0] + 1
    assert path["bar"][0] == 325
    np.testing.assert_array_equal(one[:count], other[:count])
    assert np.abs(one[count] - other[count]).max() > 0.1
    np.testing.assert_array_equal(path["wealth"][: count - 1], crashed["wealth"][: count - 1])


def test_environments_satisfy_the_library_s_validator_and_restore(tmp_path):
    task = _task(tmp_path / "data", episode_bars=20)
    utils.validate_py_environment(task.environment("train", None, 0), episodes=2)
    env = task.environment("train", 6, 0)
    env.reset()
    actions = np.random.default_rng(0).integers(0, 3, (40, 6)).astype(np.int32)
    for action in actions[:10]:
        env.step(action)
    state = env.get_state()
    first = [env.step(action) for action in actions[10:]]
    env.set_state(state)
    for left, action in zip(first, actions[10:], strict=True):
        for a, b in zip(left, env.step(action), strict=True):
            np.testing.assert_array_equal(a, b)
    lasts = np.array([one.step_type == base.LAST for one in first])
    assert lasts.sum() == 6
    assert all(one.discount.min() == 1.0 for one in first)
    bars = env.simulator.bar
    assert task.spans["train"][0] <= bars.min()
    assert bars.max() <= task.spans["train"][1]


def test_ruin_ends_for_good(tmp_path):
    task = _task(tmp_path / "data", lambda close: np.where(np.arange(len(close)) >= 400, close * 5, close))
    path = task.walk("test", lambda _: [SHORT])
    assert path["bar"][-1] == 400
    assert path["shares"][-1] == 0
    assert path["wealth"][-1] < 0
    assert daily.assess(path, task.settings, 5)["pnl"] < -task.settings.capital


def test_sharpe_reward_is_that_of_the_last_returns(tmp_path):
    task = _task(tmp_path / "data", reward="sharpe", sharpe_bars=4, reward_clip=100.0)
    path = task.walk("test", lambda _: [LONG])
    wealth = np.concatenate([[task.settings.capital], path["wealth"]])
    returns = wealth[1:] / wealth[:-1] - 1
    assert path["reward"][0] == 0.0
    for t in (1, 2, 10, 50):
        last = returns[max(0, t - 3) : t + 1]
        assert path["reward"][t] == pytest.approx(np.sqrt(252) * last.mean() / last.std(ddof=1), rel=1e-5)


def test_macro_returns_are_those_of_the_same_dates(tmp_path):
    plain = _task(tmp_path / "data")
    macro = tmp_path / "macro.csv"
    lines = (tmp_path / "data" / "train.csv").read_text() + "".join(
        (tmp_path / "data" / "test.csv").read_text().splitlines(keepends=True)[1:]
    )
    macro.write_text(lines)
    task = _task(tmp_path / "data", macro=[str(macro)])
    assert len(task.feature_names) == len(plain.feature_names) + 5
    own = task.data.at(np.array([330]))[0].reshape(5, 5)
    np.testing.assert_allclose(own[:, 0], own[:, 4])
    macro.write_text("".join(lines.splitlines(keepends=True)[:200]))
    with pytest.raises(errors.DataError, match="no bar of 2019-07-19"):
        _task(tmp_path / "data", macro=[str(macro)])


def test_buy_and_hold_reproduces_the_check_value(shared_data):
    """AAPL 2018-2020 from row 30 with 100 000 USD, cost 0.1 %, whole shares (shared/data/README.md)."""
    folder = shared_data / "daily"
    tree = {
        "environment": {"name": "daily_trading"},
        "agent": {"name": "dqn"},
        "daily_trading": {
            "train": str(folder / "AAPL_2012-1-1_2018-1-1.csv"), "test": str(folder / "AAPL_2018-1-1_2020-1-1.csv"),
        },
    }  # fmt: skip
    task = factory.open_task(loading.decode(tree, "test"))
    got = daily.assess(task.walk("test", lambda _: [LONG]), task.settings, 30)
    assert round(got["pnl"]) == 79823
    assert round(got["sharpe"], 2) == 1.24
    assert round(got["max_drawdown"], 3) == 0.385
