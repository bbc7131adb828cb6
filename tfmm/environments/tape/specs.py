"""Names and columns of an observation, and names of an action's components."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmm import errors
from tfmm.arrays import Ints
from tfmm.config.experiment import Config
from tfmm.environments.tape import instruments as instruments_lib
from tfmm.market.schema import Instrument
from tfmm.simulation.dealer import features, quoting


class Specs(NamedTuple):
    """What an agent observes and does.

    Attributes:
        columns: (F,) int64 of the simulator's observation. feature_names: (F,) their names.
        action_names: of an action's components, those of each quoted instrument together.
    """

    columns: Ints
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]


def create(config: Config, instruments: Sequence[Instrument]) -> Specs:
    """The specs of a configuration on a store with these instruments.

    Raises:
        ConfigError: environment.features has an unknown name.
    """
    environment = config.environment
    unknown = [name for name in environment.features if name not in features.NAMES]
    if unknown:
        raise errors.ConfigError(
            f"environment.features: unknown feature {unknown[0]}, wanted some of {', '.join(features.NAMES)}"
        )
    quoted = instruments_lib.quoted(environment, instruments)
    names, width = environment.features or features.DEFAULT, len(features.NAMES)
    columns = [n * width + features.NAMES.index(name) for n in quoted for name in names]
    symbols = [instruments[n].symbol for n in quoted]
    return Specs(np.array(columns), _prefixed(names, symbols), _prefixed(_components(config), symbols))


def _components(config):
    """Names of the components of an action for one instrument."""
    sizes = quoting.SIZE_NAMES if config.environment.sizes else ()
    hedge = quoting.HEDGE_NAMES if config.rules.hedge == "action" else ()
    prices = quoting.ACTION_NAMES[config.environment.action]
    if config.environment.residual_range:
        prices = quoting.RESIDUAL_NAMES[config.environment.reference]
    return (*prices, *sizes, *hedge)


def _prefixed(names, symbols):
    if len(symbols) == 1:
        return tuple(names)
    return tuple(f"{symbol}.{name}" for symbol in symbols for name in names)
