"""The training job: environment, agent, replay, learner, driver, loop, close."""

import contextlib
import logging
import signal
import time

import numpy as np
import tensorflow as tf
import tqdm
from tf_agents.drivers import py_driver
from tf_agents.specs import tensor_spec
from tf_agents.train import learner
from tf_agents.train.utils import train_utils

from tfmm import errors
from tfmm.agents import factory as agents
from tfmm.agents import networks
from tfmm.environments import factory
from tfmm.training import collection, exploration, export, n_step, on_policy, validation
from tfmm.training import replay as replay_lib

_NEVER = 2**62
_LOG = logging.getLogger(__name__)


class Trainer:
    """One training run in a run directory.

    Args:
        problem: environments.problem.Problem. run: RunDirectory.
    """

    def __init__(self, problem, run):
        config = problem.config
        self._problem, self._run, self._config = problem, run, config
        np_seed, env_seed, noise_seed, random_seed = np.random.SeedSequence(config.seed).generate_state(4)
        tf.keras.utils.set_random_seed(int(np_seed))
        single = config.collect.mode == "single"
        self._rows = None if single else config.environment.rows
        self._env = factory.create(problem, "train", self._rows, int(env_seed))
        time_step_spec = tensor_spec.from_spec(self._env.time_step_spec())
        action_spec = tensor_spec.from_spec(self._env.action_spec())
        self._step = train_utils.create_train_step()
        self._agent = agents.create(config.agent, time_step_spec, action_spec, self._step, config.train.steps)
        self._on_policy = agents.on_policy(config.agent)
        self._replay = self._create_replay()
        self._learner = learner.Learner(
            str(run.path / "tensorboard"),
            self._step,
            self._agent,
            self._dataset,
            checkpoint_interval=_NEVER,
            summary_interval=config.train.log_interval,
        )
        self._statistics = collection.Statistics()
        self._observers = [self._replay.writer, self._statistics]
        perturbed = not single and not self._on_policy
        self._noise = (
            exploration.create(config.agent, self._env.action_spec(), self._rows, int(noise_seed))
            if perturbed
            else None
        )
        self._random_seed = int(random_seed)
        self._policy = (
            collection.single_policy(self._agent)
            if single
            else self._batch_policy(self._noise, self._rows, sampled=self._on_policy)
        )
        self._checkpoint = tf.train.Checkpoint(agent=self._agent, train_step=self._step)
        self._exporter = None
        self._best = -np.inf
        self._time_step = None
        self._stop = 0

    def _create_replay(self):
        settings = self._config.train
        if self._on_policy:
            return on_policy.Blocks(self._agent.collect_data_spec, self._rows, settings.replay_timeout_s)
        return replay_lib.Replay(
            self._agent.collect_data_spec,
            self._rows,
            settings.replay_capacity,
            settings.replay_timeout_s,
            self._config.agent.n_step + 1,
        )

    def _dataset(self):
        agent = self._config.agent
        data = replay_lib.centred(self._replay.dataset(self._config.train.batch_size), _centre(self._problem))
        return n_step.folded(data, agent.n_step, agent.gamma)

    def _batch_policy(self, noise, rows, sampled=False):
        env = self._env
        return collection.BatchPolicy(self._agent, env.time_step_spec(), env.action_spec(), rows, noise, sampled)

    def run(self):
        """Trains to `train.steps`, resuming from the newest checkpoint of the run directory if there is one.

        Raises:
            Interrupted: after a signal; the checkpoint of that moment is on disk.
        """
        settings = self._config.train
        step, state = self._run.restore_checkpoint(self._checkpoint)
        if state is not None:
            self._set_state(state)
            _LOG.info("resuming at step %d", step)
        self._run.forget_after(step)
        with (
            self._signals(),
            tqdm.tqdm(total=settings.steps, initial=step, unit="step", desc="train", disable=None) as bar,
        ):
            self._warm_up(fit=state is None)
            while step < settings.steps and not self._stop:
                self._collect(self._policy, self._config.collect.steps_per_iteration, self._observers)
                iterations = min(settings.steps_per_iteration, settings.steps - step)
                began = time.perf_counter()
                loss = self._learner.run(iterations=iterations)
                previous, step = step, step + iterations
                bar.update(iterations)
                self._after(previous, step, loss, iterations / (time.perf_counter() - began))
            self._save(step)
        if self._stop:
            raise errors.Interrupted(f"stopped at step {step}, checkpoint saved; go on with --resume", self._stop)
        self._export("policy")

    def close(self):
        """Stops the replay server."""
        self._replay.close()

    @contextlib.contextmanager
    def _signals(self):
        def stop(number, _):
            self._stop = number

        previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _warm_up(self, fit):
        """Fills the replay: with random actions at the start, with the restored policy after a resume."""
        steps = self._config.collect.initial_steps
        if not fit:
            if not self._on_policy:
                self._collect(self._policy, steps, self._observers)
            return
        seen = collection.Observations()
        observers = [seen] if self._on_policy else [*self._observers, seen]
        self._collect(collection.random_policy(self._env, self._random_seed), steps, observers)
        if self._config.agent.normalise_observations:
            networks.fit_normaliser(self._agent, seen.stacked())

    def _collect(self, policy, steps, observers):
        if self._time_step is None:
            self._time_step = self._env.reset()
        driver = py_driver.PyDriver(
            self._env,
            policy,
            observers,
            max_steps=steps * (self._rows or 1),
            end_episode_on_boundary=True,
        )
        self._time_step, _ = driver.run(self._time_step, policy.get_initial_state(self._rows or 1))
        self._replay.writer.flush()

    def _after(self, previous, step, loss, rate):
        settings = self._config.train
        if _crossed(previous, step, settings.log_interval) or step == settings.steps:
            self._log(step, loss, rate)
        if settings.validation_interval and (
            _crossed(previous, step, settings.validation_interval) or step == settings.steps
        ):
            self._validate(step)
        if _crossed(previous, step, settings.checkpoint_interval) and step < settings.steps:
            self._save(step)

    def _log(self, step, loss, rate):
        self._write(
            step,
            {
                **{f"train/{name}": value for name, value in agents.losses(loss).items()},
                "train/value_mean": self._value_mean(),
                "train/steps_per_s": rate,
                "collect/transitions": self._statistics.transitions,
                **self._statistics.take(),
            },
        )

    def _value_mean(self):
        """What the critic expects of the greedy policy where the environment is now."""
        values = agents.values(self._agent, tf.constant(np.atleast_2d(self._time_step.observation)))
        return float(tf.reduce_mean(tf.reduce_max(tf.reshape(values, (values.shape[0], -1)), axis=1)))

    def _write(self, step, record):
        self._run.log({"step": step, **record})
        with self._learner.train_summary_writer.as_default(), tf.summary.record_if(True):
            for name, value in record.items():
                tf.summary.scalar(name, value, step=step)

    def _validate(self, step):
        """Scores the greedy policy; the best is kept in `best/`."""
        policy = self._batch_policy(None, None)
        record, objective = validation.score(self._problem, lambda x: policy.greedy(x).numpy())
        self._write(step, record)
        if objective > self._best:
            self._best = objective
            self._export("best")

    def _export(self, name):
        if self._exporter is None:
            self._exporter = export.Exporter(self._agent, self._problem, self._step)
        self._exporter.save(self._run.path / name)

    def _save(self, step):
        state = {
            "environment": self._env.get_state(),
            "time_step": self._time_step,
            "noise": None if self._noise is None else self._noise.get_state(),
            "transitions": self._statistics.transitions,
            "best": self._best,
        }
        self._run.save_checkpoint(step, self._checkpoint, state, self._config.train.checkpoints_kept)

    def _set_state(self, state):
        self._env.set_state(state["environment"])
        self._time_step = state["time_step"]
        if self._noise is not None:
            self._noise.set_state(state["noise"])
        self._statistics.transitions = state["transitions"]
        self._best = state["best"]


def _centre(problem):
    centre = problem.config.agent.reward_centre
    return problem.reward_centre if centre == "auto" else centre


def _crossed(previous, step, interval):
    return previous // interval != step // interval
