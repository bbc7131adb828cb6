"""Sections [collect] and [train] of a configuration."""

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
CountOrNone = Annotated[int, msgspec.Meta(ge=0)]


MIRRORED = ("market_making", "zero_norm")
"""Environments whose mirror images are known."""


class Collect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Data collection. `batch`: natively batched environment, one Reverb item per batched step.
    `single`: one environment, one item per step through ReverbAddTrajectoryObserver.
    steps are batched steps in `batch` mode."""

    mode: Literal["batch", "single"] = "batch"
    initial_steps: Count = 300
    steps_per_iteration: Count = 10


class Train(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The learner. One iteration is `collect.steps_per_iteration` collect steps, then
    `steps_per_iteration` train steps; the run ends at `steps` train steps. threads: of TensorFlow; 0: one for
    networks of layers up to 128 units, which train faster on one, else as many as there are cores.
    device: `gpu` learns on the GPU and refuses a machine without one, `auto` where there is one.
    checkpoint_replay: a checkpoint holds the replay too (about 70 bytes a transition); without it, or where it cannot
    be loaded within replay_timeout_s, a resumed run fills the replay again with the restored policy.
    publish_interval: train steps between two messages of the weights to collectors in other processes.
    sampler: `uniform`, or `prioritized` by |TD error| ** priority_exponent, the loss then weighted with
    importance_exponent (tfmm.training.replay.prioritized); its writer takes some 7 000 transitions/s, the other one 30
    000. reflect: every batch is a mix of transitions and their mirror images (environments.reflection).
    patience: validations in a row without a new best one before the run stops early; 0: it never does.
    no_quote_gate: on a market, the policy that is exported at the end quotes nothing unless on validation its objective
    is
    surely, by a 95 % interval, above that of not quoting (training.validation.trial)."""

    steps: Count = 10_000
    steps_per_iteration: Count = 10
    batch_size: Count = 256
    replay_capacity: Count = 200_000
    replay_timeout_s: Positive = 120.0
    sampler: Literal["uniform", "prioritized"] = "uniform"
    priority_exponent: Share = 0.6
    importance_exponent: Share = 0.4
    log_interval: Count = 500
    checkpoint_interval: Count = 5_000
    checkpoint_replay: bool = True
    checkpoints_kept: Count = 2
    validation_interval: CountOrNone = 2_000
    reflect: bool = False
    patience: CountOrNone = 0
    no_quote_gate: bool = False
    device: Literal["auto", "cpu", "gpu"] = "auto"
    threads: CountOrNone = 0
    publish_interval: Count = 20

    @property
    def prioritized(self):
        return self.sampler == "prioritized"

    def check(self, config):
        """Raises ValueError where the values do not fit each other, the agent or the collection."""
        agent, mode = config.agent.name, config.collect.mode
        if self.reflect and config.environment.name not in MIRRORED:
            got = config.environment.name
            raise ValueError(f"train.reflect is true with environment.name {got}, wanted {' or '.join(MIRRORED)}")
        if self.reflect and agent == "reinforce":
            raise ValueError(
                "train.reflect is true with agent.name reinforce, wanted false: it learns from what it did"
            )
        if self.no_quote_gate and config.environment.name != "market_making":
            got = config.environment.name
            raise ValueError(f"train.no_quote_gate is true with environment.name {got}, wanted market_making")
        if self.prioritized and (mode == "single" or agent == "reinforce"):
            raise ValueError(
                f"train.sampler is prioritized with collect.mode {mode} and agent.name {agent}, wanted uniform, or "
                "batch with an agent that learns from a replay"
            )
        if self.patience and not self.validation_interval:
            raise ValueError(f"train.patience is {self.patience} with validation_interval 0, wanted validations")
