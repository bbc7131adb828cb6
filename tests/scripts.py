"""Scripts of pipelines/ as a user runs them: in a process of their own, or in ours, where TensorFlow has started."""

import contextlib
import io
import logging
import os
import pathlib
import runpy
import subprocess
import sys
import warnings
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Done(NamedTuple):
    """What a script left; stdout and stderr: str."""

    returncode: int
    stdout: str
    stderr: str


def in_a_process(script, *arguments, stdin=None, **options):
    """Runs a script; returns the finished process. stdin: str; options: of subprocess.run."""
    return subprocess.run(
        [sys.executable, f"pipelines/{script}", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=stdin,
        **options,
    )


def inside(script, *arguments, stdin=""):
    """Runs a script in this process; returns what it left, with the exit code that a process of its own would have."""
    path = ROOT / "pipelines" / script
    streams = [_stream(), _stream()]
    code = 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(streams[0]))
        stack.enter_context(contextlib.redirect_stderr(streams[1]))
        stack.enter_context(_replaced(sys, "stdin", _stream(stdin)))
        stack.enter_context(_replaced(sys, "argv", [str(path.relative_to(ROOT)), *map(str, arguments)]))
        stack.enter_context(contextlib.chdir(ROOT))
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(_loggers())
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as stop:
            code = stop.code or 0
    out, err = (one.buffer.getvalue().decode() for one in streams)
    return Done(code, out, err)


def _stream(text=""):
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", write_through=True)


@contextlib.contextmanager
def _replaced(owner, name, value):
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _loggers():
    """Loggers without pytest's handlers, which cli.quiet would close; all is put back at the end."""
    loggers = [logging.getLogger(name) for name in (None, "tfmm", "tensorflow", "absl")]
    before = [(one.handlers[:], one.level) for one in loggers]
    loggers[0].handlers = []
    try:
        yield
    finally:
        for one, (handlers, level) in zip(loggers, before, strict=True):
            one.handlers = handlers
            one.setLevel(level)
