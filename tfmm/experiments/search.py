"""Hyper-parameter search on validation: an Optuna study whose trials are whole trainings in child processes.

The study is a database in the folder, written as trials begin and end, so the same command continues after any stop:
finished trials stay, stopped ones are trained to their end. The sampler is a tree-structured Parzen estimator (Bergstra
et al. 2011, "Algorithms for hyper-parameter optimization"). The test split is never used.
"""

import contextlib
import json
import math
import pathlib
import shlex
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import optuna
import sqlalchemy
from matplotlib import figure as figure_lib

from tfmm import errors, files
from tfmm.config import loading
from tfmm.config.experiment import Config
from tfmm.experiments import runner, search_space as search_space_lib

STUDY, REPORT, FIGURE = "study.db", "search.json", "search.png"
_STATES = (optuna.trial.TrialState.RUNNING, optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL)
_RUNNING, _COMPLETE, _FAILED = _STATES


class Search:
    """A study in a folder.

    Attributes:
        config: the configuration that every trial changes. space: see search_space.load. folder: of the study.
    """

    def __init__(self, config: Config, space: dict[str, search_space_lib.Dimension], folder: pathlib.Path) -> None:
        """Opens the study of a folder, or begins one; its first trial has the settings of `config` if the space does.

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
        stored = self._study.user_attrs.get("about")
        if stored is None:
            parameters = search_space_lib.parameters_of(space, config)
            if parameters is not None:
                self._study.enqueue_trial(parameters, skip_if_exists=True)
            self._study.set_user_attr("about", about)
        elif stored != about:
            raise errors.ConfigError(f"{folder} holds a search with other settings, wanted a new --out")

    def run(self, count: int, jobs: int) -> None:
        """Runs trials until `count` of them have ended, at most `jobs` at a time.

        Raises:
            errors.Interrupted: see runner.stream.
        """
        done = len(self._trials(_COMPLETE, _FAILED))
        stream = runner.stream(self._experiments(count), jobs, max(count, done), done)
        with contextlib.closing(stream) as ended:
            for experiment, result in ended:
                self._end(int(experiment.folder.name.rpartition("_")[2]), result)

    def trials(self) -> list[dict[str, Any]]:
        """The trials that have ended, in order: number, settings, score (None: failed), wall_s (of the process that
        finished it), error."""
        out = []
        for trial in self._trials(_COMPLETE, _FAILED):
            note = self._study.user_attrs.get(f"trial_{trial.number}", {})
            out.append({"number": trial.number, "settings": self._settings(trial.params), "score": trial.value, **note})
        return out

    def report(self, name: str, count: int) -> dict[str, Any]:
        """The tree of search.json.

        Args:
            name: of the configuration. count: trials asked for.

        Raises:
            DataError: no trial has a score.
        """
        trials = self.trials()
        scored = [trial for trial in trials if trial["score"] is not None]
        if not scored:
            reason = f" ({trials[-1]['error']})" if trials else ""
            raise errors.DataError(f"{self.folder}: no trial has a score{reason}, wanted one that ends; see its logs")
        parameters = search_space_lib.parameters_of(self.space, self.config)
        first = self._settings(parameters) if parameters is not None else None
        return {
            "config": name,
            "split": "validation",
            "metric": self._study.user_attrs["metric"],
            "seed": self.config.seed,
            "budget": {"trials": count, "train_steps": self.config.train.steps},
            "space": {key: _dimension_tree(dimension) for key, dimension in self.space.items()},
            "own": next((trial["number"] for trial in scored if trial["settings"] == first), None),
            "best": max(scored, key=lambda trial: trial["score"])["number"],
            "trials": trials,
        }

    def _experiments(self, count):
        """The experiments of trials that were stopped, then of new trials, until there are `count`."""
        for trial in self._trials(_RUNNING):
            if trial.params.keys() == self.space.keys():
                yield self._experiment(trial)
            else:
                self._fail(trial.number, "stopped while its settings were drawn")
        distributions = {key: dimension.distribution() for key, dimension in self.space.items()}
        while (n_trials := len(self._trials(*_STATES))) < count:
            # a new stream for every trial: a search that continues must not repeat its first draws
            seed = int(np.random.SeedSequence([self.config.seed, n_trials]).generate_state(1)[0])
            self._study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
            trial = self._study.ask(distributions)
            try:
                yield self._experiment(trial)
            except errors.ConfigError as error:  # the configuration refuses the combination
                self._fail(trial.number, str(error))

    def _experiment(self, trial):
        settings = self._settings(trial.params)
        config = loading.with_settings(self.config, settings, f"trial {trial.number}")
        return runner.Experiment(config, self.folder / f"trial_{trial.number:04d}", "validation")

    def _end(self, number, result):
        if isinstance(result, str):
            self._fail(number, result)
            return
        metric, score = result["metric"], result["score"]
        study_metric = self._study.user_attrs.get("metric")
        if score is None or not math.isfinite(score):
            self._fail(number, f"its score is {score}, wanted a number")
        elif study_metric not in (None, metric):
            self._fail(number, f"its score is {metric}, that of the others {study_metric}")
        else:
            if study_metric is None:
                self._study.set_user_attr("metric", metric)
            self._study.set_user_attr(f"trial_{number}", {"wall_s": round(result["wall_s"], 1), "error": None})
            self._study.tell(number, score)

    def _fail(self, number, reason):
        self._study.set_user_attr(f"trial_{number}", {"wall_s": None, "error": reason})
        self._study.tell(number, state=_FAILED)

    def _trials(self, *states):
        return self._study.get_trials(deepcopy=False, states=states)

    def _settings(self, params):
        return {key: self.space[key].value(parameter) for key, parameter in params.items()}


def arguments(settings: dict[str, Any]) -> str:
    """The settings as `--set` arguments of a script, quoted for a shell."""
    return " ".join(f"--set {shlex.quote(f'{key}={json.dumps(value)}')}" for key, value in settings.items())


def _dimension_tree(dimension):
    """A Dimension as in the file of the space."""
    return {key: value for key, value in msgspec.to_builtins(dimension).items() if value not in (None, False)}


def write(
    folder: pathlib.Path,
    report: dict[str, Any],
    figure: figure_lib.Figure,
    png: Callable[[figure_lib.Figure], bytes],
) -> pathlib.Path:
    """Writes search.json and search.png; returns the path of the first.

    Args:
        report: see Search.report. png: figures.png, or another function of a Figure that returns a picture.
    """
    files.write_bytes(folder / FIGURE, png(figure))
    files.write_json(folder / REPORT, report)
    return folder / REPORT
