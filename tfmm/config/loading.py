"""TOML files decoded into frozen structs, overrides, and back to text."""

import pathlib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import tomli_w

from tfmm import errors
from tfmm.config import agent as agent_lib, examples, experiment, refusals, renamed


def load(path: pathlib.Path | str, overrides: Iterable[str] = ()) -> experiment.Config:
    """Reads a TOML file.

    Args:
        path: the file.
        overrides: strings `section.key=value`; values are TOML, or plain text where that fails.

    Returns:
        A Config.

    Raises:
        ConfigError: no such file, no TOML, unknown key, wrong type or value out of range, or a key or value that has
            another name now.
    """
    tree = read_toml(f"config {path}", path)
    renamed.refuse_tree(tree, f"config {path}")
    for override in overrides:
        _override(tree, override, "--set")
    return decode(tree, f"config {path}")


def read_toml(where: str, path: pathlib.Path | str) -> dict[str, Any]:
    """Nested dicts of a TOML file; raises ConfigError, beginning with `where`, where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise errors.ConfigError(f"{where}: {error.strerror}, wanted a readable TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.ConfigError(f"{where}: not TOML: {error}") from error


def decode(tree: Mapping[str, Any], where: str) -> experiment.Config:
    """A Config from nested dicts; raises ConfigError naming `where` and the key."""
    renamed.refuse_tree(tree, where)
    agent = tree.get("agent", {})
    if isinstance(agent, Mapping):
        agent = {"name": agent_lib.DEFAULT, **agent}
        refusals.check_agent(agent, where)
    try:
        return msgspec.convert({**tree, "agent": agent}, experiment.Config, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise errors.ConfigError(f"{where}: {refusals.explained(str(error).replace('`$.', '`'))}") from error


def changed(config: experiment.Config, overrides: Iterable[str], option: str = "--set") -> experiment.Config:
    """A Config with some settings changed by an option of a script; arguments and errors as `load`."""
    tree = _given(config)
    for override in overrides:
        _override(tree, override, option)
    return resolved(decode(tree, option))


def with_settings(config: experiment.Config, settings: Mapping[str, Any], where: str) -> experiment.Config:
    """A Config with other settings {"section.key": value}; ConfigError, beginning with `where`, if it refuses them."""
    tree = _given(config)
    for key, value in settings.items():
        section, name = key.split(".")
        tree[section][name] = value
    return decode(tree, where)


def problem_text(config: experiment.Config) -> str:
    """The decision problem of a configuration as TOML text: all but seed, agent, collection and training. Two that have
    the same one have the same baselines."""
    tree = msgspec.to_builtins(config)
    return tomli_w.dumps({key: one for key, one in tree.items() if key not in ("seed", "agent", "collect", "train")})


def dumps(config: experiment.Config) -> str:
    """The whole configuration, defaults included, as TOML text that `load` reads back."""
    return tomli_w.dumps(msgspec.to_builtins(config))


def with_store(config: experiment.Config, store: pathlib.Path | str) -> experiment.Config:
    """The same configuration on another store; the path is made absolute."""
    data = msgspec.structs.replace(config.data, store=str(pathlib.Path(store).resolve()))
    return msgspec.structs.replace(config, data=data)


def resolved(config: experiment.Config) -> experiment.Config:
    """The same configuration with the paths of its data made absolute, as a run directory keeps it."""
    daily = examples.absolute(config.daily_trading)
    config = msgspec.structs.replace(config, daily_trading=daily)
    return with_store(config, config.data.store) if config.data.store else config


def _given(config: experiment.Config) -> dict[str, Any]:
    """Nested dicts of the settings that are not those by default: with another agent.name the rest must fit that."""
    out: dict[str, Any] = {}
    for name, section in msgspec.structs.asdict(config).items():
        out[name] = msgspec.to_builtins(section)
        if isinstance(section, msgspec.Struct):
            default = msgspec.to_builtins(type(section)())
            out[name] = {key: one for key, one in out[name].items() if key == "name" or one != default[key]}
    return out


def _override(tree: dict[str, Any], override: str, option: str) -> None:
    """Puts one `section.key=value` into nested dicts."""
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise errors.ConfigError(f"{option} {override}: wanted section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    renamed.refuse([(".".join(path), value)], f"{option} {override}")
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise errors.ConfigError(f"{option} {override}: {part} is not a section")
    tree[path[-1]] = value
