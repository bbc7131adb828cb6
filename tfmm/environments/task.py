"""What training, evaluation and export need to know of any decision problem: one protocol for all of them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from tfmm import arrays
from tfmm.calibration import scales as scales_lib
from tfmm.config import experiment as experiment_lib
from tfmm.environments import reflection as reflection_lib
from tfmm.market import schema

if TYPE_CHECKING:  # evaluation has no need of TensorFlow
    from tf_agents.specs import array_spec

    from tfmm.environments import batched

Policy: TypeAlias = Callable[[arrays.Floats32], arrays.Array]
"""observation (B, F) float32 -> action (B, ...)."""
Score: TypeAlias = tuple[dict[str, float], float]
"""(record for metrics.jsonl, the number that ranks policies: larger is better)."""


class Task(Protocol):
    """The decision problem of a configuration: market data, an analytic model or an example environment.

    factory.open_task opens it.
    """

    @property
    def config(self) -> experiment_lib.Config:
        """The configuration that was opened."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """(F,) names of the components of an observation."""

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the components of an action; of a discrete action the names of its values."""

    @property
    def action_meanings(self) -> Mapping[str, str]:
        """{component of an action: what it does to a quote}; empty where nothing is quoted on a market."""

    @property
    def action_spec(self) -> "array_spec.BoundedArraySpec":
        """Of one row."""

    @property
    def instruments(self) -> tuple[schema.Instrument, ...]:
        """Of the market data; empty without."""

    @property
    def scales(self) -> tuple[scales_lib.Scales, ...]:
        """One for each instrument, measured on train; empty without market data."""

    @property
    def reward_centre(self) -> float:
        """What agent.reward_centre = "auto" subtracts from every reward."""

    @property
    def data_hash(self) -> str:
        """SHA-256 of the data, or where there are none of the settings that stand in their place."""

    @property
    def reflection(self) -> reflection_lib.Reflection:
        """The symmetry of observations and actions. ConfigError: there is none."""

    @property
    def observation_per_order(self) -> arrays.Floats32 | None:
        """(F,) what one order more of inventory adds to an observation; None: rewards come without the outcomes that
        the fills of their interval could have had, see tape.fill_outcomes."""

    @property
    def exogenous(self) -> arrays.Floats32 | None:
        """(F,) 1 for the components of an observation that no action changes, 0 for those of the dealer; None: values
        are not relative, see agent.relative_value."""

    def environment(self, split: str, rows: int | None, seed: int) -> "batched.BatchedEnvironment":
        """Episodes of a split, with the rewards of training on "train".

        Args:
            split: "train", "validation" or "test". rows: B; None: one row without the batch dimension.
        """

    def score(self, act: Policy) -> Score:
        """The score of a policy on validation: exact where the optimum is known, else of simulated episodes."""


def continuous_spec(action_names: tuple[str, ...]) -> "array_spec.BoundedArraySpec":
    """Components in [-1, 1], float32."""
    from tf_agents.specs import array_spec

    return array_spec.BoundedArraySpec((len(action_names),), np.float32, -1.0, 1.0, "action")
