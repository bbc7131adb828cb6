"""The space of a search: its file, what is refused, and the setting of a parameter."""

import optuna
import pytest

from tfmm import errors
from tfmm.config import experiment as experiment_lib, loading
from tfmm.experiments import search_space

CONFIG = experiment_lib.Config()
GOOD = """
[agent]
actor_learning_rate = { range = [1e-4, 1e-2], log = true }
n_step = { integers = [1, 8] }
actor_layers = { choices = [[64, 64], [128]] }
[train]
reflect = { choices = [true, false] }
"""


def read(folder, text, config=CONFIG):
    path = folder / "space.toml"
    path.write_text(text)
    return search_space.load(path, config)


def test_drawn_parameters_become_a_configuration(tmp_path):
    found = read(tmp_path, GOOD)
    # the default learning rate is 1e-4, an end; 1 step; layers (64, 64); no reflection
    parameters = search_space.parameters_of(found, CONFIG)
    assert parameters == {"agent.actor_learning_rate": 1e-4, "agent.n_step": 1, "agent.actor_layers": "[64, 64]",
                          "train.reflect": "false"}  # fmt: skip
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    rates = set()
    for _ in range(50):
        drawn = study.ask({key: one.distribution() for key, one in found.items()}).params
        settings = {key: found[key].value(value) for key, value in drawn.items()}
        config = loading.with_settings(CONFIG, settings, "drawn")
        assert 1e-4 <= config.agent.actor_learning_rate <= 1e-2
        assert config.agent.actor_learning_rate == float(f"{drawn['agent.actor_learning_rate']:.4g}")
        assert config.agent.actor_layers in ((64, 64), (128,)) and config.agent.n_step in range(1, 9)
        assert search_space.parameters_of(found, config) == drawn | {
            "agent.actor_learning_rate": config.agent.actor_learning_rate
        }
        rates.add(config.agent.actor_learning_rate)
    # evenly in the logarithm: about half are below the geometric mean, where a tenth of the range is
    assert 10 < sum(one < 1e-3 for one in rates) < 40
    faster = loading.with_settings(CONFIG, {"agent.actor_learning_rate": 0.1}, "")
    assert search_space.parameters_of(found, faster) is None


def test_the_checked_in_space_fits_its_configuration():
    config = loading.load("configs/client_flow.toml")
    found = search_space.load("configs/spaces/client_flow.toml", config)
    assert search_space.parameters_of(found, config) is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[agent]\nspeed = { range = [1, 8] }", "agent.speed = 1.0: Object contains unknown field `speed`"),
        ("[agent]\ngamma = { range = [0.9, 1.5] }", "agent.gamma = 1.5: Expected `float` <= 1.0"),
        ("[agent]\ngamma = { range = [0.9, 0.5] }", "agent.gamma: ends are 0.9 and 0.5, wanted the smaller first"),
        ("[agent]\ngamma = { range = [0, 0.5], log = true }", "log is true from 0 on, wanted an end above 0"),
        ("[agent]\ngamma = { range = [nan, 0.5] }", "ends are nan and 0.5"),
        ("[agent]\nn_step = { range = [1, 8] }", "agent.n_step = 1.0: Expected `int`, got `float`"),
        ("[agent]\nn_step = { integers = [1, 8], choices = [1, 2] }", "one of range, integers and choices"),
        ("[agent]\nn_step = { choices = [2, 2] }", "wanted two or more different ones"),
        ("[agent]\nname = { choices = ['ddpg', 'dqn'] }", 'agent.name = "dqn": agent.name is dqn with'),
        ("[agent]\ngamma = 0.9", "agent.gamma: Expected `object`"),
        ("[agent]\ngamma = { low = 0.9 }", "agent.gamma: Object contains unknown field `low`"),
        ("[environment]\nrisk_aversion = { range = [0.1, 0.2] }", "environment.risk_aversion changes what is scored"),
        ("[rules]\nlatency_s = { range = [0.0, 1.0] }", "rules is no section that can be searched"),
        ("seed = { integers = [0, 9] }", "seed is no section that can be searched"),
        ("", "is empty, wanted a key"),
        ("[agent", "not TOML"),
    ],
)
def test_a_wrong_space_is_refused_in_one_line(tmp_path, text, words):
    with pytest.raises(errors.ConfigError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"space {tmp_path}/space.toml: ")
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_no_space_is_refused(tmp_path):
    with pytest.raises(errors.ConfigError, match=r"space .*: No such file"):
        search_space.load(tmp_path / "none.toml", CONFIG)
