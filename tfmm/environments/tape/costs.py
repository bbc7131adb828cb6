"""What trading and holding cost on a tape: money units, price of inventory risk, hedges."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmm import errors
from tfmm.arrays import Floats, Records
from tfmm.calibration import covariance
from tfmm.calibration.scales import Scales
from tfmm.config.experiment import Config
from tfmm.environments.tape import instruments as instruments_lib
from tfmm.market import store as store_lib
from tfmm.market.schema import Instrument
from tfmm.market.splits import Segment
from tfmm.models import inventory
from tfmm.simulation.exchange import fees, rules as rules_lib
from tfmm.simulation.rewards import kinds


@dataclasses.dataclass(frozen=True)
class Costs:
    """Costs of N instruments, indexed by instrument n.

    Attributes:
        scales: one for each instrument. parameters: (N,) state.PARAMETERS.
    """

    config: Config
    instruments: Sequence[Instrument]
    scales: Sequence[Scales]
    parameters: Records

    def money_unit(self, n: int) -> float:
        """Account currency of one tick x lot, at the mean rate on train."""
        first = rules_lib.money_units(self.instruments, self.parameters)[0]
        rates = instruments_lib.rates(self.config, self.instruments)
        if 0 in rates:
            first *= self.scales[rates[0]].mid_tick * self.instruments[rates[0]].tick_size
        return float(self.parameters["weight"][n] * first)

    def risk_per_s(self, n: int) -> float:
        """Cost of holding one order, without other inventory, for a second, tick x order."""
        return float(self.parameters["risk"][n])

    def holding_cost(self, n: int) -> Floats:
        """(2 L + 1,) float64 cost of holding -L, ..., L orders per decision, tick x order."""
        limit = self.config.rules.inventory_limit_orders
        orders, power = np.abs(np.arange(-limit, limit + 1)), self.parameters["risk_power"][n]
        units = orders if power == 1.0 else orders**power
        return self.risk_per_s(n) * self.config.environment.interval_s * units

    def hedge(self, n: int, half_spread_tick: Any = None) -> inventory.Hedge | None:
        """The hedge of section rules at the mean price, tick x order; None without.

        Args:
            half_spread_tick: a number, or an array by state of the market; None: the mean half-spread.
        """
        rules, scales = self.config.rules, self.scales[n]
        if rules.hedge == "none":
            return None
        fee = fees.taker(1, scales.mid_tick, self.parameters[n])
        minimum_fee = float(self.parameters["minimum_fee"][n]) / scales.order_lot
        threshold = rules.hedge_limit_orders if rules.hedge == "limit" else None
        half = scales.half_spread_tick if half_spread_tick is None else half_spread_tick
        return inventory.Hedge(half + fee, threshold, fee, minimum_fee)


def inventory_risk(
    config: Config,
    store: store_lib.Store,
    train: Sequence[Segment],
    scales: Sequence[Scales],
    parameters: Records,
    reward_scale: float,
) -> kinds.Risk:
    """The price of inventory that environment.risk says.

    Args:
        parameters: (N,) state.PARAMETERS, of which the weights are read.

    Raises:
        ConfigError: environment.omega has another shape, or is no covariance matrix.
    """
    environment, count = config.environment, len(scales)
    if environment.risk == "absolute":
        return kinds.Risk()
    if not environment.omega:
        omega = covariance.covariance(store.events, scales, parameters["weight"], train)
    else:
        if any(len(row) != count for row in environment.omega) or len(environment.omega) != count:
            raise errors.ConfigError(f"environment.omega is not {count} x {count}, wanted a row for each instrument")
        omega = np.array(environment.omega)
        if not np.allclose(omega, omega.T) or np.linalg.eigvalsh(omega)[0] < -1e-12:
            raise errors.ConfigError("environment.omega has a negative direction, wanted a covariance matrix")
    is_joint = len(instruments_lib.quoted(environment, store.instruments)) > 1
    cost_per_s = environment.risk_aversion * reward_scale
    return kinds.Risk(kinds.RiskKind.COVARIANCE, omega, cost_per_s, environment.risk_power, is_joint)
