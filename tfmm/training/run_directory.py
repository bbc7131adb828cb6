"""The run directory: settings, provenance, metrics and checkpoints, each whole or absent."""

import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import subprocess
from collections.abc import Callable
from typing import Any, Self

import tensorflow as tf

from tfmm import errors, files, plain_state
from tfmm.config import experiment as experiment_lib, formats, loading
from tfmm.training import checkpoint_schema
from tfmm.training.replay import checkpoint as checkpoint_lib

_PATTERN = frozenset("*?[]\\")
_LONGEST = 200  # characters of somebody else's message
STATE = "state.msgpack"
"""File of a checkpoint with the state of everything outside TensorFlow."""
PACKAGES = ("tfmm", "tensorflow", "tf-agents", "dm-reverb", "numpy", "numba", "pandas")


class RunDirectory:
    """`config.toml`, `provenance.json`, `metrics.jsonl`, `checkpoints/STEP/`, `policy/`, `best/`, `tensorboard/`."""

    def __init__(self, path: pathlib.Path | str) -> None:
        self.path = pathlib.Path(path)
        self.metrics_path = self.path / "metrics.jsonl"
        self.checkpoints_path = self.path / "checkpoints"

    @classmethod
    def create(cls, path: pathlib.Path | str, config: experiment_lib.Config, data_hash: str) -> Self:
        """A new run. ConfigError where the folder already holds one, or where no policy could be read from it."""
        run = cls(path)
        if set(str(run.path)) & _PATTERN:
            raise errors.ConfigError(
                f"run directory {path} has one of {' '.join(sorted(_PATTERN))} in it, wanted none: TensorFlow reads "
                "them as a pattern"
            )
        if run.path.exists() and any(run.path.iterdir()):
            raise errors.ConfigError(
                f"run directory {path} is not empty, wanted a new folder, or --resume to go on with the run in it"
            )
        run.checkpoints_path.mkdir(parents=True)
        files.write_json(run.path / formats.PROVENANCE, provenance(config, data_hash))
        files.write_text(run.path / "config.toml", loading.dumps(config))
        return run

    @classmethod
    def existing(cls, path: pathlib.Path | str) -> Self:
        """The run in a folder. ConfigError where there is none, or one of another format (config.formats)."""
        run = cls(path)
        if not (run.path / "config.toml").is_file():
            raise errors.ConfigError(f"run directory {path} holds no config.toml, wanted a run to resume")
        formats.check_run(run.path)
        for torn in run.checkpoints_path.glob(".*.tmp"):
            shutil.rmtree(torn, ignore_errors=True)
        return run

    @property
    def scratch(self) -> pathlib.Path:
        """Folder for the parts of a checkpoint that are written elsewhere first."""
        return self.path / ".scratch"

    def log(self, record: dict[str, Any]) -> None:
        """Appends one line to metrics.jsonl."""
        with open(self.metrics_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def forget_after(self, step: int) -> None:
        """Drops metrics later than a step, and a line that was cut off: the run is about to repeat them."""
        kept = [record for record in files.read_json_lines(self.metrics_path) if record["step"] <= step]
        files.write_text(self.metrics_path, "".join(json.dumps(record) + "\n" for record in kept))

    def save_checkpoint(
        self,
        step: int,
        checkpoint: tf.train.Checkpoint,
        state: Any,
        schema: dict[str, Any],
        kept: int,
        replay: Callable[[pathlib.Path], None] | None = None,
    ) -> None:
        """Writes `checkpoints/STEP/` whole or not at all, then deletes all but the newest `kept`.

        One of the same step stays as it is: nothing was trained since. Only the newest keeps its replay.

        Args:
            state: of everything outside TensorFlow, as plain_state.encode takes it.
            schema: checkpoint_schema.of the agent.
            replay: a function that writes the replay into a folder, or None.

        Raises:
            DataError: it cannot be written; the checkpoint before it is still there.
        """
        final = self._folder(step)
        if final.is_dir():
            return
        temporary = self.checkpoints_path / f".{step:010d}.tmp"
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            checkpoint.write(str(temporary / "agent"))
            files.write_bytes(temporary / STATE, plain_state.encode(state))
            files.write_json(temporary / checkpoint_schema.NAME, schema)
            if replay is not None:
                replay(temporary)
            files.flush_folder(temporary)
            os.rename(temporary, final)
        except (OSError, tf.errors.OpError) as error:
            shutil.rmtree(temporary, ignore_errors=True)
            reason = " ".join(str(error).split())
            before = self.newest()
            raise errors.DataError(
                f"checkpoint {final}: cannot be written ({reason}); "
                + ("there is none before it" if before is None else f"{before} is whole, --resume goes on from it")
            ) from error
        steps = self._steps()
        for old in steps[:-kept]:
            shutil.rmtree(self._folder(old))
        for old in steps[-kept:-1]:
            shutil.rmtree(self._folder(old) / checkpoint_lib.NAME, ignore_errors=True)

    def restore_checkpoint(self, checkpoint: tf.train.Checkpoint) -> tuple[int, Any]:
        """Restores the newest checkpoint. Returns (step, state), or (0, None) where there is none yet.

        Raises:
            DataError: its files are damaged.
        """
        folder = self.newest()
        if folder is None:
            return 0, None
        try:
            checkpoint.read(str(folder / "agent")).assert_existing_objects_matched()
            return int(folder.name), plain_state.decode((folder / STATE).read_bytes())
        except (OSError, ValueError, AssertionError, tf.errors.OpError) as error:
            reason = " ".join(str(error).split())[:_LONGEST]
            raise errors.DataError(
                f"checkpoint {folder}: cannot be restored ({reason}), wanted whole files; without this folder --resume "
                "goes on from the one before it"
            ) from error

    def newest(self) -> pathlib.Path | None:
        """Folder of the newest checkpoint, or None."""
        steps = self._steps()
        return self._folder(steps[-1]) if steps else None

    def _folder(self, step):
        return self.checkpoints_path / f"{step:010d}"

    def _steps(self):
        return sorted(int(one.name) for one in self.checkpoints_path.glob("[0-9]*"))


def provenance(config: experiment_lib.Config, data_hash: str) -> dict[str, Any]:
    """Format of the run directory, versions, git commit, data hash and seed."""
    return {
        "format": formats.FORMAT,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in PACKAGES},
        "git_commit": _git_commit(),
        "data_hash": data_hash,
        "seed": config.seed,
    }


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_commit():
    here = pathlib.Path(__file__).resolve().parent
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None
