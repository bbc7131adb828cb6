"""The space of a search: a TOML file of keys with ranges, integers or choices, checked against a configuration.

[agent]
actor_learning_rate = { range = [1e-4, 2e-3], log = true }
n_step = { integers = [1, 8] }
actor_layers = { choices = [[64, 64], [128, 128]] }
"""

import json
import math
import pathlib
from typing import Any

import msgspec
import optuna

from tfmm import errors
from tfmm.config import loading, renamed
from tfmm.config.experiment import Config

SECTIONS = ("agent", "collect", "train", "environment")
SCORED = frozenset(
    {"name", "window_s", "warmup_s", "liquidate", "risk_aversion", "risk", "risk_power", "omega", "synthetic", "quoted"}
)
"""Keys of section [environment] that define the score: scores with different values cannot be compared. For the same
reason the other sections cannot be searched."""
_DIGITS = 4
_Scalar = bool | int | float | str


class Dimension(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Values of one key: a `range` of numbers or `integers` with both ends, uniform or, with `log`, uniform in the
    logarithm; or `choices`, each a value or a list of values."""

    range: tuple[float, float] | None = None
    integers: tuple[int, int] | None = None
    choices: tuple[_Scalar | tuple[_Scalar, ...], ...] | None = None
    log: bool = False

    def __post_init__(self) -> None:
        if sum(kind is not None for kind in (self.range, self.integers, self.choices)) != 1:
            raise ValueError("wanted one of range, integers and choices")
        if self.choices is not None:
            if self.log:
                raise ValueError("log is true with choices, wanted a range or integers")
            if len(self._texts()) < 2 or len(set(self._texts())) < len(self._texts()):
                raise ValueError(f"choices are {list(self._texts())}, wanted two or more different ones")
            return
        low, high = self._ends()
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"ends are {low:g} and {high:g}, wanted the smaller first")
        if self.log and low <= 0:
            raise ValueError(f"log is true from {low:g} on, wanted an end above 0")

    def _ends(self):
        return self.integers if self.range is None else self.range

    def _texts(self):
        return tuple(json.dumps(choice) for choice in self.choices)

    def distribution(self) -> optuna.distributions.BaseDistribution:
        """The distribution for Optuna, in which choices are JSON texts, as Optuna takes no lists."""
        if self.choices is not None:
            return optuna.distributions.CategoricalDistribution(self._texts())
        low, high = self._ends()
        kind = optuna.distributions.FloatDistribution if self.integers is None else optuna.distributions.IntDistribution
        return kind(low, high, log=self.log)

    def value(self, parameter: Any) -> Any:
        """The setting of an Optuna parameter; numbers of a range are rounded to four digits."""
        if self.choices is not None:
            return json.loads(parameter)
        if self.integers is not None:
            return parameter
        low, high = self._ends()
        return min(max(float(f"{parameter:.{_DIGITS}g}"), low), high)

    def parameter(self, value: Any) -> Any:
        """The Optuna parameter of a setting; None where the setting is not in this dimension."""
        if self.choices is not None:
            return next((text for text in self._texts() if json.loads(text) == value), None)
        low, high = self._ends()
        return value if low <= value <= high else None

    def probes(self) -> list[Any]:
        """Values that a configuration must accept if it accepts all: every choice, or the ends and one between."""
        if self.choices is not None:
            return [json.loads(text) for text in self._texts()]
        low, high = self._ends()
        return [low, high] if self.integers is not None else [low, high, low + (high - low) / math.pi]


def load(path: pathlib.Path | str, config: Config) -> dict[str, Dimension]:
    """The space of a TOML file, every dimension checked against a configuration.

    Returns:
        {"section.key": Dimension}.

    Raises:
        ConfigError: no such file, an unknown key, a wrong range, or a value that the configuration refuses.
    """
    where = f"space {path}"
    out: dict[str, Dimension] = {}
    for section, keys in loading.read_toml(where, path).items():
        if section not in SECTIONS or not isinstance(keys, dict):
            raise errors.ConfigError(f"{where}: {section} is no section that can be searched, wanted {_or(SECTIONS)}")
        out |= {f"{section}.{name}": _dimension(f"{where}: {section}.{name}", tree) for name, tree in keys.items()}
    if not out:
        raise errors.ConfigError(f"{where}: is empty, wanted a key with a range, integers or choices")
    for key, dimension in out.items():
        renamed.refuse(((key, value) for value in dimension.probes()), where)
        if key.removeprefix("environment.") in SCORED:
            raise errors.ConfigError(f"{where}: {key} changes what is scored, wanted a key that leaves it as it is")
        for value in dimension.probes():
            loading.with_settings(config, {key: value}, f"{where}: {key} = {json.dumps(value)}")
    return out


def _dimension(where, tree):
    try:
        return msgspec.convert(tree, Dimension, strict=True)
    except msgspec.ValidationError as error:
        raise errors.ConfigError(f"{where}: {str(error).replace('`$.', '`')}") from error


def _or(names):
    return f"{', '.join(names[:-1])} or {names[-1]}"


def parameters_of(space: dict[str, Dimension], config: Config) -> dict[str, Any] | None:
    """{key: Optuna parameter} of a configuration; None where its settings are not in the space."""
    tree = msgspec.to_builtins(config)
    out = {key: dimension.parameter(_setting(tree, key)) for key, dimension in space.items()}
    return None if None in out.values() else out


def _setting(tree, key):
    section, name = key.split(".")
    value = tree[section][name]
    return list(value) if isinstance(value, tuple) else value
