"""Three days of a made recording, and a policy calibrated on them."""

import pytest

from tests.live import binance_lines, made_policy

HOUR_MS = 3_600_000


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """(folder of three days of recordings, the messages of the last one)."""
    folder = tmp_path_factory.mktemp("recorded")
    for day in range(3):
        lines = binance_lines.recording(8000, seed=day, start_ms=1_723_150_000_000 + 24 * day * HOUR_MS)
        binance_lines.write(folder / f"btcusdt_{day}.gz", lines)
    return folder, lines


@pytest.fixture(scope="session")
def recorded_task(recorded, small_config, tmp_path_factory):
    """(task, policy directory) of these days."""
    folder = tmp_path_factory.mktemp("recorded_task")
    rules = {"touch": "always", "maker_fee_bps": -0.2, "latency_s": 0.1}
    task = made_policy.task_of(recorded[0], folder / "store", small_config, rules=rules)
    return task, made_policy.write(folder / "policy", task)
