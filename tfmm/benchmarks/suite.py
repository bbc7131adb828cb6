"""Measurements behind pipelines/benchmark.py, on a generated session."""

import itertools
import pathlib
import tempfile
import time

import numpy as np
import tensorflow as tf
from tf_agents.drivers import py_driver
from tf_agents.specs import tensor_spec
from tf_agents.train.utils import train_utils

from tfmm import jit, simulation
from tfmm.agents import factory as agents
from tfmm.benchmarks import collectors as collectors_lib, notebook_schedule, preparation as market_benchmark
from tfmm.config import agent as agent_lib, environment as environment_lib, experiment as experiment_lib, loading
from tfmm.environments import factory
from tfmm.environments.tape import task as tape_task
from tfmm.market import generator, schema, tape
from tfmm.market.ingest import store_writer
from tfmm.policies import live, saved
from tfmm.simulation import state
from tfmm.simulation.exchange import replay as schedule_lib
from tfmm.training import collection, exploration, export
from tfmm.training.replay import server as server_lib

ROWS = 128
_CLIENT_ROWS = 16_384  # a step of clients alone is so short that handing work to a thread costs as much as 1024 rows
_HASTE = 30  # how much faster than generated
_STEP_S = 0.1  # between quotes, replayed and of environments
_REPLAYED_HOURS = 60.0  # before the haste
_QUOTES = 2000  # whose latency is measured
_BEHIND = 8  # ticks behind the touch: about one fill a second


def run(repeats, notebook, collectors=(), scripts=None):
    """Measures every stage; rates are the best of `repeats`, but the notebook's schedule is timed once.

    Args:
        notebook: Config of configs/notebook.toml. collectors: numbers of collector processes to measure too.
        scripts: path of pipelines/, for those.

    Returns:
        dict of the contract's names: rates per second and ratios.
    """
    with tempfile.TemporaryDirectory() as folder:
        task = _task(pathlib.Path(folder) / "store")
        out = _replay(task.store.instruments[0], repeats)
        out["tape_env_steps_per_s"] = _environment(task, 1024, repeats)
        out["client_flow_env_steps_per_s"] = _environment(_clients_alone(), _CLIENT_ROWS, repeats)
        out["single_env_steps_per_s"] = _environment(task, None, repeats)
        stock = _collect(task, None, 300, repeats)
        out["collect_transitions_per_s"] = _collect(task, ROWS, 300, repeats)
        out["collect_vs_stock"] = out["collect_transitions_per_s"] / stock
        out.update(_train(task, repeats))
        out.update(notebook_schedule.run(notebook, task.config.data.store, pathlib.Path(folder)))
        out["quote_p99_ms"] = _quote(task, pathlib.Path(folder) / "policy", repeats)
        out.update(market_benchmark.run(folder, repeats))
        out.update(collectors_lib.run(collectors, task.config, scripts, folder))
    return out


def _task(path):
    """A store of three sessions and the notebook's network sizes."""
    instrument = schema.Instrument(symbol="SIM", tick_size=generator.TICK_SIZE, lot_size=generator.LOT_SIZE)

    def sessions():
        for day in range(3):
            name, *frames = generator.session(day, seed=1, hours=8.0)
            yield name, tape.Tape.from_frames(*_hastened(*frames), instrument), {}

    store_writer.create(path, [instrument], sessions())
    agent = agent_lib.Ddpg(actor_layers=(400, 300), critic_observation_layers=(400,), critic_joint_layers=(300,))
    environment = environment_lib.Environment(interval_s=_STEP_S, window_s=60.0, warmup_s=3.0)
    config = loading.with_store(experiment_lib.Config(agent=agent, environment=environment), path)
    return tape_task.TapeTask.create(config)


def _clients_alone():
    """Clients without a tape: the simple model with drawn fills."""
    return factory.open_task(experiment_lib.Config(environment=environment_lib.Environment(name="simple_model")))


def _hastened(*frames):
    """The same rows in less time: as busy as a crypto perpetual, about 280 events a second."""
    for frame in frames:
        frame["ts"] = frame["ts"].iloc[0] + (frame["ts"] - frame["ts"].iloc[0]) // _HASTE
    return frames


@jit.kernel
def _bare(events, quotes):
    """Reads every column of every event and one quote per interval; what no replay can be faster than."""
    total, k = 0, 0
    for i in range(events.shape[0]):
        event = events[i]
        while k < quotes.shape[0] and quotes[k].active_ns < event.ts:
            total += quotes[k].bid_tick
            k += 1
        total += event.lo_tick + event.hi_tick + event.kind + event.side + event.instrument
        total += np.int64(event.lo_size + event.hi_size)
    return total


def _replay(instrument, repeats):
    # larger than the caches, as a real day is
    _, *frames = generator.session(0, seed=1, hours=_REPLAYED_HOURS)
    session = tape.Tape.from_frames(*_hastened(*frames), instrument)
    times = np.arange(session.events["ts"][0], session.events["ts"][-1], round(_STEP_S * 1e9))
    last = np.searchsorted(session.events["ts"], times, side="right") - 1
    quotes = np.zeros(len(times), schedule_lib.SCHEDULE)
    quotes["ts_ns"] = times
    tick = session.instruments[0].tick_size
    quotes["bid_px"] = (session.events["lo_tick"][last] - _BEHIND) * tick
    quotes["ask_px"] = (session.events["hi_tick"][last] + _BEHIND) * tick
    quotes["bid_qty"] = quotes["ask_qty"] = 100.0
    orders = np.zeros(len(times), state.ORDER)
    orders["active_ns"] = times
    events = state.read_only(session.events)
    bare = market_benchmark.best(lambda: _bare(events, orders), repeats)
    seconds = market_benchmark.best(lambda: simulation.replay(session, quotes), repeats)
    return {"replay_events_per_s": len(session) / seconds, "replay_vs_bare_loop": bare / seconds}


def _environment(task, rows, repeats):
    env = task.environment("train", rows, seed=0)
    shape = (2,) if rows is None else (rows, 2)
    actions = np.random.default_rng(0).uniform(-1, 1, (64, *shape)).astype(np.float32)
    count = 20_000 if rows is None else 300
    env.reset()

    def steps():
        for k in range(count):
            env.step(actions[k % 64])

    return count * (rows or 1) / market_benchmark.best(steps, repeats)


def _quote(task, folder, repeats):
    """99th percentile of ms from a market event to the quotes that it releases, the best of `repeats`."""
    env = task.environment("test", None, seed=0)
    step = train_utils.create_train_step()
    specs = tensor_spec.from_spec(env.time_step_spec()), tensor_spec.from_spec(env.action_spec())
    agent = agents.create(task.config.agent, *specs, step, task.config.train.steps)
    export.Exporter(agent, task, step).save(folder)
    policy = saved.Policy.load(folder)
    market = task.store.tape(task.segments["test"][0].session)

    def latencies():
        session = live.Session(policy)
        for message in live.messages(market):
            began = time.perf_counter()
            for _ in session.take(message):
                now = time.perf_counter()
                yield now - began
                began = now

    return 1e3 * min(np.percentile(list(itertools.islice(latencies(), _QUOTES)), 99) for _ in range(repeats))


def _collector(task, rows):
    env = task.environment("train", rows, seed=0)
    time_step_spec = tensor_spec.from_spec(env.time_step_spec())
    action_spec = tensor_spec.from_spec(env.action_spec())
    step = train_utils.create_train_step()
    agent = agents.create(task.config.agent, time_step_spec, action_spec, step, task.config.train.steps)
    replay = server_lib.Replay(agent.collect_data_spec, rows, 100_000, timeout_s=60.0)
    if rows is None:
        policy = collection.single_policy(agent)
    else:
        noise = exploration.create(task.config.agent, env.action_spec(), rows, seed=0)
        policy = collection.BatchPolicy(agent, env.time_step_spec(), env.action_spec(), rows, noise)
    return env, agent, replay, policy


def _drive(env, replay, policy, rows, steps):
    driver = py_driver.PyDriver(
        env, policy, [replay.writer], max_steps=steps * (rows or 1), end_episode_on_boundary=True
    )
    driver.run(env.reset(), policy.get_initial_state(rows or 1))
    replay.writer.flush()


def _collect(task, rows, steps, repeats):
    """Transitions per second into Reverb; rows None: the stock path, one environment, one item a step."""
    env, _, replay, policy = _collector(task, rows)
    seconds = market_benchmark.best(lambda: _drive(env, replay, policy, rows, steps), repeats)
    replay.close()
    return steps * (rows or 1) / seconds


def _train(task, repeats):
    """Train steps per second from Reverb, batch 64, and against the same agent on one fixed batch."""
    env, agent, replay, policy = _collector(task, ROWS)
    _drive(env, replay, policy, ROWS, 300)
    iterator = iter(replay.dataset(64))
    batch, _ = next(iterator)
    fixed = iter(tf.data.Dataset.from_tensors((batch, ())).repeat())

    @tf.function
    def loop(source, count):
        for _ in tf.range(count):
            agent.train(next(source)[0])

    count, rates = 200, []
    for _ in range(repeats):
        # in turn, as the machine may have other work at times
        from_replay = market_benchmark.best(lambda: loop(iterator, tf.constant(count)), 1)
        from_fixed = market_benchmark.best(lambda: loop(fixed, tf.constant(count)), 1)
        rates.append((count / from_replay, count / from_fixed))
    from_replay, from_fixed = np.max(rates, axis=0)
    replay.close()
    return {"train_steps_per_s": from_replay, "train_vs_fixed_batch": from_replay / from_fixed}
