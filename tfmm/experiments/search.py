"""Hyper-parameters searched on validation: an Optuna study whose trials are whole trainings as child processes.

The study is a database in the folder, written as trials begin and end, so that the same command goes on after any stop:
what is finished stays, what was stopped is trained to its end. The sampler is a tree-structured Parzen estimator
(Bergstra et al. 2011, "Algorithms for hyper-parameter optimization"). Test is never looked at.
"""

import contextlib
import json
import math
import shlex

import msgspec
import numpy as np
import optuna
import sqlalchemy

from tfmm import errors, files
from tfmm.config import loading
from tfmm.experiments import runner, search_space as search_space_lib

STUDY, REPORT, FIGURE = "study.db", "search.json", "search.png"
_ASKED = (optuna.trial.TrialState.RUNNING, optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL)
_RUNNING, _COMPLETE, _FAILED = _ASKED


class Search:
    """A study in a folder.

    Attributes:
        config: Config that every trial starts from. space: see space.load. folder: pathlib.Path.
    """

    def __init__(self, config, space, folder):
        """Opens the study of a folder, or begins one with the config's own settings where the space has them.

        Raises:
            ConfigError: the folder holds a search with other settings. DataError: its study cannot be read.
        """
        self.config, self.space, self.folder = config, space, folder
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / STUDY
        url = sqlalchemy.URL.create("sqlite", database=str(path)).render_as_string()
        about = json.dumps({"config": msgspec.to_builtins(config), "space": msgspec.to_builtins(space)}, sort_keys=True)
        try:
            self._study = optuna.create_study(
                study_name="search", storage=optuna.storages.RDBStorage(url), load_if_exists=True, direction="maximize"
            )
        except (sqlalchemy.exc.DatabaseError, RuntimeError) as error:
            raise errors.DataError(f"{path}: cannot be read ({error}), wanted the study of a search") from error
        known = self._study.user_attrs.get("about")
        if known is None:
            own = search_space_lib.own(space, config)
            if own is not None:
                self._study.enqueue_trial(own, skip_if_exists=True)
            self._study.set_user_attr("about", about)
        elif known != about:
            raise errors.ConfigError(f"{folder} holds a search with other settings, wanted a new --out")

    def run(self, count, jobs):
        """Runs trials until `count` of them have ended, at most `jobs` at a time; errors.Interrupted: see stream."""
        done = len(self._trials(_COMPLETE, _FAILED))
        with contextlib.closing(runner.stream(self._asked(count), jobs, max(count, done), done)) as ended:
            for one, outcome in ended:
                self._end(int(one.folder.name.rpartition("_")[2]), outcome)

    def trials(self):
        """Dicts of the trials that have ended: number, settings, score (None: failed), wall_s (of the process that
        finished it), error, in order."""
        out = []
        for one in self._trials(_COMPLETE, _FAILED):
            note = self._study.user_attrs.get(f"trial_{one.number}", {})
            out.append({"number": one.number, "settings": self._settings(one.params), "score": one.value, **note})
        return out

    def report(self, name, count):
        """The tree of search.json. name: of the config. DataError: no trial has a score."""
        trials = self.trials()
        scored = [one for one in trials if one["score"] is not None]
        if not scored:
            reason = f" ({trials[-1]['error']})" if trials else ""
            raise errors.DataError(f"{self.folder}: no trial has a score{reason}, wanted one that ends; see its logs")
        own = search_space_lib.own(self.space, self.config)
        first = self._settings(own) if own is not None else None
        return {
            "config": name,
            "split": "validation",
            "metric": self._study.user_attrs["metric"],
            "seed": self.config.seed,
            "budget": {"trials": count, "train_steps": self.config.train.steps},
            "space": {key: _said(one) for key, one in self.space.items()},
            "own": next((one["number"] for one in scored if one["settings"] == first), None),
            "best": max(scored, key=lambda one: one["score"])["number"],
            "trials": trials,
        }

    def _asked(self, count):
        """The experiments of trials that were stopped, then of new ones, until there are `count`."""
        for one in self._trials(_RUNNING):
            if one.params.keys() == self.space.keys():
                yield self._experiment(one)
            else:
                self._fail(one.number, "stopped while its settings were drawn")
        distributions = {key: one.distribution() for key, one in self.space.items()}
        while (asked := len(self._trials(*_ASKED))) < count:
            # a fresh stream for every trial: a search that goes on must not draw again what it drew at first
            seed = int(np.random.SeedSequence([self.config.seed, asked]).generate_state(1)[0])
            self._study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
            trial = self._study.ask(distributions)
            try:
                yield self._experiment(trial)
            except errors.ConfigError as error:  # two settings that do not go together
                self._fail(trial.number, str(error))

    def _experiment(self, trial):
        settings = self._settings(trial.params)
        config = loading.with_settings(self.config, settings, f"trial {trial.number}")
        return runner.Experiment(config, self.folder / f"trial_{trial.number:04d}", "validation")

    def _end(self, number, outcome):
        if isinstance(outcome, str):
            self._fail(number, outcome)
            return
        metric, score = outcome["metric"], outcome["score"]
        judged = self._study.user_attrs.get("metric")
        if score is None or not math.isfinite(score):
            self._fail(number, f"its score is {score}, wanted a number")
        elif judged not in (None, metric):
            self._fail(number, f"its score is {metric}, that of the others {judged}")
        else:
            if judged is None:
                self._study.set_user_attr("metric", metric)
            self._study.set_user_attr(f"trial_{number}", {"wall_s": round(outcome["wall_s"], 1), "error": None})
            self._study.tell(number, score)

    def _fail(self, number, reason):
        self._study.set_user_attr(f"trial_{number}", {"wall_s": None, "error": reason})
        self._study.tell(number, state=_FAILED)

    def _trials(self, *states):
        return self._study.get_trials(deepcopy=False, states=states)

    def _settings(self, params):
        return {key: self.space[key].value(drawn) for key, drawn in params.items()}


def arguments(settings):
    """The same settings as `--set` arguments of any script, quoted for a shell."""
    return " ".join(f"--set {shlex.quote(f'{key}={json.dumps(value)}')}" for key, value in settings.items())


def _said(dimension):
    """A Dimension as the space file has it."""
    return {key: value for key, value in msgspec.to_builtins(dimension).items() if value not in (None, False)}


def write(folder, report, figure, png):
    """Writes search.json and search.png; returns the path of the first. png: Figure -> bytes."""
    files.write_bytes(folder / FIGURE, png(figure))
    files.write_json(folder / REPORT, report)
    return folder / REPORT
