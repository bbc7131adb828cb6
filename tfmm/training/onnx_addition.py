"""policy.onnx for a policy that was saved without one: weights of its SavedModel, network of its configuration."""

import pathlib

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.train.utils import train_utils
from tf_agents.trajectories import time_step as ts

from tfmm import errors, files
from tfmm.agents import factory
from tfmm.environments import task as task_lib
from tfmm.policies import onnx_policy, saved
from tfmm.training import onnx_export

TOLERANCE = 1e-6
"""Largest difference of an action, and of a Q-value relative to the largest of all."""
_OBSERVATIONS = 10_000


def add(folder: pathlib.Path) -> float:
    """Writes policy.onnx into a policy directory; returns the largest difference to the SavedModel that was found.

    Raises:
        DataError: the SavedModel is not of an agent of this version, or the two forms differ by more than TOLERANCE.
    """
    policy = saved.Policy.load(folder, reference=True)
    n_features, n_actions = (len(policy.description[name]) for name in ("features", "actions"))
    discrete = policy(np.zeros(n_features)).dtype.kind == "i"
    agent = _agent(policy, n_features, n_actions if discrete else None)
    _restore(agent, folder)
    quotes = (policy.description.get("no_quote_gate") or {"quotes": True})["quotes"]
    model = onnx_export.model(folder, agent, quotes)
    found = saved.Policy(folder, policy.description, onnx_policy.create(model, str(folder), n_features, n_actions))
    normaliser = agent.policy_layers()[0]
    deviations = np.random.default_rng(0).standard_t(4, (_OBSERVATIONS, n_features))
    observations = np.float32(normaliser.mean.numpy() + normaliser.stddev.numpy() * deviations)
    worst = _difference(policy, found, observations)
    if not worst <= TOLERANCE:
        raise errors.DataError(f"policy {folder}: ONNX and SavedModel differ by {worst:.3g}, wanted {TOLERANCE:g}")
    files.write_bytes(folder / onnx_policy.FILE, model.SerializeToString())
    return worst


def _difference(policy, other, observations):
    """Of actions, or of Q-values relative to the largest; infinity where only one of the two policies quotes."""
    one, two = policy(observations), other(observations)
    if one.dtype.kind == "i":
        one, two = policy.q_values(observations), other.q_values(observations)
        return float(np.abs(one - two).max() / np.abs(one).max())
    if np.isnan(one).any() or np.isnan(two).any():
        return 0.0 if np.isnan(one).all() and np.isnan(two).all() else np.inf
    return float(np.abs(one - two).max())


def _agent(policy, n_features, n_values):
    """The agent of the policy's configuration with new weights; n_values: of a discrete action, None of others."""
    observation = tensor_spec.TensorSpec((n_features,), tf.float32, "observation")
    if n_values is None:
        action = tensor_spec.from_spec(task_lib.continuous_spec(tuple(policy.description["actions"])))
    else:
        action = tensor_spec.BoundedTensorSpec((), tf.int32, 0, n_values - 1, "action")
    settings, step = policy.config.agent, train_utils.create_train_step()
    return factory.create(settings, ts.time_step_spec(observation), action, step, policy.config.train.steps)


def _restore(agent, folder):
    """Gives the policy of an agent the weights of a SavedModel, whose networks have the names of the agent's."""
    own = agent.policy.variables()
    network = own[0].name.partition("/")[0]
    variables = tf.saved_model.load(str(folder)).model_variables
    theirs = [one for one in variables if one.name.partition("/")[0] == network]
    if [one.shape for one in own] != [one.shape for one in theirs]:
        raise errors.DataError(
            f"policy {folder}: network {network} has weights {[tuple(one.shape) for one in theirs]}, "
            f"wanted {[tuple(one.shape) for one in own]}"
        )
    for one, value in zip(own, theirs, strict=True):
        one.assign(value)
