"""The toy market of the from-scratch notebooks: quote an ask of 1.5 and a bid of 0.5 at every observation.

A dealer holds cash and assets. At every step a price m ~ U(0.5, 1.5) is drawn and shown as best ask 1.1 m and best bid
m / 1.1. The dealer quotes an ask and a bid: an ask at or below the best bid sells min(assets, 1) at the ask, a bid at
or above the best ask buys min(1, cash / bid) at the bid. The reward, -((ask - 1.5)^2 + (bid - 0.5)^2), depends on the
quotes alone, so the optimal policy is constant and known.
"""

import numpy as np
import numpy.typing as npt

from tfmm.arrays import Floats, Floats32
from tfmm.config import examples as settings_lib
from tfmm.environments import task as task_lib
from tfmm.environments.examples import base

TARGET_ASK, TARGET_BID = 1.5, 0.5
SPREAD = 1.1
BALANCE = 64.0
_N_SCORED, _SEED = 1024, 7


class QuoteTargetSimulator(base.ExampleSimulator):
    """The toy market.

    Attributes:
        cash, assets: (B,) float64 balances, U(0, 64) at the start. price: (B,) float64 m.
    """

    arrays = ("cash", "assets", "price")

    def __init__(self, settings: settings_lib.QuoteTarget, rows: int, seed: int) -> None:
        self._settings = settings
        self.cash, self.assets, self.price = np.zeros(rows), np.zeros(rows), np.ones(rows)
        super().__init__(rows, 4, seed)

    def _begin(self, rows):
        self.cash[rows] = self._random.uniform(0.0, BALANCE, len(rows))
        self.assets[rows] = self._random.uniform(0.0, BALANCE, len(rows))
        self.price[rows] = self._random.uniform(0.5, 1.5, len(rows))

    def _advance(self, rows, actions):
        ask, bid = quotes(self._settings, actions).T
        cash, assets, price = self.cash[rows], self.assets[rows], self.price[rows]
        sold = np.where(ask <= price / SPREAD, np.minimum(assets, 1.0), 0.0)
        affordable = np.divide(cash, bid, out=np.full(len(rows), np.inf), where=bid > 0.0)
        bought = np.where(bid >= price * SPREAD, np.minimum(affordable, 1.0), 0.0)
        self.cash[rows] = cash + ask * sold - bid * bought
        self.assets[rows] = assets - sold + bought
        self.price[rows] = self._random.uniform(0.5, 1.5, len(rows))
        reward = -((ask - TARGET_ASK) ** 2 + (bid - TARGET_BID) ** 2)
        return reward, np.zeros(len(rows), bool), self.count[rows] >= self._settings.window_steps

    def _observe(self):
        columns = (self.cash, self.assets, SPREAD * self.price, self.price / SPREAD)
        self.observation[...] = np.stack(columns, axis=1)


def quotes(settings: settings_lib.QuoteTarget, actions: npt.ArrayLike) -> Floats:
    """(B, 2) float64 ask and bid that actions (B, 2) in [-1, 1] stand for."""
    actions = np.clip(np.asarray(actions, np.float64), -1.0, 1.0)
    if settings.action == "prices":
        low, high = settings.price_range
        return low + 0.5 * (actions + 1.0) * (high - low)
    mid = np.exp(settings.log_mid_range * actions[:, 0])
    spread = np.exp(settings.log_spread_range * 0.5 * (actions[:, 1] + 1.0))
    return np.stack([mid * spread, mid / spread], axis=1)


class QuoteTargetTask(base.ExampleTask):
    """quote_target of a configuration; all splits are the same."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        return ("cash", "assets", "best_ask", "best_bid")

    @property
    def action_names(self) -> tuple[str, ...]:
        return ("ask", "bid") if self.settings.action == "prices" else ("log_mid", "log_spread")

    def simulator(self, split: str, rows: int, seed: int) -> QuoteTargetSimulator:
        """See ExampleTask."""
        return QuoteTargetSimulator(self.settings, rows, seed)

    def initial_observations(self, count: int, seed: int) -> Floats32:
        """(count, 4) float32 observations at the start of episodes."""
        simulator = self.simulator("test", count, seed)
        simulator.reset()
        return simulator.observation.copy()

    def score(self, act: task_lib.Policy) -> task_lib.Score:
        """Mean reward of the policy over initial observations."""
        ask, bid = quotes(self.settings, act(self.initial_observations(_N_SCORED, _SEED))).T
        reward = float(-((ask - TARGET_ASK) ** 2 + (bid - TARGET_BID) ** 2).mean())
        return {
            "validation/reward": reward,
            "validation/ask_mean": float(ask.mean()),
            "validation/bid_mean": float(bid.mean()),
        }, reward
