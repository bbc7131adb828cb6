"""A struct for each agent, told apart by its name."""

import tomllib

import pytest

from tfmm import errors
from tfmm.config import agent, loading

DAILY = {"environment": {"name": "daily_trading"}, "agent": {"name": "dqn"}}
ON_POLICY = {"train": {"steps_per_iteration": 1}, "agent": {"name": "reinforce"}}


def write(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("tree", "kind"),
    [({}, agent.Ddpg), ({"agent": {"name": "td3"}}, agent.Td3), (DAILY, agent.Dqn), (ON_POLICY, agent.Reinforce)],
)
def test_the_name_tells_the_struct_and_survives_its_own_text(tree, kind):
    config = loading.decode(tree, "test")
    assert type(config.agent) is kind
    assert config.agent.name == tree.get("agent", {}).get("name", "ddpg")
    text = tomllib.loads(loading.dumps(config))
    assert text["agent"]["name"] == config.agent.name
    assert set(text["agent"]) == set(agent.settings_of(config.agent.name))
    assert loading.decode(text, "text") == config


def test_an_override_without_a_name_is_of_ddpg(tmp_path):
    config = loading.load(write(tmp_path, ""), ["agent.action_penalty=0.5"])
    assert config.agent == agent.Ddpg(action_penalty=0.5)


def test_another_name_keeps_the_settings_that_both_agents_have(tmp_path):
    path = write(tmp_path, "[agent]\nactor_layers = [8]\nnoise_stddev = 0.1\n")
    wanted = agent.Td3(actor_layers=(8,), noise_stddev=0.1, target_noise=0.4)
    assert loading.load(path, ["agent.name=td3", "agent.target_noise=0.4"]).agent == wanted
    # of a whole configuration the settings by default do not count
    config = loading.load(path)
    assert loading.changed(config, ["agent.name=td3", "agent.target_noise=0.4"]).agent == wanted
    assert loading.with_settings(config, {"agent.target_noise": 0.4, "agent.name": "td3"}, "test").agent == wanted


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"epsilon_end": 0.1}, "agent.epsilon_end is a setting of dqn; but agent.name is ddpg"),
        ({"name": "td3", "action_penalty": 0.0}, "agent.action_penalty is a setting of ddpg; but agent.name is td3"),
        ({"name": "dqn", "noise": "ou"}, "agent.noise is a setting of ddpg or td3; but agent.name is dqn"),
        (
            {"name": "reinforce", "n_step": 3},
            "agent.n_step is a setting of ddpg, td3 or dqn; but agent.name is reinforce",
        ),
        (
            {"entropy": 0.1, "dropout": 0.5},
            "agent.entropy is a setting of reinforce; agent.dropout is a setting of dqn; but agent.name is ddpg",
        ),
        ({"name": "sac"}, "agent.name is sac, wanted ddpg, td3, dqn or reinforce"),
        ({"name": []}, "agent.name is [], wanted ddpg, td3, dqn or reinforce"),
        ({"name": 3}, "agent.name is 3, wanted ddpg, td3, dqn or reinforce"),
    ],
)
def test_settings_of_another_agent_are_refused_with_its_name(section, line):
    with pytest.raises(errors.ConfigError) as raised:
        loading.decode({"agent": section}, "config x.toml")
    assert str(raised.value) == f"config x.toml: {line}"


def test_a_script_refuses_the_settings_of_the_agent_that_it_no_longer_is(refusal, tmp_path):
    path = write(tmp_path, "[agent]\naction_penalty = 0.5\n")
    line = refusal("train.py", path, "--set", "agent.name=td3")
    assert line == f"error: config {path}: agent.action_penalty is a setting of ddpg; but agent.name is td3"


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"agent": {"name": "dqn"}}, "agent.name is dqn with environment.name market_making, wanted ddpg, td3 or"),
        (
            {"environment": {"name": "daily_trading"}},
            "agent.name is ddpg with environment.name daily_trading, wanted dqn",
        ),
        ({"agent": {"name": "reinforce"}}, "train.steps_per_iteration is 10 with agent.name reinforce, wanted 1"),
        (
            {**ON_POLICY, "collect": {"mode": "single"}, "environment": {"rows": 1}},
            "collect.mode is single with agent.name reinforce, wanted batch",
        ),
        (
            {"agent": {"name": "td3"}, "collect": {"mode": "single"}, "environment": {"rows": 1}},
            "collect.mode is single with agent.name td3 and n_step 1, wanted batch",
        ),
    ],
)
def test_an_agent_that_does_not_fit_is_refused(tree, words):
    with pytest.raises(errors.ConfigError, match=words):
        loading.decode(tree, "test")


def test_hidden_layers_are_those_of_all_networks():
    critic = {f"critic_{part}_layers": (5 + k,) for k, part in enumerate(("observation", "action", "joint", "value"))}
    assert agent.Ddpg(actor_layers=(3, 4), **critic).hidden_layers == (3, 4, 5, 6, 7, 8)
    assert agent.Dqn(critic_joint_layers=(7,)).hidden_layers == (7,)
