"""Files are whole or not there."""

import json

import numpy as np
import pytest

from tfmm import files


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    files.write_text(path, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_json_has_null_where_a_number_does_not_exist(tmp_path):
    tree = {1: float("nan"), "a": [np.float64("inf"), np.int64(3)], "b": (np.array([1.0, np.nan]), np.bool_(True))}
    files.write_json(tmp_path / "x.json", tree)
    wanted = {"1": None, "a": [None, 3], "b": [[1.0, None], True]}
    assert json.loads((tmp_path / "x.json").read_text()) == wanted


def test_a_folder_takes_the_place_of_another(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    files.replace_folder(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "file").read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["old"]
