"""Export of the greedy policy: a SavedModel that plain TensorFlow calls, the same as ONNX, and `tfmm.json`."""

import pathlib
import shutil
from typing import Any

import msgspec
import tensorflow as tf
from tf_agents.policies import policy_saver, tf_policy
from tf_agents.trajectories import policy_step

from tfmm import files
from tfmm.agents import guarded
from tfmm.config import formats
from tfmm.environments import task as task_lib
from tfmm.policies import onnx_graph, saved
from tfmm.training import onnx_export


class ExportedPolicy(tf_policy.TFPolicy):
    """The actions of a deterministic policy, without its distribution; of a discrete one the Q-values beside them.

    An ActorPolicy's distribution would put a TensorFlow Probability type into the SavedModel, and plain
    `tf.saved_model.load` refuses a type that nobody imported.

    Args:
        quotes: bool variable; false: every component is NaN, which quotes nothing (simulation.dealer.quoting);
            None: it always quotes.
    """

    def __init__(
        self, policy: tf_policy.TFPolicy, agent: guarded.GuardedAgent, quotes: tf.Variable | None = None
    ) -> None:
        discrete = agent.action_spec.dtype.is_integer
        count = int(agent.action_spec.maximum) + 1 if discrete else 0
        values = {onnx_graph.Q_VALUES: tf.TensorSpec((count,), tf.float32)} if discrete else ()
        # a reward that training sees with its outcomes is a number to everyone else
        spec = policy.time_step_spec._replace(reward=tf.TensorSpec((), tf.float32, "reward"))
        super().__init__(spec, policy.action_spec, info_spec=values, clip=False, automatic_state_reset=False)
        self._policy, self._agent, self._discrete, self._quotes = policy, agent, discrete, quotes

    def _variables(self):
        return [*self._policy.variables(), *([] if self._quotes is None else [self._quotes])]

    def _action(self, time_step, policy_state, seed):
        info = {onnx_graph.Q_VALUES: self._agent.values(time_step.observation)} if self._discrete else ()
        action = self._policy.action(time_step, policy_state).action
        if self._quotes is not None:
            action = tf.where(self._quotes, action, tf.constant(float("nan"), action.dtype))
        return policy_step.PolicyStep(action, policy_state, info)

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("the exported policy is deterministic")


class Exporter:
    """Traces the policy at the first `save`; every `save` writes its weights of that moment."""

    def __init__(self, agent: guarded.GuardedAgent, task: task_lib.Task, train_step: tf.Variable) -> None:
        self._quotes = tf.Variable(True, trainable=False, name="quotes") if task.config.train.no_quote_gate else None
        self._policy, self._agent = ExportedPolicy(agent.policy, agent, self._quotes), agent
        self._saver: policy_saver.PolicySaver | None = None
        self._task, self._train_step = task, train_step

    def save(self, folder: pathlib.Path, gate: dict[str, Any] | None = None) -> None:
        """Writes the folder whole, replacing an older export.

        Args:
            gate: validation.no_quote_gate of the policy, which quotes nothing where that did not pay; None: it quotes.
        """
        if self._saver is None:
            self._saver = policy_saver.PolicySaver(self._policy, batch_size=None, train_step=self._train_step)
        temporary = folder.with_name(f".{folder.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        description = describe(self._task, int(self._train_step.numpy()))
        quotes = gate is None or gate["quotes"]
        if self._quotes is not None:
            self._quotes.assign(quotes)
            description["no_quote_gate"] = gate
        self._saver.save(str(temporary))
        files.write_json(temporary / saved.DESCRIPTION, description)
        onnx_export.write(temporary, self._agent, quotes)
        files.replace_folder(temporary, folder)


def describe(task: task_lib.Task, train_step: int) -> dict[str, Any]:
    """Tree for `tfmm.json`: names of features and actions, scales, action map, instruments, settings."""
    steps = getattr(task, "price_steps", ())  # of market data alone
    return {
        "format": formats.FORMAT,
        "train_step": train_step,
        "features": list(task.feature_names),
        "actions": list(task.action_names),
        "action_map": dict(task.action_meanings),
        "instruments": [msgspec.to_builtins(one) for one in task.instruments],
        **({"price_steps": list(steps)} if steps else {}),
        "scales": [msgspec.to_builtins(one) for one in task.scales],
        "data_hash": task.data_hash,
        "config": msgspec.to_builtins(task.config),
    }
