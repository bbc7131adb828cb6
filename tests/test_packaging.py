"""What the project promises of itself: locked, importable, layered, small files."""

import ast
import importlib
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
MODULES = {
    "dm-reverb": "reverb",
    "tf-agents": "tf_agents",
    "tensorflow-probability": "tensorflow_probability",
    "tomli-w": "tomli_w",
}
RANK = {
    "config": 0, "errors": 0, "files": 0, "jit": 0, "cli": 0, "market": 1, "simulation": 2, "models": 3,
    "environments": 4, "agents": 5, "policies": 5, "evaluation": 6, "training": 7,
}  # fmt: skip
TENSORFLOW = {"tensorflow", "tf_agents", "reverb", "tensorflow_probability"}


def _name(requirement):
    return re.match(r"[A-Za-z0-9-]+", requirement).group()


def _locked(path):
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_every_dependency_is_locked_and_imports(requirement):
    name = _name(requirement)
    assert all(name in _locked(path) for path in LOCKS)
    importlib.import_module(MODULES.get(name, name))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_locks_are_hashed_without_addresses_and_agree(path):
    text = path.read_text()
    blocks = re.split(r"\n(?=[a-z0-9-]+==)", text)[1:]
    assert len(blocks) == len(_locked(path)) - (0 if text.startswith("#") else 1)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "index-url" not in text
    reference = _locked(ROOT / "requirements.lock")
    assert {name: version for name, version in _locked(path).items() if reference.get(name, version) != version} == {}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _room(path):
    parts = path.relative_to(ROOT / "tfmm").with_suffix("").parts
    return parts[0]


@pytest.mark.parametrize("path", sorted((ROOT / "tfmm").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards_only(path):
    room = _room(path)
    if room == "__init__":
        return
    for name in _imports(path):
        top, *rest = name.split(".")
        if top == "tfmm" and rest:
            assert (
                rest[0] == room or RANK[rest[0]] < RANK[room] or {rest[0], room} <= {"config", "errors", "cli", "files"}
            )
        if RANK[room] <= RANK["models"]:
            assert top not in TENSORFLOW


def test_no_file_is_over_300_lines():
    files = [path for folder in ("tfmm", "pipelines", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert {str(path): n for path in files if (n := len(path.read_text().splitlines())) > 300} == {}


def test_scripts_stay_under_120_lines():
    assert all(len(path.read_text().splitlines()) <= 120 for path in (ROOT / "pipelines").glob("*.py"))


def test_the_simulator_comes_without_tensorflow():
    code = "import sys, tfmm.simulation; sys.exit(int('tensorflow' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_ci_runs_the_test_command():
    assert "make test" in (ROOT / ".ci" / "run").read_text().splitlines()


def test_a_wrong_python_gives_one_clear_line(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(
        ["make", "-s", "test", "PYTHON=python-that-is-not-there"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1
    assert "needs Python 3.11 on Linux x86-64" in lines[0]
    assert not (tmp_path / ".venv").exists()
