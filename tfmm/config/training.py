"""Sections [collect] and [train] of a configuration."""

from typing import Annotated, Literal

from tfmm.config import types
from tfmm.config.types import about

Mode = Literal["batch", "single"]
Device = Literal["auto", "cpu", "gpu"]
MIRRORED = ("market_making", "zero_norm")
"""Environments whose mirror images are known."""


class Collect(types.Section, frozen=True, kw_only=True):
    """How transitions are collected. A batched step is a step of each of environment.rows."""

    mode: Annotated[
        Mode, about("One batched environment, or one with a single row and TF-Agents' ReverbAddTrajectoryObserver.")
    ] = "batch"
    initial_steps: Annotated[types.Count, about("Random steps before the first train step.", "batched steps")] = 300
    steps_per_iteration: Annotated[types.Count, about("Steps of an iteration.", "batched steps")] = 10


class Train(types.Section, frozen=True, kw_only=True):
    """The learner. An iteration is collect.steps_per_iteration collect steps, then steps_per_iteration train steps."""

    # length
    steps: Annotated[types.Count, about("Length of the run.", "train steps")] = 10_000
    steps_per_iteration: Annotated[types.Count, about("Train steps of an iteration.", "train steps")] = 10
    patience: Annotated[
        types.CountFrom0,
        about("Validations in a row without a new best one after which the run stops; 0: it does not.", "validations"),
    ] = 0

    # batches
    batch_size: Annotated[types.Count, about("Size of a batch.", "transitions")] = 256
    reflect: Annotated[bool, about("Whether a batch mixes transitions with their mirror images.")] = False

    # replay
    replay_capacity: Annotated[types.Count, about("Size of the replay.", "transitions")] = 200_000
    replay_timeout_s: Annotated[
        types.Positive, about("Time within which a checkpoint's replay must be loaded; else it is filled again.", "s")
    ] = 120.0

    # logs and checkpoints
    log_interval: Annotated[types.Count, about("Interval between two lines of metrics.", "train steps")] = 500
    checkpoint_interval: Annotated[types.Count, about("Interval between two checkpoints.", "train steps")] = 5_000
    checkpoint_replay: Annotated[
        bool, about("Whether a checkpoint holds the replay too, about 70 bytes a transition.")
    ] = True
    checkpoints_kept: Annotated[types.Count, about("Checkpoints that are kept, the newest ones.", "checkpoints")] = 2

    # validation
    validation_interval: Annotated[
        types.CountFrom0, about("Interval between two validations; 0: none.", "train steps")
    ] = 2_000
    no_quote_gate: Annotated[
        bool,
        about(
            "Whether the exported policy quotes nothing unless its validation objective is significantly above that of "
            "not quoting (95 % interval; market_making)."
        ),
    ] = False

    # machine
    device: Annotated[
        Device, about("Where the learner computes; auto: on a GPU if there is one, gpu: refused without one.")
    ] = "auto"
    threads: Annotated[
        types.CountFrom0,
        about("Threads of TensorFlow; 0: one for layers of up to 128 units, else as many as cores.", "threads"),
    ] = 0
    publish_interval: Annotated[
        types.Count, about("Interval between two messages of weights to other collectors.", "train steps")
    ] = 20

    def check(self, environment: str, agent: str, mode: str) -> None:
        """Raises ValueError where the values do not fit each other, environment.name, agent.name or collect.mode."""
        if self.reflect and environment not in MIRRORED:
            raise ValueError(
                f"train.reflect is true with environment.name {environment}, wanted {' or '.join(MIRRORED)}"
            )
        if self.reflect and agent == "reinforce":
            raise ValueError(
                "train.reflect is true with agent.name reinforce, wanted false: it learns from what it did"
            )
        if self.no_quote_gate and environment != "market_making":
            raise ValueError(f"train.no_quote_gate is true with environment.name {environment}, wanted market_making")
        if self.patience and not self.validation_interval:
            raise ValueError(f"train.patience is {self.patience} with validation_interval 0, wanted validations")
