"""Names and columns of what an agent sees and does."""

import numpy as np

from tfmm import errors
from tfmm.environments.tape import instruments as instruments_lib
from tfmm.simulation.dealer import features, quoting


def _actions(config):
    """Names of the components of an action for one instrument."""
    sizes = quoting.SIZE_NAMES if config.environment.sizes else ()
    hedge = quoting.HEDGE_NAMES if config.rules.hedge == "action" else ()
    prices = quoting.ACTION_NAMES[config.environment.action]
    if config.environment.residual_range:
        prices = quoting.CORRECTION_NAMES[config.environment.reference]
    return (*prices, *sizes, *hedge)


def chosen_features(environment, instruments):
    """((F,) columns, names) of the features of every quoted instrument that an agent sees; ConfigError: unknown one."""
    unknown = [name for name in environment.features if name not in features.NAMES]
    if unknown:
        raise errors.ConfigError(
            f"environment.features: unknown feature {unknown[0]}, wanted some of {', '.join(features.NAMES)}"
        )
    own = instruments_lib.quoted(environment, instruments)
    names = environment.features or features.DEFAULT
    width = len(features.NAMES)
    columns = [n * width + features.NAMES.index(name) for n in own for name in names]
    return np.array(columns), _prefixed(names, [instruments[n] for n in own])


def _prefixed(names, instruments):
    if len(instruments) == 1:
        return tuple(names)
    return tuple(f"{one.symbol}.{name}" for one in instruments for name in names)
