"""The decision problem of a configuration on a store: split, scales, rules; simulators for any part of it."""

import dataclasses
from typing import ClassVar

import numpy as np

from tfmm import errors
from tfmm.calibration import drift as drift_lib, inventory_value, reference_quote, scales as scales_lib
from tfmm.config import experiment as experiment_lib
from tfmm.environments import batched, reflection as reflection_lib, task as task_lib
from tfmm.environments.tape import instruments as instruments_lib, parameters as parameters_lib, specs
from tfmm.market import splits, store
from tfmm.models import inventory
from tfmm.simulation import rollout, simulator, state
from tfmm.simulation.dealer import quoting
from tfmm.simulation.exchange import ledger, rules as rules_lib
from tfmm.simulation.rewards import kinds


@dataclasses.dataclass(frozen=True, eq=False)
class TapeTask:
    """Everything fitted outside the agent; train only.

    Attributes:
        config: Config. store: Store. segments: {"train", "validation", "test"}: tuple of Segment.
        scales: calibration.Scales per instrument. rules: schedule.FillRules.
        parameters: (N,) state.PARAMETERS. reward_scale: tick x lot of one reward unit.
        risk: kinds.Risk.
        columns: (F,) feature columns the agent sees. feature_names, action_names: their names.
    """

    config: experiment_lib.Config
    store: store.Store
    segments: dict
    scales: tuple
    rules: rules_lib.FillRules
    parameters: np.ndarray
    reward_scale: float
    risk: kinds.Risk
    columns: np.ndarray
    feature_names: tuple
    action_names: tuple
    reward_centre: ClassVar[float] = 0.0

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
        own = instruments_lib.quoted(config.environment, data.instruments)
        scales = scales_lib.calibrate(data.events, data.instruments, segments["train"], config.rules.order_size, own)
        rules, parameters = parameters_lib.terms(config, data.instruments, scales)
        scale = scales_lib.reward_scale([scales[n] for n in own], parameters["weight"][own])
        risk = parameters_lib._risk(config, data, scales, parameters["weight"], segments["train"], scale)
        columns, names = specs.chosen_features(config.environment, data.instruments)
        out = cls(
            config=config,
            store=data,
            segments=segments,
            scales=scales,
            rules=rules,
            parameters=parameters_lib.with_own_risk(parameters, risk),
            reward_scale=scale,
            risk=risk,
            columns=columns,
            feature_names=names,
            action_names=specs._prefixed(specs._actions(config), [data.instruments[n] for n in own]),
        )
        if "drift" in config.environment.features:
            out = out._scaled(drift_lib.fit(out))
        return out._scaled(reference_quote.fit(out)) if config.environment.residual_range else out

    @classmethod
    def open(cls, config):
        """`create` for a training: the data are verified, and each part that it uses has a window.

        Raises:
            ConfigError, DataError: see create, Store.verify, windows and reflection.
        """
        out = cls.create(config)
        out.store.verify()
        if config.train.reflect:
            _ = out.reflection
        for part in ("train", "validation"):
            out.windows(out.segments[part])
        return out

    def environment(self, split, rows, seed):
        """See task.Task: random windows of a split."""
        sim = self.simulator(self.segments[split], rows or 1, seed, taught=split == "train")
        return batched.BatchedEnvironment(sim, self.action_spec, self.columns, single=rows is None)

    def score(self, act):
        """See task.Task: the objective per hour of all of validation, in consecutive windows, with realised fills."""
        segments = self.segments["validation"]
        windows = self.windows(segments, self.config.environment.window_s)
        sim = self.simulator(segments, len(windows), windows=windows)
        total = float(rollout.run(sim, lambda one: act(self.observe(one))).sum())
        objective = total / (float((windows[:, 2] - windows[:, 1]).sum()) / 3.6e12)
        return {"validation/objective_per_hour": objective}, objective

    def _terms(self, config, instruments, scales):
        """parameters.terms with the risk of this task."""
        rules, parameters = parameters_lib.terms(config, instruments, scales)
        return rules, parameters_lib.with_own_risk(parameters, self.risk)

    def _scaled(self, scales):
        """The same task with more known of its instruments."""
        return dataclasses.replace(
            self, scales=scales, parameters=self._terms(self.config, self.instruments, scales)[1]
        )

    def in_scenario(self, config):
        """The same scales, fits and units in another scenario: fill rules, clients, fees or store of `config`.

        Raises:
            ConfigError, DataError: see `create`; or the store has other instruments.
        """
        data = store.Store.open(config.data.store)
        rules, parameters = self._terms(config, data.instruments, self.scales)
        return dataclasses.replace(
            self,
            config=config,
            store=data,
            segments=splits.split(data, config.data),
            rules=rules,
            parameters=parameters,
        )

    @property
    def action_spec(self):
        return task_lib.continuous_spec(self.action_names)

    @property
    def action_meanings(self):
        return {name: quoting.MEANINGS[name.rpartition(".")[2]] for name in self.action_names}

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
            simulator.Tape(self.store.events, segments, windows),
            self.played(distances, limited, taught),
            rows,
            simulator.Decisions(
                environment.interval_s,
                environment.window_s,
                environment.warmup_s,
                environment.clock,
                environment.interval_quotes,
            ),
            reward=self.reward(taught),
            seed=seed,
            threads=None,
            record=record,
        )

    def reward(self, taught):
        """kinds.Reward of a simulator; taught: of environment.reward, else of the realised profit."""
        out = kinds.Reward(scale=self.reward_scale, risk=self.risk)
        values = self.values() if taught else None
        if not taught:
            return out
        return out._replace(
            kind=kinds.RewardKind[self.config.environment.reward.upper()],
            values=out.values if values is None else values,
            subtracts_reference=inventory_value.subtracts_reference(self),
            markout_ns=round(self.config.environment.markout_s * 1e9),
        )

    def played(self, distances=False, limited=True, taught=False):
        """(N,) state.PARAMETERS that a simulator plays by; arguments see `simulator`."""
        parameters = self.parameters
        if taught and inventory_value.n_spread_states(self) > 1:
            parameters = inventory_value.with_spread_states(self, parameters)
        if not limited:
            parameters = parameters.copy()
            parameters["limit_lot"] = state.FOREVER
        if taught and inventory_value.subtracts_reference(self):
            parameters = parameters_lib.with_base(parameters, reference_quote.fit_once(self))
        if distances:
            parameters = parameters.copy()
            parameters["action"], parameters["sizes"] = state.DISTANCES, 0
        return parameters

    def values(self):
        """(N, X (2 L + 1)) of environment.reward as Simulator takes them, None for `realised_pnl`."""
        return inventory_value.value_function(self)

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
    def reflection(self):
        """See task.Task: of a market. ConfigError: see reflection.of_market."""
        return reflection_lib.of_market(self.feature_names, self.action_names)

    def money_unit(self, n=0):
        """Accounting currency of one tick x lot of instrument n, at the mean rate on train."""
        instruments = self.store.instruments
        first = rules_lib.money_units(instruments, self.parameters)[0]
        if 0 in self.rates:
            first *= self.scales[self.rates[0]].mid_tick * instruments[self.rates[0]].tick_size
        return float(self.parameters["weight"][n] * first)

    def cost_per_s(self, n):
        """What an order of instrument n by itself costs while it is held, tick x order per second."""
        return float(self.parameters["risk"][n])

    def holding_cost(self, n):
        """(2 L + 1,) float64: what holding -L, ..., L orders of instrument n costs per decision, tick x order."""
        limit = self.config.rules.inventory_limit_orders
        orders, power = np.abs(np.arange(-limit, limit + 1)), self.parameters["risk_power"][n]
        units = orders if power == 1.0 else orders**power
        return self.cost_per_s(n) * self.config.environment.interval_s * units

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
        return instruments_lib.rates(self.config, self.store.instruments)

    @property
    def currency(self):
        """Name of the currency that accounts are kept in."""
        return instruments_lib.currency(self.config, self.store.instruments)
