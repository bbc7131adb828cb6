"""A policy of random weights as a user has one: a directory with its description and its ONNX file."""

import itertools
import json

import msgspec
import numpy as np

from tests.market import vendor_files
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.market.ingest import prepare
from tfmm.policies import onnx_graph, onnx_policy, saved
from tfmm.training import export


def task_of(folder, store, small_config, **sections):
    """The task of three days of recordings in a folder."""
    made, _ = prepare.prepare(folder, store, vendor_files.request())
    assert len(made.sessions) == 3
    tree = msgspec.to_builtins(small_config)
    for name, values in sections.items():
        tree[name] |= values
    return tape_task.TapeTask.create(loading.with_store(loading.decode(tree, "test"), store))


def write(folder, task, spread=0.5, seed=5):
    """Writes a policy that reacts to every feature of a task; returns its folder."""
    random = np.random.default_rng(seed)
    features, actions = len(task.specs.columns), len(task.action_names)
    widths = [features, 8, actions]
    layers = [onnx_graph.Normalise(np.zeros(features, np.float32), np.ones(features, np.float32), 10.0)]
    for n, m in itertools.pairwise(widths):
        kernel = random.normal(size=(n, m)) * spread
        layers += [onnx_graph.Dense(np.float32(kernel), np.zeros(m, np.float32)), onnx_graph.Activation("tanh")]
    folder.mkdir(parents=True)
    (folder / onnx_policy.FILE).write_bytes(onnx_graph.build(layers).SerializeToString())
    (folder / saved.DESCRIPTION).write_text(json.dumps(export.describe(task, 0)))
    return folder
