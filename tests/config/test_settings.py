"""What the structs say of their settings."""

import re

import msgspec
import pytest

from tfmm.config import agent, experiment, loading, settings

ALL = settings.describe()
NUMBERS = re.compile(r"\b(float|int)\b")
UNITS = {"_s": "s", "_bps": "bps", "_orders": "orders", "_bars": "bars", "_days_per_year": "days/year"}
RATES = ("clients.rate_s", "clients.decay_s")
"""Per second: their names are older than the rule that a suffix is the unit."""


def by_key(key):
    return next(one for one in ALL if one.key == key)


def test_every_field_of_every_section_is_listed_once():
    wanted = {"seed", "agent.name"}
    for section in experiment.Config.__struct_fields__:
        default = getattr(experiment.Config(), section)
        structs = agent.BY_NAME.values() if section == "agent" else [default]
        if isinstance(default, msgspec.Struct):
            wanted |= {f"{section}.{name}" for one in structs for name in one.__struct_fields__}
    keys = [one.key for one in ALL]
    assert sorted(keys) == sorted(wanted)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.key)
def test_a_setting_has_a_description_and_a_quantity_its_unit(one):
    assert re.match(r"[A-Za-z]", one.description) and one.description.endswith(".")
    assert bool(one.unit) == bool(NUMBERS.search(one.type)), one.type
    suffix = next((suffix for suffix in UNITS if one.key.endswith(suffix)), None)
    if suffix is not None and one.key not in RATES and one.unit:
        assert one.unit == UNITS[suffix]


@pytest.mark.parametrize(
    ("key", "type_", "unit", "range_", "choices", "default"),
    [
        ("seed", "int", "1", ">= 0", (), 0),
        ("environment.interval_s", "float", "s", "> 0", (), 1.0),
        ("environment.half_spread_range", "list of 2 float", "distance units", "> 0", (), (0.5, 8.0)),
        ("environment.n_spread_states", "int", "states", ">= 1, <= 12", (), 1),
        ("environment.omega", "list of list of float", "1", "", (), ()),
        ("environment.synthetic", "table of str", "", "", (), {}),
        ("rules.touch", "str", "", "", ("never", "always", "queue"), "never"),
        ("rules.latency_s", "float or list of float", "s", ">= 0", (), 0.0),
        ("agent.reward_centre", "float or str", "reward", "", ("auto",), 0.0),
        ("agent.actor_layers", "list of int", "units", ">= 1", (), (64, 64)),
        ("train.reflect", "bool", "", "", (), False),
    ],
)
def test_type_unit_range_choices_and_default(key, type_, unit, range_, choices, default):
    one = by_key(key)
    assert (one.type, one.unit, one.range, one.choices, one.default) == (type_, unit, range_, choices, default)


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("agent.name", ("ddpg", "td3", "dqn", "reinforce")),
        ("agent.gamma", ("ddpg", "td3", "dqn", "reinforce")),
        ("agent.n_step", ("ddpg", "td3", "dqn")),
        ("agent.noise_stddev", ("ddpg", "td3")),
        ("agent.action_penalty", ("ddpg",)),
        ("agent.epsilon_end", ("dqn",)),
        ("agent.entropy", ("reinforce",)),
        ("train.steps", ()),
    ],
)
def test_a_setting_names_the_agents_that_have_it(key, names):
    assert by_key(key).agents == names


def test_a_key_of_several_agents_has_one_meaning():
    """The same type, range and default in each, so that it may be described once."""
    for one in ALL:
        fields = [
            next(field for field in msgspec.structs.fields(agent.BY_NAME[name]) if f"agent.{field.name}" == one.key)
            for name in one.agents
            if one.key != "agent.name"
        ]
        assert len({(repr(field.type), repr(field.default)) for field in fields}) <= 1, one.key


def test_the_choices_are_those_that_a_file_may_have():
    for one in ALL:
        section, _, name = one.key.partition(".")
        for choice in one.choices:
            try:
                loading.decode({section: {name: choice}}, "test")
            except loading.errors.ConfigError as error:  # it may not fit the other settings
                assert "Invalid" not in str(error) and "unknown" not in str(error), error
