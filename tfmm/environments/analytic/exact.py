"""Policies on the models judged exactly: every state is shown to the policy, and its quotes are evaluated.

Each class knows one model: `observations()` are the features of all states, `gap(actions)` scores the actions given
there, `by_inventory(actions)` lists them beside the optimal ones, `baselines()` scores simple strategies.
"""

import numpy as np

from tfmm.models import avellaneda_stoikov, curves, dealer_hedging, simple, vector

_HEDGING = "hedge_rate", "optimal_hedge_rate"
COLUMNS = ("inventory", "ask_distance", "bid_distance", "optimal_ask_distance", "optimal_bid_distance")
_CONSTANTS = np.linspace(0.0, 3.0, 121)


def create(settings):
    """The exact counterpart of a model_settings.Model, or None where the state is more than time and inventory."""
    if settings.mid == "mean_reverting" or settings.branching or settings.spread_sigma or settings.delay:
        return None
    if settings.horizon:
        return AvellanedaStoikov(settings)
    if len(settings.omega) > 1:
        return Currencies(settings)
    return Hedging(settings) if settings.hedge_rate else Simple(settings)


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

    columns: tuple[str, ...] = COLUMNS

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
            out[name] = max(scores, key=_value)
        return out


class AvellanedaStoikov:
    """One currency with a horizon: the decision problem of models.avellaneda_stoikov. States run over time, then Q."""

    columns: tuple[str, ...] = COLUMNS

    def __init__(self, settings):
        self._settings = settings
        self.model = avellaneda_stoikov.Model(
            horizon=settings.horizon,
            dt=settings.step,
            sigma=settings.sigma,
            A=settings.rate,
            k=settings.k,
            limit=settings.limit,
            max_distance=settings.distance_range[1],
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
        half = 1.0 / self.model.k
        skews = [np.broadcast_to(_skewed(half, s, self._held), shape) for s in np.linspace(0.0, 0.4, 41)]
        out = {"avellaneda_stoikov": self._gap(avellaneda_stoikov.distances(self.model, 0.1))}
        for name, policies in (("fixed_spread", constant), ("linear_skew", skews)):
            out[name] = max(map(self._gap, policies), key=_value)
        return out

    def optimal_distances(self):
        """(steps x (2 L + 1), 2) at `observations`; NaN on a side that the limit forbids."""
        return self._solution()[1].reshape(-1, 2)

    def _policy(self, actions):
        return distances(self._settings, actions).reshape(self.model.steps, len(self._held), 2)

    def _solution(self):
        return avellaneda_stoikov.solve(self.model, self._phi, grid=301)

    def _gap(self, policy):
        own = avellaneda_stoikov.evaluate(self.model, self._phi, policy)
        return simple.shortfall(self._solution()[0], own, (0, self.model.limit))


class Hedging(Simple):
    """One currency whose dealer may trade away inventory: models.dealer_hedging."""

    columns = (*COLUMNS, *_HEDGING)

    def __init__(self, settings):
        super().__init__(settings)
        self.dealer = dealer_hedging.Model(
            self.model,
            settings.step,
            settings.hedge_rate,
            settings.hedge_cost,
            settings.hedge_impact,
            settings.hedge_permanent,
        )

    def gap(self, actions):
        """simple.shortfall of the actions (2 L + 1, 3)."""
        return dealer_hedging.gap(self.dealer, *distances(self._settings, actions[:, :2]).T, self._rate(actions))

    def by_inventory(self, actions):
        """(2 L + 1, 7) float64: COLUMNS and the rates of hedging, orders per unit of time, above 0 bought."""
        best = dealer_hedging.solve(self.dealer)
        own = distances(self._settings, actions[:, :2])
        own[np.isnan(np.stack([best.ask, best.bid], axis=1))] = np.nan
        return np.column_stack([self.model.inventories, own, best.ask, best.bid, self._rate(actions), best.hedge_rate])

    def baselines(self):
        """{name: simple.shortfall} of the best linear skew that never hedges, and of the best one that hedges at a
        constant rate beyond the best inventory."""
        held = self.model.inventories
        pairs = [(d, s) for d in _CONSTANTS[20:61:4] for s in np.linspace(0.0, 0.2, 11)]
        levels = [(level, share) for level in range(self.model.limit) for share in (0.25, 0.5, 1.0)]
        quotes = [_skewed(d, s, held).T for d, s in pairs]
        still = np.zeros(len(held))
        inside = max((dealer_hedging.gap(self.dealer, *one, still) for one in quotes), key=_value)
        rates = [
            np.where(np.abs(held) > level, -np.sign(held) * share * self.dealer.max_rate, 0.0)
            for level, share in levels
        ]
        beyond = max((dealer_hedging.gap(self.dealer, *one, rate) for one in quotes for rate in rates), key=_value)
        return {"linear_skew": inside, "linear_skew_hedged": beyond}

    def franchises(self):
        """{label: (2 L + 1,) optimal rates} with the clients of the settings and with twice as many."""
        arrival_probability = self.model.curve.arrival_probability
        out = {}
        for times in (1, 2):
            if times * arrival_probability <= 1.0:
                fill_curve = self.model.curve._replace(arrival_probability=times * arrival_probability)
                clients = self.model._replace(curve=fill_curve)
                best = dealer_hedging.solve(self.dealer._replace(clients=clients)).hedge_rate
                out["clients" if times == 1 else "twice the clients"] = best
        return out

    def _rate(self, actions):
        action, dead = np.clip(np.asarray(actions[:, 2], np.float64), -1.0, 1.0), self._settings.hedge_deadband
        rate = np.sign(action) * np.maximum(0.0, np.abs(action) - dead) / (1.0 - dead) * self.dealer.max_rate
        return dealer_hedging.allowed_rate(self.dealer, rate)


class Currencies:
    """Two currencies without end: models.vector."""

    columns = (
        "inventory", "inventory_2", "ask_distance", "bid_distance", "ask_distance_2", "bid_distance_2",
        "optimal_ask_distance", "optimal_bid_distance", "optimal_ask_distance_2", "optimal_bid_distance_2",
    )  # fmt: skip

    def __init__(self, settings):
        self._settings = settings
        limits = (settings.limit, settings.limit)
        self.model = vector.Model(
            curve(settings),
            settings.risk * settings.step,
            settings.omega,
            settings.risk_power,
            limits,
            settings.beta,
            settings.distance_range[1],
        )
        self._start = len(self.model.inventories) // 2

    def observations(self):
        """((2 L + 1)^2, 2) float32."""
        return (self.model.inventories / self._settings.limit).astype(np.float32)

    def gap(self, actions):
        """simple.shortfall of the actions ((2 L + 1)^2, 4)."""
        return self._gap(distances(self._settings, actions).reshape(-1, 2, 2))

    def by_inventory(self, actions):
        """((2 L + 1)^2, 10) float64: `columns`; NaN on a side that the limit forbids."""
        best = vector.solve(self.model).distances.reshape(-1, 4)
        own = distances(self._settings, actions)
        own[np.isnan(best)] = np.nan
        return np.column_stack([self.model.inventories, own, best])

    def baselines(self):
        """{name: simple.shortfall}: the best constant distance, the best linear skew of each currency by itself, and
        the best that skews by (Omega Q)_n, the risk that an order of currency n adds."""
        held = self.model.inventories
        skews, halves = np.linspace(0.0, 0.3, 13), _CONSTANTS[32:49:4]
        tried = {
            "fixed_spread": [np.full((len(held), 2, 2), d) for d in _CONSTANTS[::4]],
            "linear_skew": [_skewed_each(d, s, held) for d in halves for s in skews],
            "linear_skew_omega": [
                _skewed_each(d, s, held @ np.array(self._settings.omega)) for d in halves for s in skews
            ],
        }
        return {name: max(map(self._gap, policies), key=_value) for name, policies in tried.items()}

    def _gap(self, policy):
        return simple.shortfall(vector.solve(self.model).value, vector.evaluate(self.model, policy), self._start)


def _value(gap):
    return gap["policy_value"]


def _skewed_each(half, skew, held):
    """(S, N, 2) distances of _skewed for each of N currencies."""
    return np.stack([_skewed(half, skew, held[:, n]) for n in range(held.shape[1])], axis=1)


def _skewed(half, skew, held):
    """(2 L + 1, 2) ask and bid distance half -/+ skew x inventory, not below the mid."""
    return np.maximum(np.column_stack([half - skew * held, half + skew * held]), 0.0)
