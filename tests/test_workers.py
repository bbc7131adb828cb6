"""A test that kills its worker or never ends: the run of `make test` ends soon, with the name of the test."""

import pathlib
import shlex
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
DYING = "tests/dying"


def run(*arguments):
    """pytest as `make test` starts it, on other tests: (seconds, exit code, output)."""
    made = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (command,) = (line for line in made.splitlines() if "pytest" in line)
    began = time.monotonic()
    done = subprocess.run(
        [*shlex.split(command), "-p", "no:cacheprovider", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300,
    )  # fmt: skip
    return time.monotonic() - began, done.returncode, done.stdout


@pytest.mark.parametrize(
    ("victim", "limits"),
    [
        ("abort.py::test_that_aborts", ()),
        ("hang.py::test_that_never_comes_back_to_the_interpreter", ("-o", "faulthandler_timeout=5")),
    ],
)
def test_a_worker_that_dies_ends_the_run_with_the_name_of_the_test(victim, limits):
    lasting, code, text = run(f"{DYING}/{victim}", f"{DYING}/bystander.py", *limits)
    assert code != 0
    assert f"FAILED {DYING}/{victim} - " in text and f"crashed while running '{DYING}/{victim}'" in text
    assert f"a worker died in {DYING}/{victim}" in text
    assert "passed" in text.splitlines()[-1]  # the other worker's
    assert lasting < 60


def test_a_test_that_hangs_fails_and_the_run_goes_on():
    victim = f"{DYING}/hang.py::test_that_sleeps"
    _, code, text = run(victim, f"{DYING}/bystander.py", "-o", "timeout=5", "-k", "sleeps or second[0]")
    assert code != 0
    assert f"FAILED {victim} - " in text and "Timeout (>5.0s) from pytest-timeout" in text
    assert text.splitlines()[-1].startswith("1 failed, 1 passed")
