"""Configuration files: every one loads, wrong ones name the key."""

import pathlib
import tomllib

import pytest

from tfmm import errors
from tfmm.config import loading

CONFIGS = sorted((pathlib.Path(__file__).resolve().parents[1] / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_loads_and_survives_its_own_text(path):
    config = loading.load(path)
    assert loading.decode(tomllib.loads(loading.dumps(config)), "text") == config


def test_notebook_has_the_notebook_s_numbers():
    config = loading.load(next(path for path in CONFIGS if path.stem == "notebook"))
    agent, train, collect = config.agent, config.train, config.collect
    assert (agent.actor_layers, agent.critic_observation_layers, agent.critic_joint_layers) == (
        (400, 300),
        (400,),
        (300,),
    )
    assert (agent.actor_learning_rate, agent.critic_learning_rate) == (1e-4, 1e-3)
    assert (agent.noise, agent.noise_stddev, agent.noise_damping) == ("ou", 0.2, 0.15)
    assert (agent.target_update_tau, agent.target_update_period) == (0.05, 5)
    assert (agent.loss, agent.gamma, agent.reward_scale_factor, agent.gradient_clipping) == ("huber", 0.995, 1.0, 0.0)
    assert (train.batch_size, train.replay_capacity, train.steps, train.steps_per_iteration) == (64, 100_000, 3000, 1)
    assert (collect.mode, collect.initial_steps, collect.steps_per_iteration) == ("single", 1000, 50)


def write(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sead = 1", "unknown field `sead`, nearest is seed"),
        ("[trian]\nsteps = 1", "unknown field `trian`, nearest is train"),
        ("[train]\nstepz = 1", r"unknown field `stepz` - at `train`, nearest is train\.steps"),
        ("[train]\ngamma = 0.5", r"unknown field `gamma` - at `train`, nearest is agent\.gamma"),
        (
            "[agent]\nepsilon_strat = 0.5",
            r"unknown field `epsilon_strat` - at `agent`, nearest is agent\.epsilon_start",
        ),
        (
            "[rules]\nfee_per_lot = 0.85",
            r"unknown field `fee_per_lot` - at `rules`, wanted rules\.maker_fee_bps \(bps\), "
            r"rules\.taker_fee_bps \(bps\), rules\.maker_fee_per_unit \(quote currency per unit of the instrument\)"
            r", .* or rules\.minimum_fee \(quote currency per order\)$",
        ),
        ("[rules]\ncommission = 2", r"wanted rules\.maker_fee_bps"),
        ("[train]\nxyzzy = 0.5", r"unknown field `xyzzy` - at `train`$"),
        ("[train]\nsteps = 'many'", r"Expected `int`, got `str` - at `train\.steps`"),
        ("[train]\nsteps = 0", r"train\.steps"),
        ("[agent]\ngamma = 1.5", r"agent\.gamma"),
        (
            "[rules]\ntouch = 'sometimes'",
            r"Invalid enum value 'sometimes' - at `rules\.touch`, wanted never, always or queue",
        ),
        ("[data]\nfractions = [0.5, 0.2, 0.2]", "sum to 0.9, wanted 1"),
        ("[environment]\nhalf_spread_range = [3.0, 1.0]", "wanted the smaller first"),
        (
            '[environment]\nname = "zero_norm"\nreward_baseline = "flat_dealer"',
            "environment.reward_baseline is flat_dealer with environment.name zero_norm, wanted none",
        ),
        ("[collect]\nmode = 'single'", "rows 64, wanted 1"),
        ("seed = ", "not TOML"),
    ],
)
def test_wrong_files_name_the_key(tmp_path, text, message):
    with pytest.raises(errors.ConfigError, match=message):
        loading.load(write(tmp_path, text))


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(errors.ConfigError, match=r"nowhere\.toml: No such file"):
        loading.load(tmp_path / "nowhere.toml")


def test_overrides_take_toml_values_and_plain_text(tmp_path):
    path = write(tmp_path, "[train]\nsteps = 5")
    config = loading.load(path, ["train.steps=7", "data.store=some/where", "agent.actor_layers=[8, 4]", "seed=3"])
    assert (config.train.steps, config.data.store, config.agent.actor_layers, config.seed) == (
        7,
        "some/where",
        (8, 4),
        3,
    )


@pytest.mark.parametrize("override", ["train.steps", "=3", "train..steps=3", "seed.x=3"])
def test_wrong_overrides_are_refused(tmp_path, override):
    with pytest.raises(errors.ConfigError, match="--set"):
        loading.load(write(tmp_path, "seed = 1"), [override])
