"""TOML files decoded into frozen structs, overrides, and back to text."""

import pathlib
import tomllib

import msgspec
import tomli_w

from tfmm import errors
from tfmm.config import examples, experiment


def load(path, overrides=()):
    """Reads a TOML file.

    Args:
        path: the file.
        overrides: strings `section.key=value`; values are TOML, or plain text where that fails.

    Returns:
        A Config.

    Raises:
        ConfigError: no such file, no TOML, unknown key, wrong type or value out of range.
    """
    tree = read_toml(f"config {path}", path)
    for override in overrides:
        _override(tree, override)
    return decode(tree, f"config {path}")


def read_toml(where, path):
    """Nested dicts of a TOML file; raises ConfigError, beginning with `where`, where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise errors.ConfigError(f"{where}: {error.strerror}, wanted a readable TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.ConfigError(f"{where}: not TOML: {error}") from error


def decode(tree, where):
    """A Config from nested dicts; raises ConfigError naming `where` and the key."""
    try:
        return msgspec.convert(tree, experiment.Config, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise errors.ConfigError(f"{where}: {str(error).replace('`$.', '`')}") from error


def changed(config, overrides):
    """A Config with some settings changed; arguments and errors as `load`."""
    tree = msgspec.to_builtins(config)
    for override in overrides:
        _override(tree, override)
    return resolved(decode(tree, "--set"))


def problem_text(config):
    """What a configuration says of the problem alone, without seed, agent, collection and training, as TOML text: the
    same for all that can be judged by the same baselines."""
    tree = msgspec.to_builtins(config)
    return tomli_w.dumps({key: one for key, one in tree.items() if key not in ("seed", "agent", "collect", "train")})


def dumps(config):
    """The whole configuration, defaults included, as TOML text that `load` reads back."""
    return tomli_w.dumps(msgspec.to_builtins(config))


def with_store(config, store):
    """The same configuration on another store; the path is made absolute."""
    data = msgspec.structs.replace(config.data, store=str(pathlib.Path(store).resolve()))
    return msgspec.structs.replace(config, data=data)


def resolved(config):
    """The same configuration with the paths of its data made absolute, as a run directory keeps it."""
    daily = examples.absolute(config.daily_trading)
    config = msgspec.structs.replace(config, daily_trading=daily)
    return with_store(config, config.data.store) if config.data.store else config


def _override(tree, override):
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise errors.ConfigError(f"--set {override}: wanted section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise errors.ConfigError(f"--set {override}: {part} is not a section")
    tree[path[-1]] = value
