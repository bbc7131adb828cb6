"""Fixtures shared by all tests: real data beside the checkout, and a small generated store."""

import pathlib
import sys

import pytest

from tests import scripts, workers
from tfmm.config import loading
from tfmm.market import generator, schema, tape
from tfmm.market.ingest import store_writer

ROOT = pathlib.Path(__file__).resolve().parents[1]
SLOW = [ROOT / "tests" / name for name in ("pipelines", "training", "test_jit.py", "test_workers.py")]
SLOW_FIXTURES = {"run_script", "start_script", "shared_data"}
# Longest files first: one begun last would leave the other worker idle. The first of each kind compiles the simulator's
# kernels, the second needs none of them, so that the workers do not both compile them.
FIRST = (
    "pipelines/test_evaluate.py",
    "training/distributed/test_collector.py",
    "pipelines/test_experiments.py",
    "pipelines/test_colab.py",
    "training/test_resume.py",
    "training/test_trainer.py",
    "training/test_agents.py",
    "pipelines/test_prepare.py",
    "backtest/test_closed_loop.py",
    "market/ingest/test_prepare.py",
    "environments/analytic/test_kernel.py",
    "models/test_simple.py",
    "models/test_dealer_hedging.py",
    "evaluation/test_comparison.py",
)


def pytest_configure(config):
    config.pluginmanager.register(workers, "workers")


def pytest_collection_modifyitems(items):
    """Marks what trains, starts processes or reads real data as slow and puts it first, in the order of FIRST."""
    order = {ROOT / "tests" / name: k for k, name in enumerate(FIRST)}
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in SLOW) or SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker("slow")
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, order.get(item.path, len(order))))


def _one_thread():
    """What training with small networks sets, and nobody can once TensorFlow has computed something."""
    if "tensorflow" in sys.modules:
        threading = sys.modules["tensorflow"].config.threading
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)


def pytest_collection_finish():
    _one_thread()


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real market data; skips where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real market data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def run_script():
    """Runs a script of pipelines/ as a user does, but in this process; see tests.scripts.inside."""
    import tensorflow  # noqa: F401

    _one_thread()
    return scripts.inside


@pytest.fixture(scope="session")
def start_script():
    """Runs a script of pipelines/ in a process of its own; see tests.scripts.in_a_process."""
    return scripts.in_a_process


def _generated(path, seed):
    """Writes a store with three generated sessions of six minutes."""
    instrument = schema.Instrument(symbol="SIM", tick_size=generator.TICK_SIZE, lot_size=generator.LOT_SIZE)

    def sessions():
        for day in range(3):
            name, quotes, trades = generator.session(day, seed=seed, hours=0.1)
            yield name, tape.Tape.from_frames(quotes, trades, instrument), {}

    store_writer.create(path, [instrument], sessions())


@pytest.fixture(scope="session")
def small_store(pytestconfig):
    """Path of a store with three generated sessions of six minutes."""
    return workers.once(pytestconfig, "small_store", lambda path: _generated(path, seed=3))


@pytest.fixture(scope="session")
def other_store(pytestconfig):
    """Path of a store like small_store, with other sessions."""
    return workers.once(pytestconfig, "other_store", lambda path: _generated(path, seed=4))


@pytest.fixture(scope="session")
def small_config(small_store):
    """A Config on the small store whose training takes seconds."""
    text = {
        "data": {"store": str(small_store)},
        "environment": {"rows": 8, "window_s": 60.0, "warmup_s": 5.0},
        "agent": {"actor_layers": [16], "critic_joint_layers": [16]},
        "collect": {"initial_steps": 40, "steps_per_iteration": 2},
        "train": {
            "steps": 60, "steps_per_iteration": 2, "batch_size": 32, "replay_capacity": 2000, "log_interval": 10,
            "checkpoint_interval": 20, "validation_interval": 30,
        },
    }  # fmt: skip
    return loading.decode(text, "test")


@pytest.fixture(scope="session")
def pair_store(pytestconfig):
    """Three sessions of two independent generated instruments on one tape; the second has lots of 10."""
    instruments = (
        schema.Instrument(symbol="ONE", tick_size=0.01),
        schema.Instrument(symbol="TWO", tick_size=0.01, lot_size=10.0, multiplier=0.5),
    )

    def sessions():
        for day in range(3):
            parts = []
            for n, one in enumerate(instruments):
                name, quotes, trades = generator.session(day, seed=20 + n, hours=0.05)
                parts.append(tape.Tape.from_frames(quotes, trades, one))
            yield name, tape.Tape.merge(parts), {}

    return workers.once(pytestconfig, "pair_store", lambda path: store_writer.create(path, instruments, sessions()))
