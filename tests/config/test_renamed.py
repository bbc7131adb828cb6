"""Old keys and values are refused in one line that gives the new name, wherever a setting is read."""

import pytest

from tfmm import errors
from tfmm.config import loading, renamed, settings

ROWS = [
    ("environment.residual", 1.0, "environment.residual is now environment.residual_range"),
    ("environment.base", "inventory", 'environment.base = "inventory" is now environment.reference = "inventory_dp"'),
    ("environment.base", "moment", 'environment.base = "moment" is now environment.reference = "state_dp"'),
    ("environment.base", "other", "environment.base is now environment.reference"),
    ("environment.reference", "mid", 'environment.reference = "mid" is now environment.reference_price = "mid"'),
    ("environment.reference", "touch", 'environment.reference = "touch" is now environment.reference_price = "touch"'),
    (
        "environment.reference",
        "synthetic",
        'environment.reference = "synthetic" is now environment.reference_price = "synthetic"',
    ),
    ("environment.reward", "drawn", 'environment.reward = "drawn" is now "realised_pnl"'),
    ("environment.reward", "expected", 'environment.reward = "expected" is now "expected_pnl"'),
    ("environment.reward", "bellman", 'environment.reward = "bellman" is now "shaped_expected_pnl"'),
    ("environment.reward", "markout_value", 'environment.reward = "markout_value" is now "shaped_markout"'),
    ("environment.value_spreads", 6, "environment.value_spreads is now environment.n_spread_states"),
    ("model.reward", "sampled", 'model.reward = "sampled" is now "realised_pnl"'),
    ("model.reward", "expected", 'model.reward = "expected" is now "expected_pnl"'),
    ("model.mid_reward", "sampled", 'model.mid_reward = "sampled" is now "realised_pnl"'),
    ("model.mid_reward", "expected", 'model.mid_reward = "expected" is now "expected_pnl"'),
    ("data.rotation", 1, "data.rotation is now data.fold"),
    ("train.mirror", True, "train.mirror is now train.reflect"),
    ("train.abstain", True, "train.abstain is now train.no_quote_gate"),
    *(
        (key, "x", f"{key} is no setting any more, wanted no such line (docs/CHANGELOG.md)")
        for key in (
            "train.sampler",
            "train.priority_exponent",
            "train.importance_exponent",
            "agent.noise_decay",
            "agent.noise_stddev_final",
        )
    ),
]


def tree_of(key, value):
    section, name = key.split(".")
    return {section: {name: value}}


@pytest.mark.parametrize(("key", "value", "line"), ROWS)
def test_the_line_names_the_new_key_and_the_new_value(key, value, line):
    with pytest.raises(errors.ConfigError) as raised:
        loading.decode(tree_of(key, value), "config old.toml")
    assert str(raised.value) == f"config old.toml: {line}"


def test_every_row_of_the_table_is_shown_here_and_leads_to_a_setting():
    assert len(ROWS) == len(renamed.TABLE)
    found = {one.key: one for one in settings.describe()}
    for row in renamed.TABLE:
        if row.new == renamed.GONE:
            assert row.old not in found
            continue
        assert row.new_value is renamed.ANY or row.new_value in found[row.new].choices
        # nothing that is refused may still be a setting
        if row.value is renamed.ANY:
            assert row.new in found and row.old not in found
        else:
            assert row.old not in found or row.value not in found[row.old].choices


def test_all_old_names_of_a_file_stand_in_one_line():
    tree = {"train": {"mirror": True, "abstain": True}, "environment": {"residual": 1.0}}
    with pytest.raises(errors.ConfigError, match=r"mirror is now .*; train\.abstain is now .*; environment\.residual"):
        loading.decode(tree, "test")


def test_names_of_today_are_read():
    loading.decode({"environment": {"reference": "inventory_dp", "reward": "markout"}, "data": {"fold": 1}}, "test")


OLD = "[environment]\nresidual = 1.0\n"
LINE = "environment.residual is now environment.residual_range"


@pytest.fixture
def files(tmp_path):
    for name, text in (("old", OLD), ("new", ""), ("space", "[environment]\nresidual = { choices = [0.0, 1.0] }\n")):
        (tmp_path / f"{name}.toml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("train.py", []),
        ("validate.py", ["--seeds", 1]),
        ("sweep.py", ["--grid", "agent.gamma=0.5,0.9"]),
        ("search.py", ["--space", "none.toml", "--trials", 1]),
        ("collect.py", ["--server", "127.0.0.1:1"]),
    ],
)
def test_every_script_refuses_a_file_with_an_old_key(refusal, files, script, more):
    assert refusal(script, files / "old.toml", *more) == f"error: config {files}/old.toml: {LINE}"


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("train.py", ["--set", "environment.residual=1.0"]),
        ("validate.py", ["--seeds", 1, "--set", "environment.residual=1.0"]),
        ("sweep.py", ["--grid", "environment.residual=1.0"]),
    ],
)
def test_every_script_refuses_an_override_with_an_old_key(refusal, files, script, more):
    line = refusal(script, files / "new.toml", *more)
    assert line == f"error: --set environment.residual=1.0: {LINE}"


def test_an_override_with_an_old_value_is_refused(refusal, files):
    line = refusal("train.py", files / "new.toml", "--set", "environment.reward=drawn")
    assert line.endswith('environment.reward = "drawn" is now "realised_pnl"')


def test_a_search_space_with_an_old_key_or_value_is_refused(refusal, files):
    arguments = ("search.py", files / "new.toml", "--trials", 1, "--out", files / "out", "--space")
    assert refusal(*arguments, files / "space.toml") == f"error: space {files}/space.toml: {LINE}"
    (files / "space.toml").write_text("[environment]\nreward = { choices = ['drawn', 'expected_pnl'] }\n")
    line = refusal(*arguments, files / "space.toml")
    assert line == f'error: space {files}/space.toml: environment.reward = "drawn" is now "realised_pnl"'


@pytest.mark.parametrize(
    ("script", "arguments", "line"),
    [
        ("validate.py", ["toy.toml", "--seeds", 1, "--world", "clients.k=2"], "--world is now --scenario"),
        ("validate.py", ["--world=clients.k=2", "toy.toml", "--seeds", 1], "--world is now --scenario"),
        ("sweep.py", ["toy.toml", "--alone", "agent.gamma=0.5", "train.steps=5"], "--alone is now --ablate"),
        ("evaluate.py", ["runs/first", "--set", "clients.k=2"], "--set is now --scenario"),
    ],
)
def test_an_option_of_another_name_is_refused_with_the_new_one(refusal, script, arguments, line):
    assert refusal(script, *arguments) == f"error: {line}"


def test_a_scenario_with_an_old_key_is_refused(refusal, files):
    line = refusal("validate.py", "configs/client_flow.toml", "--seeds", 1, "--scenario", "data.rotation=1")
    assert line == "error: --scenario data.rotation=1: data.rotation is now data.fold"
