"""What is said of settings that are refused: the nearest key, the values that one may have, the agent that has it."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tfmm import errors
from tfmm.config import agent as agent_lib, settings

_FEE_WORDS = ("fee", "commission", "rebate")


def check_agent(agent: Mapping[str, Any], where: str) -> None:
    """Raises ConfigError for a name that no agent has, and for settings that only agents of another name have."""
    name = agent["name"]
    if name not in tuple(agent_lib.BY_NAME):
        raise errors.ConfigError(f"{where}: agent.name is {name}, wanted {_or(tuple(agent_lib.BY_NAME))}")
    foreign = {key: agent_lib.having(key) for key in agent if key not in agent_lib.settings_of(name)}
    lines = [f"agent.{key} is a setting of {_or(names)}" for key, names in foreign.items() if names]
    if lines:
        raise errors.ConfigError(f"{where}: {'; '.join(lines)}; but agent.name is {name}")


def explained(message: str) -> str:
    """What msgspec says of a wrong setting, with the nearest key to an unknown one or the values that it may have."""
    known = settings.describe()
    unknown = re.fullmatch(r"Object contains unknown field `(.+?)`(?: - at `(.+)`)?", message)
    if unknown is not None:
        if any(word in unknown[1] for word in _FEE_WORDS):
            fees = [f"{one.key} ({one.unit})" for one in known if one.key.startswith("rules.") and "fee" in one.key]
            return f"{message}, wanted {_or(fees)}"
        nearest = _nearest(unknown[1], unknown[2], [one.key for one in known])
        return message if nearest is None else f"{message}, nearest is {nearest}"
    invalid = re.fullmatch(r"Invalid enum value .+ - at `(.+)`", message)
    choices = next((one.choices for one in known if invalid is not None and one.key == invalid[1]), ())
    return f"{message}, wanted {_or(choices)}" if choices else message


def _nearest(name: str, section: str | None, keys: list[str]) -> str | None:
    """The key most like one that does not exist: in its section, else of its name in another one."""
    if section is None:
        candidates = [key.partition(".")[0] for key in keys]
        return next(iter(difflib.get_close_matches(name, candidates, 1)), None)
    close = difflib.get_close_matches(f"{section}.{name}", [key for key in keys if key.startswith(f"{section}.")], 1)
    return next(iter([key for key in keys if key.endswith(f".{name}")] + close), None)


def _or(names: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
