"""The toy market of the from-scratch notebooks: quote an ask of 1.5 and a bid of 0.5, whatever is seen.

A dealer holds cash and assets. At every step a price m ~ U(0.5, 1.5) is drawn anew and shown as best ask 1.1 m and best
bid m / 1.1. The dealer quotes an ask and a bid: an ask at or below the best bid sells min(assets, 1) at the ask, a bid
at or above the best ask buys min(1, cash / bid) at the bid. The reward, -((ask - 1.5)^2 + (bid - 0.5)^2), ignores all
of that, so the best policy is constant and known.
"""

import numpy as np

from tfmm.environments.examples import base

TARGET_ASK, TARGET_BID = 1.5, 0.5
SPREAD = 1.1
BALANCE = 64.0
_SCORED, _SEED = 1024, 7


class QuoteTargetSimulator(base.ExampleSimulator):
    """Attributes: cash, assets: (B,) balances, U(0, 64) at the start. price: (B,) m."""

    arrays = ("cash", "assets", "price")

    def __init__(self, settings, rows, seed):
        self._settings = settings
        self.cash, self.assets, self.price = np.zeros(rows), np.zeros(rows), np.ones(rows)
        super().__init__(rows, 4, seed)

    def _begin(self, rows):
        self.cash[rows] = self._random.uniform(0.0, BALANCE, len(rows))
        self.assets[rows] = self._random.uniform(0.0, BALANCE, len(rows))
        self.price[rows] = self._random.uniform(0.5, 1.5, len(rows))

    def _live(self, rows, actions):
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


def quotes(settings, actions):
    """(B, 2) float64 ask and bid that actions (B, 2) in [-1, 1] stand for; settings: config.examples.QuoteTarget."""
    actions = np.clip(np.asarray(actions, np.float64), -1.0, 1.0)
    if settings.action == "prices":
        low, high = settings.price_range
        return low + 0.5 * (actions + 1.0) * (high - low)
    mid = np.exp(settings.log_mid_range * actions[:, 0])
    spread = np.exp(settings.log_spread_range * 0.5 * (actions[:, 1] + 1.0))
    return np.stack([mid * spread, mid / spread], axis=1)


class QuoteTargetTask(base.ExampleTask):
    """quote_target of a configuration."""

    feature_names = ("cash", "assets", "best_ask", "best_bid")

    @property
    def action_names(self):
        return ("ask", "bid") if self.settings.action == "prices" else ("log_mid", "log_spread")

    def simulator(self, split, rows, seed):
        return QuoteTargetSimulator(self.settings, rows, seed)

    def fresh(self, count, seed):
        """(count, 4) observations of episodes that have just begun."""
        one = self.simulator("test", count, seed)
        one.reset()
        return one.observation.copy()

    def score(self, act):
        """Mean reward of the policy over fresh observations."""
        ask, bid = quotes(self.settings, act(self.fresh(_SCORED, _SEED))).T
        reward = float(-((ask - TARGET_ASK) ** 2 + (bid - TARGET_BID) ** 2).mean())
        return {
            "validation/reward": reward,
            "validation/ask_mean": float(ask.mean()),
            "validation/bid_mean": float(bid.mean()),
        }, reward
