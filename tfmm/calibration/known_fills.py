"""Whether the probability of every fill is known: only clients trade, by the curves of the configuration."""

from collections.abc import Sequence

import numpy as np

from tfmm import errors
from tfmm.config.experiment import Config
from tfmm.market.schema import Instrument


def require_known_fills(config: Config, instruments: Sequence[Instrument], setting: str = "reward") -> None:
    """Refuses a configuration whose fills have no known probabilities.

    Args:
        setting: key of section environment that needs known probabilities, for the message.

    Raises:
        ConfigError: fills of others than clients are possible, or sizes or arrivals of clients are not known.
    """
    rules, clients, environment = config.rules, config.clients, config.environment
    wanted = (
        (clients.rate_s > 0, "clients.rate_s is 0", "above 0"),
        (not rules.tape_fills, "rules.tape_fills is true", "false"),
        (not np.any(rules.latency_s), f"rules.latency_s is {rules.latency_s}", "0"),
        (
            not clients.random_size and clients.size_orders == 1.0,
            "clients are of other sizes than orders",
            "of one order",
        ),
        (not environment.sizes, "environment.sizes is true", "false"),
        (clients.branching == 0, f"clients.branching is {clients.branching:g}", "0"),
        (clients.informed == 0, f"clients.informed is {clients.informed:g}", "0"),
        (environment.clock == "time", f"environment.clock is {environment.clock}", "time"),
        (not any(instrument.inverse for instrument in instruments), "an instrument is inverse", "linear ones"),
    )
    for fits, found, text in wanted:
        if not fits:
            value = getattr(environment, setting)
            raise errors.ConfigError(f"environment.{setting} is {value}, but {found}, wanted {text}")


def has_known_fills(config: Config, instruments: Sequence[Instrument]) -> bool:
    """Whether `require_known_fills` accepts the configuration."""
    try:
        require_known_fills(config, instruments)
    except errors.ConfigError:
        return False
    return True
