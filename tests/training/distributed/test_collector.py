"""A learner and collectors in processes of their own, on loopback: killed, restarted, refused."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest
import reverb
import tensorflow as tf
from tf_agents.trajectories import trajectory

from tfmm import errors
from tfmm.agents import factory as agents
from tfmm.config import loading
from tfmm.environments import factory
from tfmm.training import collection, metrics, run_directory, signals, trainer as trainer_lib
from tfmm.training.distributed import collector, learner as learner_lib, report_table, weight_table
from tfmm.training.replay import server as server_lib

ROOT = pathlib.Path(__file__).resolve().parents[3]
CONFIG = {
    "environment": {"name": "simple_model", "rows": 16},
    "agent": {"actor_layers": [16], "critic_joint_layers": [16], "reward_centre": "auto"},
    "collect": {"initial_steps": 60, "steps_per_iteration": 4},
    "train": {
        "steps": 600, "steps_per_iteration": 2, "batch_size": 32, "replay_capacity": 3000, "log_interval": 20,
        "checkpoint_interval": 60, "validation_interval": 0, "publish_interval": 4,
    },
}  # fmt: skip


def _port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def start():
    """Starts a script, its stderr in a file if one is given; what still runs at the end is killed."""
    started = []

    def one(script, config, *more, log=None):
        with contextlib.ExitStack() as stack:
            process = subprocess.Popen(
                [sys.executable, f"pipelines/{script}", str(config), *more],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if log is None else stack.enter_context(open(log, "w", encoding="utf-8")),
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        started.append(process)
        return process

    yield one
    for process in started:
        process.kill()
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


def _records(run_dir):
    path = run_dir / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _until(condition, *processes):
    for _ in range(6000):
        if condition():
            return
        for one in processes:
            assert one.poll() is None, one.communicate()[1]
        time.sleep(0.05)
    raise AssertionError("not within five minutes")


def test_collectors_and_the_learner_may_be_killed(tmp_path, start):
    """A collector is killed and another one started, then the learner is killed and resumed: it ends as planned."""
    config, run_dir, address = tmp_path / "config.toml", tmp_path / "run", f"127.0.0.1:{_port()}"
    config.write_text(loading.dumps(loading.decode(CONFIG, "test")))
    to_server = "--server", address, "--wait", "240"
    learner = start("train.py", config, "--run-dir", str(run_dir), "--serve", address)
    first, second = (start("collect.py", config, *to_server) for _ in range(2))
    _until(lambda: list(run_dir.glob("checkpoints/[0-9]*")), learner, first, second)
    first.kill()
    first.communicate()
    # without collectors the learner waits: else training might be over before a slow machine has started the third
    second.send_signal(signal.SIGSTOP)
    log = tmp_path / "third.log"
    third = start("collect.py", config, *to_server, log=log)
    _until(lambda: "waiting up to" in log.read_text(), learner, third)
    learner.kill()
    learner.communicate()
    second.send_signal(signal.SIGCONT)
    learner = start("train.py", config, "--run-dir", str(run_dir), "--resume", "--serve", address)
    _, text = learner.communicate(timeout=200)
    assert learner.returncode == 0, text
    assert "resuming at step" in text
    assert "filled again" not in text
    for one in (second, third):
        out, text = one.communicate(timeout=200)
        assert one.returncode == 0, text or log.read_text()
        assert "training is over" in out
    records = _records(run_dir)
    assert [one["step"] for one in records] == list(range(20, 601, 20))
    # 2 train steps for 4 x 16 transitions; sampling may run ahead by _SLACK items
    assert records[-1]["collect/transitions"] >= 600 * 32 - 2 * 256 * 16
    told = [one for one in records if "collect/reward_mean" in one]
    assert told
    assert all(np.isfinite(one["collect/inventory_abs_mean"]) for one in told)
    assert json.loads((run_dir / "policy" / "tfmm.json").read_text())["train_step"] == 600


def test_a_learner_without_collectors_saves_and_stops(tmp_path, monkeypatch):
    settings = loading.decode(CONFIG, "test")
    rare = msgspec.structs.replace(settings.train, replay_timeout_s=1.0, publish_interval=10_000)
    settings = msgspec.structs.replace(settings, train=rare)
    run = run_directory.RunDirectory.create(tmp_path / "run", settings, "hash")
    ready, messages, save = [], [], run.save_checkpoint

    def noted(*arguments):
        messages.append(ready[0].replay.client.server_info()[weight_table.TABLE].current_size)
        save(*arguments)

    monkeypatch.setattr(run, "save_checkpoint", noted)
    wanted = r"no transition came for 1 s \(train\.replay_timeout_s\), wanted a running pipelines/collect\.py"
    with pytest.raises(errors.DataError, match=wanted):
        trainer_lib.train(factory.open_task(settings), run, _port(), on_ready=ready.append)
    assert messages[0] == 1  # at once, for collectors to begin
    assert 0 < int(run.newest().name) < 600


@pytest.fixture(scope="module")
def parts():
    """TapeTask, agent variables and transitions of a collector, and a learner's server that fits them."""
    task = factory.open_task(loading.decode(CONFIG, "test"))
    env = task.environment("train", 16, 0)
    agent, _ = agents.create_agent(task.config, collection.tf_environment(env))
    variables = agent.policy.variables()
    tables = weight_table.table(variables), report_table.table(("steps", "reward"))
    replay = server_lib.Replay(agent.collect_data_spec, 16, 3000, 5.0, service=server_lib.Service(tables=tables))
    yield task, agent, variables, replay
    replay.close()


def _link(parts, signature=None, variables=None, digests=None, address=None, limit_s=10.0):
    task, agent, own, replay = parts
    return collector.Link(
        address or f"127.0.0.1:{replay.port}",
        signature or server_lib.signature(agent.collect_data_spec, 16),
        own if variables is None else variables,
        weight_table.digests(task) if digests is None else digests,
        limit_s,
        signals.Stop(),
    )


def test_published_weights_arrive(parts):
    task, _, variables, replay = parts
    copies = [tf.Variable(tf.zeros_like(one)) for one in variables]
    weight_table.publish(replay.client, variables, 7, weight_table.digests(task))
    link = _link(parts, variables=copies)
    link.connect()
    assert link.train_step == 7
    for one, other in zip(copies, variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_reports_of_collectors_add_up_and_are_read_once(parts):
    _, _, _, replay = parts
    for sums in ([3.0, 1.5], [1.0, 0.5]):
        writer = replay.client.trajectory_writer(1)
        report_table.send(writer, np.array(sums))
        writer.flush()
    np.testing.assert_array_equal(report_table.take(replay.client, ("steps", "reward")), [4.0, 2.0])
    np.testing.assert_array_equal(report_table.take(replay.client, ("steps", "reward")), [0.0, 0.0])


def test_statistics_of_two_environments_add_up_to_those_of_both(parts):
    """Episodes of 1 to 3 steps, worked on paper: returns 1 + 2, 3 and 4; the one under way at the start has none."""
    env = parts[0].environment("train", 2, 0)
    first, second = metrics.Collected(env), metrics.Collected(env)
    FIRST, MID, LAST = 0, 1, 2

    def step(one, kinds, following, rewards, action):
        ones = np.ones(2, np.float32)
        action = np.array([[action, action]] * 2, np.float32)
        kinds, following = np.array(kinds, np.int32), np.array(following, np.int32)
        one(trajectory.Trajectory(kinds, ones, action, (), following, np.array(rewards, np.float32), ones))

    step(first, [FIRST, MID], [MID, LAST], [1, 9], 1.0)
    step(first, [MID, LAST], [LAST, FIRST], [2, 99], 0.0)
    step(second, [FIRST, FIRST], [LAST, LAST], [3, 4], 0.0)
    record = metrics.means(first.names, first.sums() + second.sums())
    # 5 steps inside episodes: rewards 1, 9, 2, 3, 4; two of them with actions at the bound
    assert record["reward_mean"] == pytest.approx(19 / 5)
    assert (record["episodes"], record["episode_return_mean"]) == (3, pytest.approx(10 / 3))
    assert record["action_at_bound_share"] == pytest.approx(2 / 5)
    assert record["action_0_mean"] == pytest.approx(0.4)
    assert record["action_0_stddev"] == pytest.approx((0.4 - 0.16) ** 0.5)
    assert record["inventory_abs_mean"] == np.abs(env.simulator.rows["inventory"][:, 0]).mean()
    assert first.transitions == 3
    first.reset()
    assert first.result() == {}


def test_learners_of_other_settings_are_refused(parts):
    task, agent, variables, replay = parts
    weight_table.publish(replay.client, variables, 7, weight_table.digests(task))
    with pytest.raises(errors.ConfigError, match=r"transitions have int32 \[2, 16\], not int32 \[2, 8\]"):
        _link(parts, signature=server_lib.signature(agent.collect_data_spec, 8)).connect()
    with pytest.raises(errors.ConfigError, match=r"policy have .*, wanted its own configuration"):
        _link(parts, variables=variables[:-1]).connect()
    averse = msgspec.structs.replace(task.config, model=msgspec.structs.replace(task.config.model, risk=0.1))
    with pytest.raises(errors.ConfigError, match=r"the learner has another \[data\], \[model\] or other data"):
        _link(parts, digests=weight_table.digests(factory.open_task(averse))).connect()


def test_other_servers_and_silence_are_refused_within_the_limit(parts):
    with pytest.raises(errors.ConfigError, match=r"no learner answers for 0\.5 s"):
        _link(parts, address=f"127.0.0.1:{_port()}", limit_s=0.5).connect()
    table = reverb.Table("x", reverb.selectors.Fifo(), reverb.selectors.Fifo(), 1, reverb.rate_limiters.MinSize(1))
    server = reverb.Server([table])
    with pytest.raises(errors.ConfigError, match=r"a Reverb server with tables x, wanted"):
        _link(parts, address=f"127.0.0.1:{server.port}").connect()
    link = _link(parts, address=f"127.0.0.1:{server.port}", limit_s=0.5)
    server.stop()  # Reverb's own calls would now wait for ever
    with pytest.raises(errors.ConfigError, match=r"no learner answers for 0\.5 s"):
        link.check_server()


def test_a_signal_ends_the_wait(parts):
    stop = signals.Stop()
    with stop:
        os.kill(os.getpid(), signal.SIGTERM)
        link = collector.Link(f"127.0.0.1:{_port()}", {}, [], None, 1000.0, stop)
        with pytest.raises(errors.Interrupted):
            link.connect()


@pytest.mark.parametrize("text", ["8500", ":8500", "host:", "host:x", "host:0", "host:70000"])
def test_addresses_are_host_and_port(text):
    with pytest.raises(errors.ConfigError, match="wanted HOST:PORT"):
        learner_lib.parse(text, "--serve")


def test_an_address_that_is_taken_or_not_ours_is_refused():
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(errors.ConfigError, match="wanted an address of this machine with a free port"):
        learner_lib.claim(*taken.getsockname())
    with pytest.raises(errors.ConfigError, match="wanted an address of this machine with a free port"):
        learner_lib.claim("192.0.2.1", 8500)  # of a range that nobody has (RFC 5737)


def test_the_ratio_is_that_of_one_process():
    """2 train steps of 32 for 4 steps of 16 rows: every transition is sampled once, 4 items an iteration."""
    settings = loading.decode(CONFIG, "test")
    assert learner_lib.ratio(settings) == 1.0
    assert learner_lib.needed(settings, 2) == 4.0
