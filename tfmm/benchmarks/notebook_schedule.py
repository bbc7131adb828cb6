"""Time of the notebook's whole schedule: our batched trainer against the stock single path of TF-Agents."""

import pathlib
import time

import msgspec
from tf_agents.drivers import py_driver
from tf_agents.train import learner

from tfmm.agents import factory as agents
from tfmm.config import loading
from tfmm.config.experiment import Config
from tfmm.environments.tape import task as tape_task
from tfmm.training import collection, run_directory, trainer
from tfmm.training.replay import server as server_lib

_ITERATIONS = 10  # of the schedule that our trainer groups into one
_SHARE = 10  # the stock path runs this part of the schedule
_NEVER = 2**62


def run(notebook: Config, store: str, folder: pathlib.Path) -> dict[str, float]:
    """{"notebook_schedule_vs_stock"}: seconds of the stock path over seconds of our trainer.

    Our time is that of a whole run, with tracing, logs, checkpoints and export; the rows of a batched environment share
    the steps of an iteration and iterations are grouped by ten, so the numbers of transitions and train steps are those
    of the notebook. The stock path is timed on a tenth of the schedule after its first iteration, without logs,
    checkpoints and export, and scaled.

    Args:
        notebook: configuration of configs/notebook.toml, a single environment. store: path of the market data.
        folder: for the run directories.
    """
    notebook = loading.with_store(notebook, store)
    ours = _ours(tape_task.TapeTask.create(batched(notebook)), folder / "ours")
    stock = _stock(tape_task.TapeTask.create(notebook), folder / "stock")
    return {"notebook_schedule_vs_stock": stock / ours}


def batched(notebook: Config) -> Config:
    """The same numbers of transitions and train steps, with a row for each collect step of an iteration."""
    rows = notebook.collect.steps_per_iteration
    replace = msgspec.structs.replace
    return replace(
        notebook,
        environment=replace(notebook.environment, rows=rows),
        collect=replace(
            notebook.collect,
            mode="batch",
            initial_steps=notebook.collect.initial_steps // rows,
            steps_per_iteration=_ITERATIONS,
        ),
        train=replace(
            notebook.train,
            steps_per_iteration=_ITERATIONS * notebook.train.steps_per_iteration,
            validation_interval=0,
        ),
    )


def _ours(task, folder):
    run = run_directory.RunDirectory.create(folder, task.config, task.data_hash)
    times = []

    def note(_):
        times.append(time.perf_counter())

    trainer.train(task, run, on_ready=note, on_end=note)
    return times[1] - times[0]


def _stock(task, folder):
    """A single environment and TF-Agents' eager policy; an item for each step, a learner call for each train step."""
    settings, collect = task.config.train, task.config.collect
    env = task.environment("train", None, seed=0)
    agent, step = agents.create_agent(task.config, collection.tf_environment(env))
    replay = server_lib.Replay(agent.collect_data_spec, None, settings.replay_capacity, settings.replay_timeout_s)
    train = learner.Learner(
        str(folder),
        step,
        agent,
        lambda: replay.dataset(settings.batch_size),
        checkpoint_interval=_NEVER,
        summary_interval=settings.log_interval,
    )

    def collect_steps(policy, steps, time_step):
        driver = py_driver.PyDriver(env, policy, [replay.writer], max_steps=steps, end_episode_on_boundary=True)
        time_step, _ = driver.run(time_step, policy.get_initial_state(1))
        replay.writer.flush()
        return time_step

    policy, uniform = collection.single_policy(agent), collection.random_policy(env, seed=0)

    def iteration(time_step):
        time_step = collect_steps(policy, collect.steps_per_iteration, time_step)
        train.run(iterations=settings.steps_per_iteration)
        return time_step

    now = iteration(collect_steps(uniform, settings.batch_size, env.reset()))
    began = time.perf_counter()
    now = collect_steps(uniform, collect.initial_steps // _SHARE, now)
    for _ in range(settings.steps // settings.steps_per_iteration // _SHARE):
        now = iteration(now)
    seconds = time.perf_counter() - began
    replay.close()
    return seconds * _SHARE
