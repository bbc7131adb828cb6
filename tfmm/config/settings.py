"""Every setting of a configuration with its type, unit, range, default and description, read from the structs."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from tfmm.config import agent as agent_lib, experiment


class Setting(NamedTuple):
    """What is known of one setting.

    Attributes:
        key: `section.name`, or a name without section. type: as text, such as `float` or `list of int`.
        unit: of a quantity, `1` where it has no dimension (config.types); empty: it is none.
        range: such as `> 0, <= 1`, of each number; empty: any value. choices: the only texts that are allowed, if any.
        default: the value by default. description: a sentence.
        agents: names of the agents that have it, of a setting of section [agent]; empty: of another section.
    """

    key: str
    type: str
    unit: str
    range: str
    choices: tuple[str, ...]
    default: Any
    description: str
    agents: tuple[str, ...] = ()


def describe() -> list[Setting]:
    """All settings, in the order of the structs; one that several agents have stands there once."""
    out: list[Setting] = []
    for name, kind in get_type_hints(experiment.Config).items():
        if name == "agent":
            out += _agents()
        elif issubclass(kind, msgspec.Struct):
            out += _of(kind, f"{name}.")
    return [one for one in _of(experiment.Config, "") if one.key == "seed"] + out


def _agents() -> list[Setting]:
    names = tuple(agent_lib.BY_NAME)
    name = Setting("agent.name", "str", "", "", names, agent_lib.DEFAULT, "Which agent is trained.", names)
    found: dict[str, Setting] = {}
    for agent, struct in agent_lib.BY_NAME.items():
        for one in _of(struct, "agent."):
            first = found.get(one.key, one)
            found[one.key] = first._replace(agents=(*first.agents, agent))
    return [name, *found.values()]


def _of(struct: type[msgspec.Struct], prefix: str) -> Iterator[Setting]:
    hints, info = get_type_hints(struct), msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    return (_setting(field, prefix + field.name, tuple(_choices(hints[field.name]))) for field in info.fields)


def _choices(hint: Any) -> Iterator[str]:
    """The texts of a Literal, in the order of the source, which msgspec.inspect does not keep."""
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    else:
        yield from (text for part in get_args(hint) for text in _choices(part))


def _setting(field: msgspec.inspect.Field, key: str, choices: tuple[str, ...]) -> Setting:
    default = field.default_factory() if callable(field.default_factory) else field.default
    kind, described = field.type, {"description": "", "unit": ""}
    if isinstance(kind, msgspec.inspect.Metadata):
        described |= (kind.extra_json_schema or {}) | (kind.extra or {})
        kind = kind.type
    numbers = [one for one in _leaves(kind) if isinstance(one, msgspec.inspect.FloatType | msgspec.inspect.IntType)]
    return Setting(
        key=key,
        type=_type(kind),
        unit=described["unit"],
        range=", ".join(dict.fromkeys(text for one in numbers for text in _bounds(one))),
        choices=choices,
        default=default,
        description=described["description"],
    )


def _leaves(kind: Any) -> Iterator[Any]:
    """The types inside unions and tuples."""
    if isinstance(kind, msgspec.inspect.Metadata):
        yield from _leaves(kind.type)
    elif isinstance(kind, msgspec.inspect.UnionType):
        yield from (leaf for one in kind.types for leaf in _leaves(one))
    elif isinstance(kind, msgspec.inspect.TupleType):
        yield from (leaf for one in kind.item_types for leaf in _leaves(one))
    elif isinstance(kind, msgspec.inspect.VarTupleType):
        yield from _leaves(kind.item_type)
    else:
        yield kind


def _bounds(number: Any) -> Iterator[str]:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    values = {name: getattr(number, name) for name in signs}
    return (f"{signs[name]} {value:g}" for name, value in values.items() if value is not None)


def _type(kind: Any) -> str:
    """A type as a reader of TOML calls it."""
    inspect = msgspec.inspect
    if isinstance(kind, inspect.Metadata):
        return _type(kind.type)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_type(one) for one in kind.types)
    if isinstance(kind, inspect.TupleType):
        return f"list of {len(kind.item_types)} {_type(kind.item_types[0])}"
    if isinstance(kind, inspect.VarTupleType):
        return f"list of {_type(kind.item_type)}"
    if isinstance(kind, inspect.DictType):
        return f"table of {_type(kind.value_type)}"
    if isinstance(kind, inspect.LiteralType):
        return "str"
    return type(kind).__name__.removesuffix("Type").lower()
