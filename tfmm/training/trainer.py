"""The training job: environment, agent, replay, learner, driver, loop, close."""

import logging
import time

import numpy as np
import tensorflow as tf
import tqdm
from tf_agents.specs import tensor_spec
from tf_agents.train import learner
from tf_agents.train.utils import train_utils

from tfmm import errors
from tfmm.agents import factory as agents, networks
from tfmm.evaluation import comparison
from tfmm.training import checkpoint_schema, collection, devices, export, monitor, nan_guard, signals, validation
from tfmm.training.distributed import learner as learner_lib
from tfmm.training.replay import dataset, prioritized

_NEVER = 2**62
_LOG = logging.getLogger(__name__)


class Trainer:
    """One training run in a run directory.

    Args:
        task: environments.tape.task.TapeTask. run: RunDirectory.
        port: where transitions of other processes are taken; None: this one collects them.
    """

    def __init__(self, task, run, port=None):
        config = task.config
        self._task, self._run, self._config = task, run, config
        np_seed, env_seed, *own_seeds = np.random.SeedSequence(config.seed).generate_state(4)
        tf.keras.utils.set_random_seed(int(np_seed))
        single = config.collect.mode == "single"
        self._rows = None if single else config.environment.rows
        self._env = task.environment("train", self._rows, int(env_seed))
        self._strategy = devices.strategy(config.train)
        with self._strategy.scope():
            self._agent, self._step = create_agent(task, self._env)
        self._layout = checkpoint_schema.of(self._agent, config)
        checkpoint_schema.check(run.newest(), self._layout)
        self._on_policy = agents.on_policy(config.agent)
        self._collector = collection.Collector(
            task, self._env, self._rows, self._agent, own_seeds, sampled=self._on_policy
        )
        reported = self._collector.statistics.names
        self._priorities = prioritized.Priorities(config.train) if config.train.prioritized else None
        self._replay = dataset.create(task, self._agent, self._rows, run, port, self._priorities, reported)
        self._guard = nan_guard.Guard(self._agent, self._step)
        if self._priorities is not None:
            self._priorities.attach(self._agent)
        self._learner = learner.Learner(
            str(run.path / "tensorboard"),
            self._step,
            self._agent,
            lambda: dataset.dataset(task, self._replay),
            after_train_strategy_step_fn=self._guard.check,
            checkpoint_interval=_NEVER,
            summary_interval=config.train.log_interval,
            strategy=self._strategy,
        )
        self._monitor = monitor.Monitor(self._agent)
        self._checkpoint = tf.train.Checkpoint(agent=self._agent, train_step=self._step)
        self._exporter = None
        self._best, self._since_best = -np.inf, 0
        self._logged = 0, 0
        self._stop = signals.Stop()
        self._serving = None
        if port is not None:
            variables = self._agent.policy.variables()
            self._serving = learner_lib.Serving(task, self._replay, variables, self._stop, reported)

    def run(self):
        """Trains to `train.steps`, resuming from the newest checkpoint of the run directory if there is one.

        Raises:
            Interrupted: after a signal; the checkpoint of that moment is on disk.
            Diverged: a loss or a weight is not finite; nothing of it is saved.
        """
        settings = self._config.train
        step, state = self._run.restore_checkpoint(self._checkpoint)
        if state is not None:
            self._set_state(state)
            _LOG.info("resuming at step %d, %d items in the replay", step, self._replay.items())
        self._run.forget_after(step)
        with (
            self._stop,
            tqdm.tqdm(total=settings.steps, initial=step, unit="step", desc="train", disable=None) as bar,
        ):
            self._warm_up(step, fit=state is None)
            while step < settings.steps and not self._stale():
                iterations = min(settings.steps_per_iteration, settings.steps - step)
                self._gather(step, iterations)
                if self._stop.number:
                    break
                began = time.perf_counter()
                with self._guard.watch(self._run):
                    loss = self._learner.run(iterations=iterations)
                if self._priorities is not None:
                    self._priorities.write(self._replay.client)
                previous, step = step, step + iterations
                bar.update(iterations)
                self._after(previous, step, loss, iterations / (time.perf_counter() - began))
            self._save(step)
        if self._stop.number:
            raise errors.Interrupted(
                f"stopped at step {step}, checkpoint saved; go on with --resume", self._stop.number
            )
        if step < settings.steps:
            _LOG.info("stopped early at step %d: no better policy in %d validations", step, self._since_best)
        self._export("policy", self._trial())
        if self._serving is not None:
            self._serving.finish(step)

    def close(self):
        """Stops the replay server."""
        self._replay.close()

    def _stale(self):
        patience = self._config.train.patience
        return bool(patience) and self._since_best >= patience

    def _gather(self, step, iterations):
        """Collects what an iteration begins with, or waits until collectors have."""
        if self._serving is None:
            self._collector.explore(self._replay.writer, self._config.collect.steps_per_iteration, step)
            return
        self._serving.publish_when_due(step)
        try:
            self._serving.wait(iterations)
        except errors.DataError:
            self._save(step)
            raise

    def _warm_up(self, step, fit):
        """Fills the replay: with random actions at the start, with the restored policy where it was not restored."""
        steps = self._config.collect.initial_steps
        if self._replay.restored:
            pass
        elif not fit:
            if not self._on_policy:
                self._collector.explore(self._replay.writer, steps, step)
        else:
            seen = self._collector.play_randomly(None if self._on_policy else self._replay.writer, steps)
            self._monitor.choose(seen, self._config.seed)
            if self._config.agent.normalise_observations:
                networks.fit_normaliser(self._agent, seen)
        self._logged = step, self._transitions()

    def _transitions(self):
        return self._collector.statistics.transitions if self._serving is None else self._serving.transitions()

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
        transitions = self._transitions()
        (logged_step, logged), self._logged = self._logged, (step, transitions)
        record = {
            **{f"train/{name}": value for name, value in agents.losses(loss).items()},
            "train/steps_per_s": rate,
            **self._monitor.look(),
            "job/resident_mb": monitor.resident_mb(),
            **(self._collector if self._serving is None else self._serving).record(),
            "collect/transitions": transitions,
        }
        if transitions > logged:
            record["train/update_to_data"] = (step - logged_step) / (transitions - logged)
        self._write(step, record)

    def _write(self, step, record):
        self._run.log({"step": step, **record})
        with self._learner.train_summary_writer.as_default(), tf.summary.record_if(True):
            for name, value in record.items():
                tf.summary.scalar(name, value, step=step)

    def _validate(self, step):
        """Scores the greedy policy; the best is kept in `best/`."""
        nan_guard.check_weights(self._agent.policy.variables(), step, self._run)
        record, objective = self._task.score(self._collector.greedy())
        self._write(step, record)
        self._since_best += 1
        if objective > self._best:
            self._best, self._since_best = objective, 0
            self._export("best")

    def _trial(self):
        """See Exporter.save."""
        if not self._config.train.no_quote_gate:
            return None
        out = validation.trial(self._task, self._collector.greedy())
        _LOG.info(
            "%s: on %s %+.4g [%.4g, %.4g] a block against not quoting",
            "quotes" if out["quotes"] else "quotes nothing", out["split"], *(out[name] for name in comparison.BOUNDS),
        )  # fmt: skip
        return out

    def _export(self, name, trial=None):
        if self._exporter is None:
            self._exporter = export.Exporter(self._agent, self._task, self._step)
        self._exporter.save(self._run.path / name, trial)

    def _save(self, step):
        nan_guard.check_weights(self._agent.variables, step, self._run)
        state = {
            "collector": self._collector.get_state(),
            "monitor": self._monitor.get_state(),
            "best": (self._best, self._since_best),
            "highest_priority": None if self._priorities is None else self._priorities.highest,
        }
        settings = self._config.train
        replay = self._replay.save if settings.checkpoint_replay and not self._on_policy else None
        self._run.save_checkpoint(step, self._checkpoint, state, self._layout, settings.checkpoints_kept, replay)

    def _set_state(self, state):
        self._collector.set_state(state["collector"])
        self._monitor.set_state(state["monitor"])
        self._best, self._since_best = state["best"]
        if self._priorities is not None:
            self._priorities.highest = state["highest_priority"]


def create_agent(task, env):
    """(agent, its step variable) for an environment of a task."""
    settings, step = task.config, train_utils.create_train_step()
    specs = tensor_spec.from_spec(env.time_step_spec()), tensor_spec.from_spec(env.action_spec())
    return agents.create(settings.agent, *specs, step, settings.train.steps), step


def _crossed(previous, step, interval):
    return previous // interval != step // interval
