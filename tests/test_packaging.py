"""What the project promises of itself: locked, importable, layered, small files."""

import ast
import graphlib
import importlib
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest
from packaging import requirements, utils

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEEDS = {
    "requirements.lock": PROJECT["dependencies"] + EXTRAS["dev"],
    "requirements-runtime.lock": PROJECT["dependencies"],
    "requirements-gpu.lock": PROJECT["dependencies"] + EXTRAS["gpu"],
}
# `uv pip compile` writes a requirement as one line that goes on with backslashes; comments say who wanted it
PINNED = re.compile(r"([a-z0-9-]+)==([^ ;]+)( ; [^\\]+)?( +--hash=sha256:[0-9a-f]{64})+")
MODULES = {
    "databento-dbn": "databento_dbn",
    "dm-reverb": "reverb",
    "pillow": "PIL",
    "tf-agents": "tf_agents",
    "tensorflow-probability": "tensorflow_probability",
    "tomli-w": "tomli_w",
}
RANK = {
    "arrays": 0, "errors": 0, "files": 0, "jit": 0, "cli": 0, "plain_state": 0, "config": 1, "market": 2,
    "simulation": 3, "models": 4, "calibration": 5, "environments": 6, "agents": 7, "backtest": 7, "policies": 8,
    "evaluation": 9, "live": 10, "training": 10, "experiments": 11, "benchmarks": 12,
}  # fmt: skip
TENSORFLOW = {"tensorflow", "tf_agents", "reverb", "tensorflow_probability"}


def _locked(name):
    """{distribution: version} of a lock file; every line of it must be a pinned, hashed requirement."""
    text = "\n".join(line for line in (ROOT / name).read_text().splitlines() if not line.lstrip().startswith("#"))
    found = {}
    for line in text.replace("\\\n", "").splitlines():
        match = PINNED.fullmatch(line)
        assert match, f"{name}: {line[:80]}"
        assert match[1] not in found
        found[match[1]] = match[2]
    return found


def test_there_is_no_other_lock_file():
    assert {path.name for path in ROOT.glob("*.lock")} == set(NEEDS)


@pytest.mark.parametrize("text", PROJECT["dependencies"])
def test_every_dependency_imports(text):
    name = requirements.Requirement(text).name
    importlib.import_module(MODULES.get(name, name))


@pytest.mark.parametrize("name", NEEDS)
def test_a_lock_file_satisfies_pyproject(name):
    locked = _locked(name)
    for text in NEEDS[name]:
        wanted = requirements.Requirement(text)
        assert wanted.specifier.contains(locked[utils.canonicalize_name(wanted.name)]), text


@pytest.mark.parametrize("name", NEEDS)
def test_a_lock_file_holds_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text


def test_lock_files_agree():
    work, runtime, gpu = (_locked(name) for name in NEEDS)
    assert runtime.items() <= work.items()
    assert runtime.items() <= gpu.items()
    assert {"pytest", "ruff", "hypothesis"} & (runtime | gpu).keys() == set()


def _module(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULE_PATHS = {_module(path): path for path in sorted((ROOT / "tfmm").rglob("*.py"))}


def _imports(path):
    """Modules that a file imports; of `from package import name` the module `name`, where there is one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULE_PATHS else node.module for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("module", MODULE_PATHS)
def test_imports_go_downwards_only(module):
    room = [*module.split("."), "__init__"][1]
    rank = RANK.get(room, -1)  # the package itself, below all of its rooms
    assert room in RANK or room == "__init__"
    for name in _imports(MODULE_PATHS[module]):
        top, *rest = name.split(".")
        assert top not in {"pipelines", "tests"}
        if top == "tfmm" and rest:
            assert rest[0] == room or RANK[rest[0]] < rank or RANK[rest[0]] == rank == 0, name
        assert rank > RANK["calibration"] or top not in TENSORFLOW, name


def test_imports_go_round_in_no_circle():
    graph = {
        module: {name for name in _imports(path) if name in MODULE_PATHS and name != module}
        for module, path in MODULE_PATHS.items()
    }
    # raises CycleError, which names the circle
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(graph)


def test_no_file_is_over_300_lines():
    files = [path for folder in ("tfmm", "pipelines", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert {str(path): n for path in files if (n := len(path.read_text().splitlines())) > 300} == {}


def test_scripts_stay_under_120_lines():
    assert all(len(path.read_text().splitlines()) <= 120 for path in (ROOT / "pipelines").glob("*.py"))


FACES = {"tfmm.environments.batched", "tfmm.policies.saved_model"}
"""What shows a simulator or a SavedModel to TensorFlow; others import it where they need it."""


@pytest.mark.parametrize(
    "rooms",
    [("config", "market", "simulation", "models"), ("environments", "backtest", "policies", "evaluation", "live")],
    ids=["below the calibration", "what evaluates and quotes"],
)
def test_rooms_come_without_tensorflow(rooms):
    modules = [name for name in MODULE_PATHS if name.split(".")[1:2] in [[one] for one in rooms] and name not in FACES]
    assert {f"tfmm.{one}" for one in rooms} <= set(modules)
    code = f"import sys, {', '.join(modules)}; sys.exit(any(name in sys.modules for name in {TENSORFLOW}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_ci_runs_the_test_command():
    assert re.fullmatch(r"timeout .* make test", (ROOT / ".ci" / "run").read_text().splitlines()[-1])


@pytest.fixture
def make(tmp_path):
    """Runs make in a folder that holds only what .venv is built from, with `script` as its Python."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())

    def run(target, script=None):
        python = tmp_path / "python"
        if script is not None:
            python.write_text(f"#!/bin/sh\n{script}\n")
            python.chmod(0o755)
        return subprocess.run(
            ["make", "-s", target, f"PYTHON={python}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        )

    return run


@pytest.mark.parametrize("target", ["demo", "clean"])
def test_a_folder_that_make_demo_did_not_make_stays(make, tmp_path, target):
    kept = tmp_path / "demo" / "thesis.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    done = make(target)
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert line.startswith("error: demo is not of make demo (no .made-by-make-demo in it) and stays")
    assert kept.read_text() == "mine"
    (kept.parent / ".made-by-make-demo").touch()
    assert make("clean").returncode == 0
    assert not kept.parent.exists()


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (None, "found: no working "),
        ("exit 127", "found: no working "),
        ("echo linux x86_64 3.12", "found: linux x86_64 3.12;"),
        ("echo linux aarch64 3.11", "found: linux aarch64 3.11;"),
        ("echo darwin x86_64 3.11", "found: darwin x86_64 3.11;"),
        ('case "$2" in *ensurepip*) exit 1 ;; *) echo linux x86_64 3.11 ;; esac', "3.11 without venv;"),
    ],
)
@pytest.mark.parametrize("target", ["demo", "test", "venv", "lock"])
def test_a_wrong_python_or_machine_gives_one_clear_line(make, tmp_path, target, script, found):
    done = make(target, script)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1
    assert "needs Python 3.11 on Linux x86-64" in lines[0]
    assert found in lines[0]
    assert not (tmp_path / ".venv").exists()


def test_an_interrupted_build_does_not_count(make, tmp_path):
    # this Python makes an environment whose first pip install fails until the file `network` is there
    script = """
        test "$1" = -c && { echo linux x86_64 3.11; exit; }
        mkdir -p .venv/bin
        printf '#!/bin/sh\\necho "$@" >> log; test -e network\\n' > .venv/bin/python
        chmod +x .venv/bin/python"""
    log = tmp_path / "log"
    assert make("venv", script).returncode != 0
    assert make("venv", script).returncode != 0
    assert log.read_text().count("--require-hashes -r requirements.lock") == 2
    (tmp_path / "network").touch()
    assert make("venv", script).returncode == 0
    assert log.read_text().count("--require-hashes -r requirements.lock") == 3
    assert "--no-deps --no-build-isolation --editable ." in log.read_text()
    make("venv", script)  # nothing left to do
    assert log.read_text().count("--require-hashes") == 3
