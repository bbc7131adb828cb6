"""Machine code on disk is that of the present sources."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
CALLER = """
from tfmm import jit
from tfmm.market import callee

@jit.kernel
def twice(x):
    return 2 * callee.answer(x)
"""
CALLEE = """
from tfmm import jit

@jit.kernel
def answer(x):
    return x + {}
"""


@pytest.fixture
def package(tmp_path):
    """A copy of tfmm with two more kernels: its folder, what changes the second, and what calls the first and says with
    its value whether it was compiled."""
    shutil.copytree(ROOT / "tfmm", tmp_path / "tfmm", ignore=lambda *_: ["__pycache__"])
    (tmp_path / "tfmm" / "simulation" / "caller.py").write_text(CALLER)

    def write(number):
        (tmp_path / "tfmm" / "market" / "callee.py").write_text(CALLEE.format(number))

    def call():
        code = (
            "from tfmm.simulation import caller; print(caller.twice(1), sum(caller.twice.stats.cache_misses.values()))"
        )
        environment = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        value, compiled = done.stdout.split()
        return int(value), compiled == "1"

    return tmp_path / "tfmm", write, call


def test_a_kernel_is_compiled_anew_when_one_that_it_calls_changes_and_only_then(package):
    folder, write, call = package
    write(1)
    assert call() == (4, True)
    assert call() == (4, False)
    (folder / "evaluation" / "evaluate.py").write_text("")  # which no kernel is made of
    assert call() == (4, False)
    write(20)
    assert call() == (42, True)
