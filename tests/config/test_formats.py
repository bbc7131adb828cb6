"""Run directories and policies of another format are refused in one line that says what to do."""

import json

import pytest

from tfmm.config import formats, loading

ADVICE = "wanted 2: train again, or read it with"
OLD_PROVENANCE = {"git_commit": "c0ffee", "seed": 0}
OTHERS = [
    ({}, f"has no format number, {ADVICE} the version of tfmm that wrote it"),
    ({"format": 1}, f"has format 1, {ADVICE} the version of tfmm that wrote it"),
    ({"format": 3}, f"has format 3, {ADVICE} the version of tfmm that wrote it"),
    ([], f"has no format number, {ADVICE} the version of tfmm that wrote it"),
]


@pytest.fixture
def run(tmp_path):
    """A run directory as a training begins it, of settings by default."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.toml").write_text(loading.dumps(loading.decode({}, "test")))
    (folder / "provenance.json").write_text(json.dumps({"format": formats.FORMAT}))
    return folder


@pytest.fixture
def resumed(refusal, run):
    """The line with which train.py --resume refuses the run."""
    (run.parent / "new.toml").write_text("")
    return lambda: refusal("train.py", run.parent / "new.toml", "--run-dir", run, "--resume")


@pytest.mark.parametrize(("provenance", "words"), OTHERS)
def test_a_run_of_another_format_is_not_gone_on_with(run, resumed, provenance, words):
    (run / "provenance.json").write_text(json.dumps(provenance))
    assert resumed() == f"error: run directory {run}: provenance.json: {words}"


def test_the_commit_that_wrote_a_run_is_named(run, resumed):
    (run / "provenance.json").write_text(json.dumps(OLD_PROVENANCE))
    assert resumed().endswith(f"{ADVICE} commit c0ffee")


def test_a_run_without_provenance_is_not_gone_on_with(run, resumed):
    (run / "provenance.json").unlink()
    assert "provenance.json cannot be read" in resumed()


def test_an_old_key_in_a_run_is_named(run, resumed):
    (run / "config.toml").write_text("[train]\nmirror = true\n")
    assert resumed() == f"error: config {run}/config.toml: train.mirror is now train.reflect"


def test_an_experiment_is_not_added_to_a_run_of_another_format(refusal, run):
    out = run.parent / "out"
    out.mkdir()
    run.rename(out / "seed_0")
    (out / "seed_0" / "provenance.json").write_text(json.dumps(OLD_PROVENANCE))
    (out / "toy.toml").write_text("")
    line = refusal("validate.py", out / "toy.toml", "--seeds", 1, "--out", out)
    assert line.startswith(f"error: run directory {out}/seed_0: provenance.json: has no format number, {ADVICE}")


@pytest.mark.parametrize("script", ["evaluate.py", "quote.py"])
@pytest.mark.parametrize(("description", "words"), OTHERS)
def test_a_policy_of_another_format_is_not_read(refusal, tmp_path, script, description, words):
    (tmp_path / "tfmm.json").write_text(json.dumps(description))
    assert refusal(script, tmp_path) == f"error: policy {tmp_path}/tfmm.json: {words}"
