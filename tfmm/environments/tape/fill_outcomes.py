"""What the fills of an interval could have been, beside the reward: for TD targets that take the expectation over them.

Where only clients trade and their fill curve is known, the tape does not depend on us, and so the next state is the
drawn one but for the inventory: from Q orders it is Q - 1, Q or Q + 1 with known probabilities (expected_fills).
"""

from typing import Any

import numpy as np

from tfmm import errors
from tfmm.arrays import Floats32
from tfmm.calibration.inventory_value import EXPECTED_REWARDS
from tfmm.config.experiment import Config
from tfmm.environments import batched_simulator
from tfmm.simulation.dealer import features

_OF_INVENTORY = ("inventory", "inventory_change")


def observation_per_order(config: Config, feature_names: tuple[str, ...]) -> Floats32:
    """(F,) float32: what one order more adds to an observation of one quoted instrument.

    Raises:
        ConfigError: fills change more of the observation or of the episode than the inventory, or their probabilities
            are not those of the reward.
    """
    environment, rules = config.environment, config.rules
    others = [name for name in feature_names if name in features.OWN and name not in _OF_INVENTORY]
    wanted = (
        (environment.reward in EXPECTED_REWARDS, f"environment.reward is {environment.reward}", "an expected one"),
        (rules.hedge == "none", f"rules.hedge is {rules.hedge}", "none"),
        (not others, f"environment.features has {', '.join(others)}", "none that fills change but the inventory"),
        (not any("." in name for name in feature_names), "several instruments are quoted", "one"),
    )
    for fits, found, text in wanted:
        if not fits:
            raise errors.ConfigError(f"agent.td_target is expected_fills, but {found}, wanted {text}")
    left = np.exp(-environment.interval_s / features.INVENTORY_S)
    per_order = {"inventory": 1.0 / rules.inventory_limit_orders, "inventory_change": left}
    return np.array([per_order.get(name, 0.0) for name in feature_names], np.float32)


def rewards(simulator: Any) -> Floats32:
    """(B, 4) float32 batched_simulator.FILL_OUTCOMES of the last step of a simulator with one quoted instrument."""
    n = int(np.argmax(simulator.parameters["quoted"]))
    instruments, order_lot = simulator.instruments[:, n], simulator.parameters["order_lot"][n]
    out = np.empty((len(instruments), len(batched_simulator.FILL_OUTCOMES)), np.float32)
    out[:, 0] = simulator.reward
    out[:, 1], out[:, 2] = instruments["ask_fill_probability"], instruments["bid_fill_probability"]
    out[:, 3] = (instruments["inventory_lot"] - instruments["start_inventory_lot"]) / order_lot
    return out
