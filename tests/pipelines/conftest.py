"""A policy trained for seconds, as a user does."""

import pytest

from tfmm.config import loading


@pytest.fixture(scope="session")
def trained(small_config, tmp_path_factory, run_script):
    folder = tmp_path_factory.mktemp("line")
    (folder / "small.toml").write_text(loading.dumps(small_config))
    done = run_script(
        "train.py", folder / "small.toml", "--run-dir", folder / "run", "--set", "rules.maker_fee_bps=0.1"
    )
    assert done.returncode == 0, done.stderr
    return folder / "run"
