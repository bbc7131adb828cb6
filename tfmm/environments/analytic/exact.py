"""Exact evaluation of policies on analytic models: a policy is asked in every state, and its quotes are evaluated."""

import abc
from typing import ClassVar

import numpy as np

from tfmm.arrays import Array, Floats, Floats32
from tfmm.config.analytic import Model
from tfmm.environments.analytic import quotes
from tfmm.models import avellaneda_stoikov, dealer_hedging, simple, vector

_HEDGING = "hedge_rate", "optimal_hedge_rate"
_COLUMNS = ("inventory", "ask_distance", "bid_distance", "optimal_ask_distance", "optimal_bid_distance")
_DISTANCES = np.linspace(0.0, 3.0, 121)  # that constant quotes try


Gap = dict[str, float]
"""What simple.shortfall returns: value, policy_value, ratio, max_gap."""


class Exact(abc.ABC):
    """One model whose state is time and inventory alone.

    Attributes:
        columns: of the table `by_inventory`.
    """

    columns: ClassVar[tuple[str, ...]]

    @abc.abstractmethod
    def observations(self) -> Floats32:
        """(S, F) float32 of all S states."""

    @abc.abstractmethod
    def gap(self, actions: Array) -> Gap:
        """simple.shortfall of the policy that takes actions (S, A) at `observations`."""

    @abc.abstractmethod
    def by_inventory(self, actions: Array) -> Floats:
        """(K, len(columns)) float64: the policy beside the optimal one; NaN on a side that the limit forbids."""

    @abc.abstractmethod
    def baselines(self) -> dict[str, Gap]:
        """{name: simple.shortfall} of simple strategies, each with its best parameters."""

    def hedge_rates_by_clients(self) -> dict[str, Floats]:
        """{label: (2 L + 1,) optimal hedge rates}; empty for a model without hedging."""
        return {}


def create(settings: Model) -> Exact | None:
    """The exact evaluation of a model, or None where its state is more than time and inventory."""
    if settings.mid == "mean_reverting" or settings.branching or settings.spread_sigma or settings.delay:
        return None
    if settings.horizon:
        return AvellanedaStoikov(settings)
    if len(settings.omega) > 1:
        return Currencies(settings)
    return Hedging(settings) if settings.hedge_rate else Simple(settings)


class Simple(Exact):
    """One currency, endless: models.simple."""

    columns: ClassVar[tuple[str, ...]] = _COLUMNS

    def __init__(self, settings: Model) -> None:
        self._settings, self._curve = settings, quotes.fill_curve(settings)
        self.model = simple.Model(
            self._curve,
            settings.risk * settings.step * settings.omega[0][0] ** settings.risk_power,
            settings.beta,
            settings.limit,
            settings.distance_range[1],
            settings.risk_power,
        )

    def observations(self) -> Floats32:
        """(2 L + 1, 1) float32."""
        return (self.model.inventories / self.model.limit).astype(np.float32)[:, np.newaxis]

    def gap(self, actions: Array) -> Gap:
        """simple.shortfall of the actions (2 L + 1, 2)."""
        return simple.gap(self.model, *quotes.distances(self._settings, actions).T)

    def by_inventory(self, actions: Array) -> Floats:
        """(2 L + 1, 5) float64: `columns`; NaN on a side that the limit forbids."""
        best = simple.solve(self.model)
        quoted = quotes.distances(self._settings, actions)
        quoted[np.isnan(np.stack([best.ask, best.bid], axis=1))] = np.nan
        return np.column_stack([self.model.inventories, quoted, best.ask, best.bid])

    def baselines(self) -> dict[str, Gap]:
        """{name: simple.shortfall} of the best constant distance and the best linear skew."""
        inventory = self.model.inventories
        tried = {
            "fixed_spread": [(d, 0.0) for d in _DISTANCES],
            "linear_skew": [(d, s) for d in _DISTANCES[::2] for s in np.linspace(0.0, 0.4, 21)],
        }
        out = {}
        for name, pairs in tried.items():
            scores = [simple.gap(self.model, *quotes.skewed(d, s, inventory).T) for d, s in pairs]
            out[name] = max(scores, key=_value)
        return out


class AvellanedaStoikov(Exact):
    """One currency with a horizon: the decision problem of models.avellaneda_stoikov. States run over time, then Q."""

    columns = _COLUMNS

    def __init__(self, settings: Model) -> None:
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
        self._inventory = np.arange(-settings.limit, settings.limit + 1)

    def observations(self) -> Floats32:
        """(steps x (2 L + 1), 2) float32: share of time left, inventory / limit."""
        steps = self.model.steps
        left = np.repeat((steps - np.arange(steps)) / steps, len(self._inventory))
        return np.column_stack([left, np.tile(self._inventory / self.model.limit, steps)]).astype(np.float32)

    def gap(self, actions: Array) -> Gap:
        """simple.shortfall of the actions at `observations`, over all times and inventories."""
        return self._gap(self._policy(actions))

    def by_inventory(self, actions: Array) -> Floats:
        """(2 L + 1, 5) float64: `columns` at the start of the horizon; NaN on a side that the limit forbids."""
        _, best = self._solution()
        quoted = self._policy(actions)[0]
        quoted[np.isnan(best[0])] = np.nan
        return np.column_stack([self._inventory, quoted, best[0]])

    def baselines(self) -> dict[str, Gap]:
        """{name: simple.shortfall}: the best constant distance, Avellaneda and Stoikov's strategy with gamma = .1, and
        the best linear skew that ignores time."""
        shape = (self.model.steps, len(self._inventory), 2)
        constant = [np.full(shape, d) for d in _DISTANCES[::4]]
        half = 1.0 / self.model.k
        skews = [np.broadcast_to(quotes.skewed(half, s, self._inventory), shape) for s in np.linspace(0.0, 0.4, 41)]
        out = {"avellaneda_stoikov": self._gap(avellaneda_stoikov.distances(self.model, 0.1))}
        for name, policies in (("fixed_spread", constant), ("linear_skew", skews)):
            out[name] = max(map(self._gap, policies), key=_value)
        return out

    def optimal_distances(self) -> Floats:
        """(steps x (2 L + 1), 2) at `observations`; NaN on a side that the limit forbids."""
        return self._solution()[1].reshape(-1, 2)

    def _policy(self, actions):
        return quotes.distances(self._settings, actions).reshape(self.model.steps, len(self._inventory), 2)

    def _solution(self):
        return avellaneda_stoikov.solve(self.model, self._phi, grid=301)

    def _gap(self, policy):
        value = avellaneda_stoikov.evaluate(self.model, self._phi, policy)
        return simple.shortfall(self._solution()[0], value, (0, self.model.limit))


class Hedging(Simple):
    """One currency whose dealer may trade away inventory: models.dealer_hedging."""

    columns = (*_COLUMNS, *_HEDGING)

    def __init__(self, settings: Model) -> None:
        super().__init__(settings)
        self.dealer = dealer_hedging.Model(
            self.model,
            settings.step,
            settings.hedge_rate,
            settings.hedge_cost,
            settings.hedge_impact,
            settings.hedge_permanent,
        )

    def gap(self, actions: Array) -> Gap:
        """simple.shortfall of the actions (2 L + 1, 3)."""
        ask, bid = quotes.distances(self._settings, actions[:, :2]).T
        return dealer_hedging.gap(self.dealer, ask, bid, self._rate(actions))

    def by_inventory(self, actions: Array) -> Floats:
        """(2 L + 1, 7) float64: `columns` and the rates of hedging, orders per unit of time, above 0 bought."""
        best = dealer_hedging.solve(self.dealer)
        quoted = quotes.distances(self._settings, actions[:, :2])
        quoted[np.isnan(np.stack([best.ask, best.bid], axis=1))] = np.nan
        rates = self._rate(actions), best.hedge_rate
        return np.column_stack([self.model.inventories, quoted, best.ask, best.bid, *rates])

    def baselines(self) -> dict[str, Gap]:
        """{name: simple.shortfall} of the best linear skew that never hedges, and of the best one that hedges at a
        constant rate beyond an inventory, both chosen."""
        inventory = self.model.inventories
        pairs = [(d, s) for d in _DISTANCES[20:61:4] for s in np.linspace(0.0, 0.2, 11)]
        levels = [(level, share) for level in range(self.model.limit) for share in (0.25, 0.5, 1.0)]
        skews = [quotes.skewed(d, s, inventory).T for d, s in pairs]
        no_hedge = np.zeros(len(inventory))
        unhedged = max((dealer_hedging.gap(self.dealer, ask, bid, no_hedge) for ask, bid in skews), key=_value)
        rates = [
            np.where(np.abs(inventory) > level, -np.sign(inventory) * share * self.dealer.max_rate, 0.0)
            for level, share in levels
        ]
        hedged = max(
            (dealer_hedging.gap(self.dealer, ask, bid, rate) for ask, bid in skews for rate in rates), key=_value
        )
        return {"linear_skew": unhedged, "linear_skew_hedged": hedged}

    def hedge_rates_by_clients(self) -> dict[str, Floats]:
        """{label: (2 L + 1,) optimal hedge rates} with the clients of the settings and with twice as many."""
        arrival_probability = self._curve.arrival_probability
        out = {}
        for times in (1, 2):
            if times * arrival_probability <= 1.0:
                curve = self._curve._replace(arrival_probability=times * arrival_probability)
                clients = self.model._replace(curve=curve)
                best = dealer_hedging.solve(self.dealer._replace(clients=clients)).hedge_rate
                out["clients" if times == 1 else "twice the clients"] = best
        return out

    def _rate(self, actions):
        action, deadband = np.clip(np.asarray(actions[:, 2], np.float64), -1.0, 1.0), self._settings.hedge_deadband
        beyond = np.maximum(0.0, np.abs(action) - deadband)
        rate = np.sign(action) * beyond / (1.0 - deadband) * self.dealer.max_rate
        return dealer_hedging.allowed_rate(self.dealer, rate)


class Currencies(Exact):
    """Two currencies, endless: models.vector."""

    columns = (
        "inventory", "inventory_2", "ask_distance", "bid_distance", "ask_distance_2", "bid_distance_2",
        "optimal_ask_distance", "optimal_bid_distance", "optimal_ask_distance_2", "optimal_bid_distance_2",
    )  # fmt: skip

    def __init__(self, settings: Model) -> None:
        self._settings = settings
        limits = (settings.limit, settings.limit)
        self.model = vector.Model(
            quotes.fill_curve(settings),
            settings.risk * settings.step,
            settings.omega,
            settings.risk_power,
            limits,
            settings.beta,
            settings.distance_range[1],
        )
        self._start = len(self.model.inventories) // 2

    def observations(self) -> Floats32:
        """((2 L + 1)^2, 2) float32."""
        return (self.model.inventories / self._settings.limit).astype(np.float32)

    def gap(self, actions: Array) -> Gap:
        """simple.shortfall of the actions ((2 L + 1)^2, 4)."""
        return self._gap(quotes.distances(self._settings, actions).reshape(-1, 2, 2))

    def by_inventory(self, actions: Array) -> Floats:
        """((2 L + 1)^2, 10) float64: `columns`; NaN on a side that the limit forbids."""
        best = vector.solve(self.model).distances.reshape(-1, 4)
        quoted = quotes.distances(self._settings, actions)
        quoted[np.isnan(best)] = np.nan
        return np.column_stack([self.model.inventories, quoted, best])

    def baselines(self) -> dict[str, Gap]:
        """{name: simple.shortfall}: the best constant distance, the best linear skew of each currency by its own
        inventory, and the best skew by (Omega Q)_n, the risk that an order of currency n adds."""
        inventory = self.model.inventories
        skews, halves = np.linspace(0.0, 0.3, 13), _DISTANCES[32:49:4]
        tried = {
            "fixed_spread": [np.full((len(inventory), 2, 2), d) for d in _DISTANCES[::4]],
            "linear_skew": [quotes.skewed_each(d, s, inventory) for d in halves for s in skews],
            "linear_skew_omega": [
                quotes.skewed_each(d, s, inventory @ np.array(self._settings.omega)) for d in halves for s in skews
            ],
        }
        return {name: max(map(self._gap, policies), key=_value) for name, policies in tried.items()}

    def _gap(self, policy):
        return simple.shortfall(vector.solve(self.model).value, vector.evaluate(self.model, policy), self._start)


def _value(gap):
    return gap["policy_value"]
