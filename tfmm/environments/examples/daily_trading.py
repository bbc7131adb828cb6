"""One share, long or short, on daily bars (Theate and Ernst 2021, without their neural network).

It assumes that any size trades at the close, that shares can be borrowed for nothing, and that cash earns nothing.

At every bar the trader, who has seen the bars before it, chooses short, hold or long, and the order is executed at the
bar's close. Long spends all cash on whole shares. Short sells borrowed shares, as many as wealth would buy and no more
than can be bought back if the price then rises by `max_move`; a short position that no longer passes that test is first
bought back until it does. Hold leaves the position otherwise. Every trade pays `cost` of its value, a reversal pays for
both of its trades.
"""

from typing import TYPE_CHECKING

import numpy as np

from tfmm import errors
from tfmm.arrays import Array, Bools, Floats
from tfmm.config import examples as settings_lib
from tfmm.config.experiment import Config
from tfmm.environments import task as task_lib
from tfmm.environments.examples import base, daily_features

if TYPE_CHECKING:
    from tf_agents.specs import array_spec  # evaluation has no need of TensorFlow

SHORT, HOLD, LONG = 0, 1, 2
DAYS = 252.0
_TINY = 1e-9


class DailyTradingSimulator(base.ExampleSimulator):
    """B traders.

    Attributes:
        cash: (B,) float64 money. shares: (B,) float64, whole numbers, negative: short.
        bar: (B,) int64 row of the bar that the next order is executed at. last: (B,) int64 row of an episode's last.
        traded: (B,) float64 value of the last step's trades. returns: (B, sharpe_bars) float64 of the newest bars.
    """

    arrays = ("cash", "shares", "bar", "last", "traded", "returns")

    def __init__(
        self,
        settings: settings_lib.DailyTrading,
        data: daily_features.Features,
        span: tuple[int, int],
        random_start: bool,
        rows: int,
        seed: int,
    ) -> None:
        """
        Args:
            data: bars and features. span: (first, stop) rows of the bars to trade at. random_start: episodes last
                episode_bars from a random bar, else all of the span.
        """
        self._settings, self._data, self._span, self._random_start = settings, data, span, random_start
        self.cash, self.shares, self.traded = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.bar, self.last = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        self.returns = np.zeros((rows, settings.sharpe_bars))
        super().__init__(rows, len(data.names) + 2, seed)

    @property
    def wealth(self) -> Floats:
        """(B,) float64 cash and value of the shares at the close of the newest bar that was seen."""
        return self.cash + self.shares * self._data.close[self.bar - 1]

    def _begin(self, rows):
        first, stop = self._span
        length = min(self._settings.episode_bars, stop - first) if self._random_start else stop - first
        self.bar[rows] = self._random.integers(first, stop - length + 1, len(rows))
        self.last[rows] = self.bar[rows] + length - 1
        self.cash[rows], self.shares[rows], self.traded[rows] = self._settings.capital, 0.0, 0.0
        self.returns[rows] = 0.0

    def _advance(self, rows, actions):
        price = self._data.close[self.bar[rows]]
        before = self.wealth[rows]
        cash, shares, ruined = trade(self._settings, self.cash[rows], self.shares[rows], price, actions)
        self.traded[rows] = np.abs(shares - self.shares[rows]) * price
        # a reversal trades through flat; |change| counts both of its trades
        self.cash[rows], self.shares[rows] = cash, shares
        change = (cash + shares * price) / before - 1.0
        over = self.bar[rows] >= self.last[rows]
        self.returns[rows] = np.concatenate([self.returns[rows, 1:], change[:, np.newaxis]], axis=1)
        self.bar[rows] += 1
        return self._rewards(rows, change), ruined, over

    def _rewards(self, rows, change):
        clip = self._settings.reward_clip
        if self._settings.reward == "return":
            return np.clip(change, -clip, clip)
        # over the days since the episode began; 0 where returns did not vary
        days = np.minimum(self.count[rows], self._settings.sharpe_bars)
        is_set = np.arange(self._settings.sharpe_bars) >= self._settings.sharpe_bars - days[:, np.newaxis]
        mean = (self.returns[rows] * is_set).sum(axis=1) / days
        square = (((self.returns[rows] - mean[:, np.newaxis]) * is_set) ** 2).sum(axis=1)
        deviation = np.sqrt(square / np.maximum(days - 1, 1))
        ratio = np.divide(mean, deviation, out=np.zeros(len(rows)), where=deviation > _TINY)
        return np.clip(np.sqrt(DAYS) * ratio, -clip, clip)

    def _observe(self):
        newest = self.bar - 1
        self.observation[:, :-2] = self._data.at(newest)
        self.observation[:, -2] = np.sign(self.shares)
        self.observation[:, -1] = self.shares * self._data.close[newest] / self.wealth


def trade(
    settings: settings_lib.DailyTrading, cash: Floats, shares: Floats, price: Floats, actions: Array
) -> tuple[Floats, Floats, Bools]:
    """Executes actions at a price.

    Args:
        cash, shares, price: (B,) float64. actions: (B,) SHORT, HOLD or LONG.

    Returns:
        (cash, shares) afterwards, and (B,) bool whether the trader is ruined: the cash did not suffice to buy the short
        position back; it is closed, and the debt remains as negative cash.
    """
    fee, move = settings.cost, settings.max_move
    buy_price = price * (1.0 + fee)
    ruined = cash + np.minimum(shares, 0.0) * buy_price < -_TINY * settings.capital
    closes = ruined | ((actions == LONG) & (shares < 0)) | ((actions == SHORT) & (shares > 0))
    opens = ~ruined & (((actions == LONG) & (shares <= 0)) | ((actions == SHORT) & (shares >= 0)))
    short = np.maximum(-shares, 0.0)
    # b bought back must leave cash - b buy_price >= (short - b) buy_price (1 + move)
    shortfall = short * buy_price * (1.0 + move) - cash
    bought = np.where(~closes & (shortfall > 0), np.minimum(short, np.ceil(shortfall / (buy_price * move))), 0.0)
    sold = np.where(closes, shares, -bought)
    cash = cash + np.where(sold > 0, sold * price * (1.0 - fee), sold * buy_price)
    shares = shares - sold
    affordable = np.floor(np.maximum(cash, 0.0) / buy_price + _TINY)
    # n sold short must leave cash + n price (1 - fee) >= n buy_price (1 + move)
    margin = buy_price * (1.0 + move) - price * (1.0 - fee)
    coverable = np.floor(np.maximum(cash, 0.0) / margin + _TINY)
    new = np.where(opens, np.where(actions == LONG, affordable, -np.minimum(affordable, coverable)), 0.0)
    cash = cash - np.where(new > 0, new * buy_price, new * price * (1.0 - fee))
    return cash, shares + new, ruined


class DailyTradingTask(base.ExampleTask):
    """daily_trading of a configuration.

    Attributes:
        data: bars and features. spans: {split: (first, stop) rows of the bars to trade at}.

    Raises:
        ConfigError, DataError: a file is missing, wrong or too short.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if not self.settings.train or not self.settings.test:
            name = "test" if self.settings.train else "train"
            raise errors.ConfigError(
                f"daily_trading.{name} is empty, wanted a CSV file of daily bars (--set daily_trading.{name}=FILE)"
            )
        self.data = daily_features.Features.create(self.settings)
        self.spans = self._spans()

    def _spans(self) -> dict[str, tuple[int, int]]:
        train, window, stop = self.data.train_bars, self.settings.window_bars, len(self.data.close)
        first = self.data.first_known + window
        cut = train - round(self.settings.validation_share * (train - first))
        out = {"train": (first, cut), "validation": (cut, train), "test": (train + window, stop)}
        if cut == train:
            out["validation"] = out["train"]
        for name, (begin, end) in out.items():
            if end - begin < 2:
                raise errors.DataError(f"daily_trading: {name} has {max(end - begin, 0)} bars to trade at, wanted 2")
        return out

    @property
    def action_names(self) -> tuple[str, ...]:
        return ("short", "hold", "long")

    @property
    def feature_names(self) -> tuple[str, ...]:
        return (*self.data.names, "position", "exposure")

    @property
    def data_hash(self) -> str:
        """SHA-256 of the files of bars."""
        return self.data.sha256

    @property
    def action_spec(self) -> "array_spec.BoundedArraySpec":
        """See task.Task: one of three actions."""
        from tf_agents.specs import array_spec

        return array_spec.BoundedArraySpec((), np.int32, SHORT, LONG, "action")

    def simulator(self, split: str, rows: int, seed: int, random_start: bool = True) -> DailyTradingSimulator:
        """See ExampleTask; random_start: episodes of train start at random bars."""
        return DailyTradingSimulator(
            self.settings, self.data, self.spans[split], random_start and split == "train", rows, seed
        )

    def score(self, act: task_lib.Policy) -> task_lib.Score:
        """Total return over the whole of validation."""
        path = self.walk("validation", act)
        total = path["wealth"][-1] / self.settings.capital - 1.0
        return {"validation/return": float(total)}, float(total)

    def walk(self, split: str, act: task_lib.Policy) -> dict[str, Array]:
        """Trades once from the first bar of a split to its last, or to ruin.

        Args:
            act: observation (1, F) -> action (1,).

        Returns:
            dict of (T,) arrays by executed bar: bar (row), date, close, action, shares (after the trade), cash, wealth,
            traded (value), reward.
        """
        simulator = self.simulator(split, 1, 0, random_start=False)
        simulator.reset()
        rows = []
        while simulator.step_type[0] != base.LAST:
            bar, action = int(simulator.bar[0]), int(np.asarray(act(simulator.observation.copy()))[0])
            simulator.step(np.array([action]))
            state = simulator.shares, simulator.cash, simulator.wealth, simulator.traded
            rows.append((bar, action, *(value[0] for value in state), float(simulator.reward[0])))
        columns = (np.array(column) for column in zip(*rows, strict=True))
        path = dict(zip(("bar", "action", "shares", "cash", "wealth", "traded", "reward"), columns, strict=True))
        return path | {"date": self.data.date[path["bar"]], "close": self.data.close[path["bar"]]}
