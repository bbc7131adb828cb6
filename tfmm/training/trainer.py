"""The training job: environment, specs, agent, replay, learner, driver, loop, close."""

import contextlib
import logging
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tqdm
from tf_agents.environments import py_environment

from tfmm import errors
from tfmm.agents import ddpg, factory as agents, guarded, networks
from tfmm.environments import task as task_lib
from tfmm.training import (
    checkpoint_schema,
    checkpoints as checkpoints_lib,
    collection,
    critic_values,
    devices,
    exploration,
    export,
    learner as learner_lib,
    metrics,
    nan_guard,
    run_directory,
    run_log,
    signals,
    triggers,
    validation as validation_lib,
)
from tfmm.training.distributed import learner as serving_lib
from tfmm.training.replay import dataset, on_policy, server as server_lib

_NEVER = 2**62
_LOG = logging.getLogger(__name__)


class Parts(NamedTuple):
    """What a training is made of, for a notebook or a test that looks at it."""

    env: py_environment.PyEnvironment
    agent: guarded.GuardedAgent
    train_step: tf.Variable
    collected: metrics.Collected
    replay: server_lib.Replay | on_policy.Blocks
    learner: learner_lib.Learner
    checkpoints: checkpoints_lib.Checkpoints


def train(
    task: task_lib.Task,
    run: run_directory.RunDirectory,
    port: int | None = None,
    on_ready: Callable[[Parts], None] | None = None,
    on_end: Callable[[Parts], None] | None = None,
) -> Parts:
    """Trains to `train.steps`, from the newest checkpoint of the run directory on if there is one.

    Args:
        task: see environments.factory.
        port: where transitions of other processes are taken; None: this one collects them.
        on_ready: called when all parts are made and restored. on_end: called at the end, before they are closed.

    Returns:
        The parts; learner and replay are closed.

    Raises:
        Interrupted: after a signal; the checkpoint of that moment is on disk.
        Diverged: a loss or a weight is not finite; nothing of it is saved.
        DataError: a checkpoint cannot be written or restored, or no transitions came from other processes.
    """
    config, settings = task.config, task.config.train
    off_policy = not agents.on_policy(config.agent)
    np_seed, env_seed, noise_seed, random_seed = map(int, np.random.SeedSequence(config.seed).generate_state(4))
    tf.keras.utils.set_random_seed(np_seed)
    stop = signals.Stop()

    with contextlib.ExitStack() as to_close:
        # Environment
        single = config.collect.mode == "single"
        rows = None if single else config.environment.rows
        env = task.environment("train", rows, env_seed)
        collected = metrics.Collected(env)

        # Specs and agent, under the strategy: it decides on which device their variables are
        strategy = devices.strategy(settings)
        with strategy.scope():
            structure = ddpg.Structure(task.observation_per_order, task.exogenous)
            agent, train_step = agents.create_agent(config, collection.tf_environment(env), structure)
        schema = checkpoint_schema.of(agent, config)  # before the Learner adds the variables of the optimisers
        checkpoint_schema.check(run.newest(), schema)

        # Replay; of a server that other processes fill, its tables are of the agent's weights and of their statistics
        service = None if port is None else serving_lib.service(config, port, agent, collected.names)
        replay = dataset.create(task, agent, rows, run, service)
        to_close.callback(replay.close)

        # Learner; it traces agent.train, so the guard comes first. The triggers fire in their order after each call
        agent.guard = guard = nan_guard.Guard(agent.training_data_spec, run)
        losses, values = metrics.Losses(), critic_values.CriticValues(agent)
        noise = exploration.create(config.agent, env.action_spec(), rows, noise_seed) if rows and off_policy else None
        reported: metrics.Collected | serving_lib.Reports = collected
        if port is not None:
            reported = serving_lib.Reports(replay, collected.names, config.environment.rows)
        log = run_log.RunLog(run, train_step, losses, values, reported, noise if port is None else None)
        exporter = export.Exporter(agent, task, train_step)
        evaluation_env = task.environment("validation", None, env_seed) if single else None
        validation = validation_lib.Validation(task, agent, run, exporter, train_step, evaluation_env)
        checkpoints = checkpoints_lib.Checkpoints(
            run, agent, train_step, schema, settings.checkpoints_kept,
            replay if settings.checkpoint_replay and off_policy else None,
        )  # fmt: skip
        timed = [
            triggers.MultipleTrigger(settings.log_interval, log.write, settings.steps),
            triggers.MultipleTrigger(settings.validation_interval, validation.run, settings.steps),
            triggers.MultipleTrigger(settings.checkpoint_interval, checkpoints.save, settings.steps),
        ]
        learner = learner_lib.Learner(
            str(run.path / "tensorboard"),
            train_step,
            agent,
            lambda: dataset.dataset(task, replay),
            after_train_strategy_step_fn=guard.check,
            triggers=timed,
            checkpoint_interval=_NEVER,  # Checkpoints holds the state outside TensorFlow too
            summary_interval=settings.log_interval,
            strategy=strategy,
            guard=guard,
            losses=losses,
        )
        to_close.callback(learner.close)

        # Driver, or collectors in other processes. The PyDriver steps the PyEnvironment itself: through the
        # TFPyEnvironment a step of 128 rows of simple_model takes 12 times as long, of a single row 33 times
        policy = collection.collect_policy(agent, env, noise)
        collector = collection.Collector(config, env, policy, noise, replay.writer, collected)

        # A checkpoint is restored only now: the Learner has made the variables of the optimisers
        resumed = checkpoints.restore({"collector": collector, "monitor": values, "best": validation})
        serving = None if port is None else serving_lib.Serving(task, replay, agent, stop, checkpoints.save, resumed)
        step = int(train_step.numpy())
        for trigger in timed:
            trigger.set_start(step)
        if resumed:
            _LOG.info("resuming at step %d, %d items in the replay", step, replay.items())
        parts = Parts(env, agent, train_step, collected, replay, learner, checkpoints)
        if on_ready is not None:
            on_ready(parts)

        # Loop; a signal ends it where it can be saved
        bar = tqdm.tqdm(total=settings.steps, initial=step, unit="step", desc="train", disable=None)
        with stop, bar:
            if not resumed:
                seen = collector.warm_up(random_seed, into_replay=off_policy)
                values.choose(seen, config.seed)
                if config.agent.normalise_observations:
                    networks.fit_normaliser(agent, seen)
            elif off_policy and not replay.restored:
                collector.refill()
            log.begin()
            while step < settings.steps and not validation.stale:
                iterations = min(settings.steps_per_iteration, settings.steps - step)
                if serving is None:
                    collector.run()
                else:
                    serving.run(step, iterations)
                if stop.number:
                    break
                learner.run(iterations=iterations)
                step += iterations
                bar.update(iterations)
            checkpoints.save()
        if stop.number:
            message = f"stopped at step {step}, checkpoint saved; go on with --resume"
            raise errors.Interrupted(message, stop.number)
        if step < settings.steps:
            _LOG.info("stopped early at step %d: no better policy in %d validations", step, validation.since_best)
        gate = validation_lib.no_quote_gate(task, collection.greedy(agent)) if settings.no_quote_gate else None
        exporter.save(run.path / "policy", gate)
        if serving is not None:
            serving.finish(step)
        if on_end is not None:
            on_end(parts)

        # Close: the stack ends the learner's samplers first, then the replay's writer and server
    return parts
