"""Throughput of collector processes beside a learner, all on this machine."""

import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec
import reverb

from tfmm import errors, files
from tfmm.config import loading
from tfmm.config.experiment import Config
from tfmm.training.replay import writers

_HOST = "127.0.0.1"
_ROWS, _COLLECT_STEPS = 128, 10
_WINDOW_S = 20.0
_START_S = 300.0  # until all processes collect and train
_POLL_S = 0.1
_ANSWER_S = 2


def run(counts: Sequence[int], config: Config, scripts: pathlib.Path, folder: pathlib.Path) -> dict[str, float]:
    """Starts pipelines/train.py --serve with each number of pipelines/collect.py processes in turn.

    The learner samples one transition of 20 (64 for 1280 collected), so the collectors are the bottleneck.

    Args:
        counts: numbers of collectors. config: of the learner. scripts: path of pipelines/. folder: for the runs.

    Returns:
        {"collectors_N_transitions_per_s" into Reverb, "collectors_N_train_steps_per_s"} for each N, over 20 s.
    """
    replace = msgspec.structs.replace
    config = replace(
        config,
        environment=replace(config.environment, rows=_ROWS),
        collect=replace(config.collect, initial_steps=100, steps_per_iteration=_COLLECT_STEPS),
        train=replace(
            config.train, steps=10**6, steps_per_iteration=1, batch_size=64, log_interval=10, validation_interval=0,
            checkpoint_interval=10**6,
        ),
    )  # fmt: skip
    path = folder / "config.toml"
    path.write_text(loading.dumps(config))
    out = {}
    for count in counts:
        transitions, steps = _measure(count, path, scripts, folder / f"run_{count}")
        out[f"collectors_{count}_transitions_per_s"] = transitions
        out[f"collectors_{count}_train_steps_per_s"] = steps
    return out


def _measure(count, config, scripts, run_dir):
    address = f"{_HOST}:{_free_port()}"
    processes = [_start(scripts / "train.py", config, "--run-dir", run_dir, "--serve", address)]
    try:
        processes += [_start(scripts / "collect.py", config, "--server", address) for _ in range(count)]
        client, since = reverb.Client(address), time.monotonic()
        while _step(run_dir) < 50:  # every graph is traced by then
            if any(one.poll() is not None for one in processes) or time.monotonic() - since > _START_S:
                raise errors.ConfigError(
                    f"--collectors {count}: the processes did not start, wanted a machine without other load"
                )
            time.sleep(_POLL_S)
        before, step, since = _inserted(client), _step(run_dir), time.monotonic()
        time.sleep(_WINDOW_S)
        transitions, steps, seconds = _inserted(client) - before, _step(run_dir) - step, time.monotonic() - since
        return transitions / seconds, steps / seconds
    finally:
        for one in processes:
            one.kill()
            one.wait()


def _start(script, *arguments):
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _inserted(client):
    return client.server_info(_ANSWER_S)[writers.TABLE].rate_limiter_info.insert_stats.completed * _ROWS


def _step(run_dir):
    records = files.read_json_lines(run_dir / "metrics.jsonl")
    return records[-1]["step"] if records else 0


def _free_port():
    with socket.socket() as one:
        one.bind((_HOST, 0))
        return one.getsockname()[1]
