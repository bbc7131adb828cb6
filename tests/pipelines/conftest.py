"""A policy trained for seconds, as a user does."""

import pytest

from tests import workers
from tfmm.config import loading


@pytest.fixture(scope="session")
def trained(small_config, pytestconfig, run_script):
    """Path of a run directory that all workers read: what writes into it copies it first."""

    def train(folder):
        folder.mkdir()
        (folder / "small.toml").write_text(loading.dumps(small_config))
        changes = "--set", "rules.maker_fee_bps=0.1"
        done = run_script("train.py", folder / "small.toml", "--run-dir", folder / "run", *changes)
        assert done.returncode == 0, done.stderr

    return workers.once(pytestconfig, "trained", train) / "run"
