"""The notebook's cells, run one after another on the CPU against this checkout."""

import json
import os
import pathlib
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "pipelines" / "colab.ipynb"
SMALL = {
    "DAYS": 3,
    "HOURS": 0.1,
    "SETTINGS": [
        "train.steps=20", "collect.initial_steps=20", "train.validation_interval=0", "environment.window_s=60.0",
        "environment.warmup_s=5.0", "agent.actor_layers=[8]", "agent.critic_joint_layers=[8]",
        "evaluation.bootstrap_samples=50",
    ],
}  # fmt: skip


def test_the_cells_train_evaluate_and_pack_a_policy(tmp_path):
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    script = []
    for cell in cells:
        script.append("".join(cell["source"]))
        if "parameters" in cell["metadata"].get("tags", ()):
            script.append("\n".join(f"{name} = {value!r}" for name, value in SMALL.items()))
    assert len(script) == len(cells) + 1
    path = tmp_path / "cells.py"
    path.write_text("\n".join(script))
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"TFMM_WORK": str(tmp_path / "work"), "TFMM_PYTHON": sys.executable, "MPLBACKEND": "module://missing"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GPU: " in done.stdout
    assert "a matrix product ran on /job:localhost/replica:0/task:0/device:" in done.stdout
    assert "verdict: " in done.stdout
    assert (tmp_path / "work" / "evaluation" / "report.html").is_file()
    with zipfile.ZipFile(tmp_path / "work" / "policy.zip") as packed:
        assert {"saved_model.pb", "tfmm.json"} <= set(packed.namelist())
