"""The decision problem of a configuration on a store: split, scales, rules; simulators for any part of it."""

import dataclasses

import numpy as np

from tfmm import config as config_lib
from tfmm import errors
from tfmm.environments import base_quote, drift, lessons, markets, mirror
from tfmm.market import splits, store
from tfmm.models import calibration, inventory
from tfmm.simulation import features, ledger, quoting, schedule, simulator, state


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """Everything fitted outside the agent; train only.

    Attributes:
        config: Config. store: Store. segments: {"train", "validation", "test"}: tuple of Segment.
        scales: calibration.Scales per instrument. rules: schedule.FillRules.
        parameters: (N,) state.PARAMETERS. reward_scale: tick x lot of one reward unit.
        risk: (Omega, cost, u) as Simulator takes it, or None.
        columns: (F,) feature columns the agent sees. feature_names, action_names: their names.
    """

    config: config_lib.Config
    store: store.Store
    segments: dict
    scales: tuple
    rules: schedule.FillRules
    parameters: np.ndarray
    reward_scale: float
    risk: tuple | None
    columns: np.ndarray
    feature_names: tuple
    action_names: tuple

    @classmethod
    def create(cls, config):
        """Opens the store, splits it and measures the scales on train.

        Raises:
            ConfigError, DataError: see config, store, splits and calibration.
        """
        if not config.data.store:
            raise errors.ConfigError(
                "data.store is empty, wanted the folder that prepare.py wrote (--set data.store=DIR)"
            )
        data = store.Store.open(config.data.store)
        segments = splits.split(data, config.data)
        own = markets.quoted(config.environment, data.instruments)
        scales = calibration.calibrate(data.events, data.instruments, segments["train"], config.rules.order_size, own)
        rules, parameters = terms(config, data.instruments, scales)
        scale = calibration.reward_scale([scales[n] for n in own], parameters["weight"][own])
        columns, names = chosen_features(config.environment, data.instruments)
        out = cls(
            config=config,
            store=data,
            segments=segments,
            scales=scales,
            rules=rules,
            parameters=parameters,
            reward_scale=scale,
            risk=_risk(config, data, scales, parameters["weight"], segments["train"], scale),
            columns=columns,
            feature_names=names,
            action_names=_prefixed(_actions(config), [data.instruments[n] for n in own]),
        )
        if "drift" in config.environment.features:
            out = out._scaled(drift.fitted(out))
        return out._scaled(base_quote.fitted(out)) if config.environment.residual else out

    def _scaled(self, scales):
        """The same problem with more known of its instruments."""
        return dataclasses.replace(self, scales=scales, parameters=terms(self.config, self.instruments, scales)[1])

    def elsewhere(self, config):
        """The same scales, fits and units in another world: fill rules, clients, fees or store of `config`.

        Raises:
            ConfigError, DataError: see `create`; or the store has other instruments.
        """
        data = store.Store.open(config.data.store)
        rules, parameters = terms(config, data.instruments, self.scales)
        return dataclasses.replace(
            self,
            config=config,
            store=data,
            segments=splits.split(data, config.data),
            rules=rules,
            parameters=parameters,
        )

    @property
    def ends(self):
        """Whether the end of a window is the end for the agent too."""
        return self.config.environment.liquidate

    @property
    def data_hash(self):
        return self.store.data_hash

    @property
    def instruments(self):
        return self.store.instruments

    @property
    def drawn(self):
        """Whether there are fills that a replay of the quotes cannot know: of clients, hedges, liquidation."""
        return self.config.clients.rate_s > 0 or self.config.rules.hedge != "none" or self.config.environment.liquidate

    def simulator(
        self, segments, rows, seed=0, windows=None, distances=False, record=False, limited=True, taught=False
    ):
        """A Simulator on the given segments.

        Args:
            segments: sequence of Segment. rows: B. windows: None for random windows, else (W, 3).
            record: keep the fills of every step.
            distances: actions are raw distances from the mid in ticks instead of the agent's actions; where the
                agent hedges the share that is closed may follow them, see quoting.padded.
            limited: False lifts the inventory limits. taught: rewards are those of environment.reward, else drawn.
        """
        environment = self.config.environment
        return simulator.Simulator(
            self.store.events,
            self.played(distances, limited, taught),
            segments,
            rows,
            interval_s=environment.interval_s,
            window_s=environment.window_s,
            warmup_s=environment.warmup_s,
            seed=seed,
            windows=windows,
            reward_scale=self.reward_scale,
            risk=self.risk,
            threads=None,
            values=self.values() if taught else None,
            record=record,
            clock=(environment.clock, environment.interval_quotes),
        )

    def played(self, distances=False, limited=True, taught=False):
        """(N,) state.PARAMETERS that a simulator plays by; arguments see `simulator`."""
        parameters = self.parameters
        if taught and self.config.environment.reward in lessons.MARKED_LATER:
            parameters = parameters.copy()
            parameters["markout_ns"] = round(self.config.environment.markout_s * 1e9)
        if taught and lessons.spread_states(self) > 1:
            parameters = lessons.with_spreads(self, parameters)
        if not limited:
            parameters = parameters.copy()
            parameters["limit_lot"] = state.FOREVER
        if taught and lessons.compares(self):
            parameters = calibration.with_base(parameters, base_quote.known(self))
            parameters["compared"] = 1
        if distances:
            parameters = parameters.copy()
            parameters["action"], parameters["sizes"] = state.DISTANCES, 0
        return parameters

    def values(self):
        """(N, X (2 L + 1)) of environment.reward as Simulator takes them, None for `drawn`."""
        return lessons.values(self)

    def windows(self, segments, window_s=0.0):
        """(W, 3) consecutive windows of the segments; window_s 0: one each. ConfigError where none fits."""
        environment = self.config.environment
        out = simulator.consecutive_windows(segments, window_s, environment.warmup_s, environment.interval_s)
        if not len(out):
            raise errors.ConfigError(
                f"data: no part of {', '.join(one.session for one in segments)} is longer than warmup_s "
                f"{environment.warmup_s:g} and two intervals of {environment.interval_s:g} s"
            )
        return out

    def observe(self, sim):
        """(B, F) float32: the chosen features of a simulator's last step, a fresh array."""
        return sim.observation[:, self.columns]

    @property
    def mirror(self):
        """mirror.Mirror of what the agent sees and does. ConfigError: see mirror.of_market."""
        return mirror.of_market(self.feature_names, self.action_names)

    def money_unit(self, n=0):
        """Accounting currency of one tick x lot of instrument n, at the mean rate on train."""
        instruments = self.store.instruments
        first = schedule.money_units(instruments, self.parameters)[0]
        if 0 in self.rates:
            first *= self.scales[self.rates[0]].mid_tick * instruments[self.rates[0]].tick_size
        return float(self.parameters["weight"][n] * first)

    def cost_per_s(self, n):
        """What an order of instrument n by itself costs while it is held, tick x order per second."""
        if self.risk is None:
            return float(self.parameters["risk"][n])
        omega, cost, power = self.risk
        return cost * omega[n, n] ** power / float(self.parameters["weight"][n] * self.parameters["order_lot"][n])

    def holding_cost(self, n):
        """(2 L + 1,) float64: what holding -L, ..., L orders of instrument n costs per decision, tick x order."""
        limit = self.config.rules.inventory_limit_orders
        return self.cost_per_s(n) * self.config.environment.interval_s * np.abs(np.arange(-limit, limit + 1))

    def hedge(self, n, half_spread_tick=None):
        """inventory.Hedge of instrument n at its mean price and, where no other is given, its mean half-spread, tick x
        order; None where nothing is hedged."""
        rules, scale = self.config.rules, self.scales[n]
        if rules.hedge == "none":
            return None
        reference = self.parameters["reference_tick"][n]
        fee = self.parameters["taker_rate"][n] * ledger.notional(scale.mid_tick, reference)
        keep = rules.hedge_limit_orders if rules.hedge == "limit" else None
        half = scale.half_spread_tick if half_spread_tick is None else half_spread_tick
        return inventory.Hedge(half + fee, keep)

    @property
    def rates(self):
        """{instrument: instrument of its rate}, see markets.rates."""
        return markets.rates(self.config, self.store.instruments)

    @property
    def currency(self):
        """Name of the currency that accounts are kept in."""
        return markets.currency(self.config, self.store.instruments)


def terms(config, instruments, scales):
    """(FillRules, (N,) state.PARAMETERS) of a configuration; scales: one calibration.Scales per instrument."""
    rules = schedule.FillRules(
        touch=config.rules.touch,
        marketable=config.rules.marketable,
        partial=config.rules.partial,
        latency_ns=_ns(config.rules.latency_s),
        maker_fee_bps=config.rules.maker_fee_bps,
        taker_fee_bps=config.rules.taker_fee_bps,
        cash_limit=config.rules.cash_limit or None,
        gap_ns=round(config.rules.gap_s * 1e9) or None,
    )
    references = [one.mid_tick if own.inverse else 0.0 for one, own in zip(scales, instruments, strict=True)]
    base = schedule.parameters(instruments, rules, references)
    limit = config.rules.inventory_limit_orders
    parameters = calibration.parameters(scales, base, config.environment, limit, config.clients, config.rules)
    markets.fill_in(parameters, config.environment, instruments)
    units = schedule.money_units(instruments, parameters)
    markets.convert(parameters, units, instruments, markets.rates(config, instruments), scales)
    return rules, parameters


def _risk(config, data, scales, weights, train, scale):
    """(Omega, cost of one unit for a second, u) of environment.risk; None for `absolute`."""
    environment, count = config.environment, len(scales)
    if environment.risk == "absolute":
        return None
    if not environment.omega:
        omega = calibration.covariance(data.events, scales, weights, train)
    else:
        if any(len(row) != count for row in environment.omega) or len(environment.omega) != count:
            raise errors.ConfigError(f"environment.omega is not {count} x {count}, wanted a row for each instrument")
        omega = np.array(environment.omega)
        if not np.allclose(omega, omega.T) or np.linalg.eigvalsh(omega)[0] < -1e-12:
            raise errors.ConfigError("environment.omega has a negative direction, wanted a covariance matrix")
    return omega, environment.risk_aversion * scale, environment.risk_power


def _ns(seconds):
    """ns of seconds, one number or one for each instrument."""
    return tuple(round(one * 1e9) for one in seconds) if isinstance(seconds, tuple) else round(seconds * 1e9)


def _actions(config):
    """Names of the components of an action for one instrument."""
    sizes = quoting.SIZE_NAMES if config.environment.sizes else ()
    hedge = quoting.HEDGE_NAMES if config.rules.hedge == "action" else ()
    prices = quoting.ACTION_NAMES[config.environment.action]
    if config.environment.residual:
        prices = quoting.CORRECTION_NAMES[config.environment.base]
    return (*prices, *sizes, *hedge)


def chosen_features(environment, instruments):
    """((F,) columns, names) of the features of every quoted instrument that an agent sees; ConfigError: unknown one."""
    unknown = [name for name in environment.features if name not in features.NAMES]
    if unknown:
        raise errors.ConfigError(
            f"environment.features: unknown feature {unknown[0]}, wanted some of {', '.join(features.NAMES)}"
        )
    own = markets.quoted(environment, instruments)
    names = environment.features or features.DEFAULT
    width = len(features.NAMES)
    columns = [n * width + features.NAMES.index(name) for n in own for name in names]
    return np.array(columns), _prefixed(names, [instruments[n] for n in own])


def _prefixed(names, instruments):
    if len(instruments) == 1:
        return tuple(names)
    return tuple(f"{one.symbol}.{name}" for one in instruments for name in names)
