"""Policies on the models judged exactly: every state is shown to the policy, and its quotes are evaluated.

Each class knows one model: `observations()` are the features of all states, `gap(actions)` scores the actions given
there, `by_inventory(actions)` lists them beside the optimal ones, `baselines()` scores simple strategies.
"""

import numpy as np

from tfmm.models import avellaneda_stoikov, curves, simple

COLUMNS = ("inventory", "ask_distance", "bid_distance", "optimal_ask_distance", "optimal_bid_distance")
_CONSTANTS = np.linspace(0.0, 3.0, 121)


def create(settings):
    """The exact counterpart of a model_settings.Model, or None where the state is more than time and inventory."""
    if settings.mid == "mean_reverting" or settings.branching or settings.spread_sigma or settings.delay:
        return None
    return AvellanedaStoikov(settings) if settings.horizon else Simple(settings)


def curve(settings):
    """The fill curve of the settings, clients who may not come included."""
    return curves.Curve(
        settings.curve, settings.k, settings.middle, settings.touch, settings.rate * settings.step, settings.table
    )


def distances(settings, actions):
    """Distances from the mid, market spreads, that actions in [-1, 1] stand for."""
    low, high = settings.distance_range
    return low + 0.5 * (np.asarray(actions, np.float64) + 1.0) * (high - low)


class Simple:
    """One currency without end: models.simple."""

    columns = COLUMNS

    def __init__(self, settings):
        self._settings = settings
        self.model = simple.Model(
            curve(settings),
            settings.risk * settings.step * settings.omega[0][0] ** settings.risk_power,
            settings.beta,
            settings.limit,
            settings.distance_range[1],
            settings.risk_power,
        )

    def observations(self):
        """(2 L + 1, 1) float32."""
        return (self.model.inventories / self.model.limit).astype(np.float32)[:, np.newaxis]

    def gap(self, actions):
        """simple.shortfall of the actions (2 L + 1, 2)."""
        return simple.gap(self.model, *distances(self._settings, actions).T)

    def by_inventory(self, actions):
        """(2 L + 1, 5) float64: COLUMNS; NaN on a side that the limit forbids."""
        best = simple.solve(self.model)
        own = distances(self._settings, actions)
        own[np.isnan(np.stack([best.ask, best.bid], axis=1))] = np.nan
        return np.column_stack([self.model.inventories, own, best.ask, best.bid])

    def baselines(self):
        """{name: simple.shortfall} of the best constant distance and the best linear skew."""
        held = self.model.inventories
        tried = {
            "fixed_spread": [(d, 0.0) for d in _CONSTANTS],
            "linear_skew": [(d, s) for d in _CONSTANTS[::2] for s in np.linspace(0.0, 0.4, 21)],
        }
        out = {}
        for name, pairs in tried.items():
            scores = [simple.gap(self.model, *_skewed(d, s, held).T) for d, s in pairs]
            out[name] = max(scores, key=lambda one: one["policy_value"])
        return out


class AvellanedaStoikov:
    """One currency with a horizon: the decision problem of models.avellaneda_stoikov. States run over time, then Q."""

    columns = COLUMNS

    def __init__(self, settings):
        self._settings = settings
        self.model = avellaneda_stoikov.Model(
            horizon=settings.horizon,
            step=settings.step,
            sigma=settings.sigma,
            rate=settings.rate,
            decay=settings.k,
            limit=settings.limit,
            far=settings.distance_range[1],
        )
        self._phi = settings.risk * settings.omega[0][0]
        self._held = np.arange(-settings.limit, settings.limit + 1)

    def observations(self):
        """(steps x (2 L + 1), 2) float32: share of time left, inventory / limit."""
        steps = self.model.steps
        left = np.repeat((steps - np.arange(steps)) / steps, len(self._held))
        return np.column_stack([left, np.tile(self._held / self.model.limit, steps)]).astype(np.float32)

    def gap(self, actions):
        """simple.shortfall of the actions at `observations`, over all times and inventories."""
        return self._gap(self._policy(actions))

    def by_inventory(self, actions):
        """(2 L + 1, 5) float64: COLUMNS at the start of the horizon; NaN on a side that the limit forbids."""
        _, best = self._solution()
        own = self._policy(actions)[0]
        own[np.isnan(best[0])] = np.nan
        return np.column_stack([self._held, own, best[0]])

    def baselines(self):
        """{name: simple.shortfall}: best constant, their strategy with gamma = .1, best time-free linear skew."""
        shape = (self.model.steps, len(self._held), 2)
        constant = [np.full(shape, d) for d in _CONSTANTS[::4]]
        half = 1.0 / self.model.decay
        skews = [np.broadcast_to(_skewed(half, s, self._held), shape) for s in np.linspace(0.0, 0.4, 41)]
        out = {"avellaneda_stoikov": self._gap(avellaneda_stoikov.distances(self.model, 0.1))}
        for name, policies in (("fixed_spread", constant), ("linear_skew", skews)):
            out[name] = max((self._gap(one) for one in policies), key=lambda one: one["policy_value"])
        return out

    def _policy(self, actions):
        return distances(self._settings, actions).reshape(self.model.steps, len(self._held), 2)

    def _solution(self):
        return avellaneda_stoikov.solve(self.model, self._phi, grid=301)

    def _gap(self, policy):
        own = avellaneda_stoikov.evaluate(self.model, self._phi, policy)
        return simple.shortfall(self._solution()[0], own, (0, self.model.limit))


def _skewed(half, skew, held):
    """(2 L + 1, 2) ask and bid distance half -/+ skew x inventory, not below the mid."""
    return np.maximum(np.column_stack([half - skew * held, half + skew * held]), 0.0)
