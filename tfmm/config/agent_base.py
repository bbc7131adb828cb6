"""What agents share in section [agent] of a configuration; config.agent has a struct for each of them."""

from typing import Annotated, ClassVar, Literal

from tfmm.config import types
from tfmm.config.types import about

Activation = Literal["relu", "leaky_relu", "tanh"]
LearningRateDecay = Literal["none", "cosine"]
Loss = Literal["mse", "huber"]
Noise = Literal["ou", "gaussian"]
DISCRETE = ("daily_trading",)
"""Environments with discrete actions."""


class Agent(types.Section, frozen=True, kw_only=True, tag_field="name"):
    """What all agents of TF-Agents are told."""

    # networks
    activation: Annotated[Activation, about("Activation of the hidden layers; leaky_relu: slope 0.2 below 0.")] = "relu"
    critic_joint_layers: Annotated[
        types.Layers,
        about(
            "Hidden layers of the critic behind its inputs; of the Q-network (dqn) or baseline (reinforce).", "units"
        ),
    ] = (64, 64)
    normalise_observations: Annotated[
        bool, about("Whether networks scale observations by their mean and deviation in the first random steps.")
    ] = True

    # returns
    gamma: Annotated[types.Share, about("Discount of a step.", "1")] = 0.99
    reward_centre: Annotated[
        float | Literal["auto"],
        about(
            "Subtracted from every reward that the learner sees, to bring values near 0; auto: the largest expected "
            "income of a step (models). Logs and evaluation keep the reward as it is.",
            "reward",
        ),
    ] = 0.0

    # optimisation
    learning_rate_decay: Annotated[
        LearningRateDecay, about("Whether learning rates fall to 0 over train.steps (Loshchilov and Hutter 2017).")
    ] = "none"
    gradient_clipping: Annotated[types.NotNegative, about("Largest norm of a gradient; 0: no limit.", "1")] = 0.0

    discrete: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The agent's name in a configuration."""
        return str(self.__struct_config__.tag)

    @property
    def hidden_layers(self) -> types.Layers:
        """Units of all hidden layers of all networks."""
        names = (
            "actor_layers",
            "critic_observation_layers",
            "critic_action_layers",
            "critic_joint_layers",
            "critic_value_layers",
        )
        return tuple(units for name in names for units in getattr(self, name, ()))

    def check(self, environment: str, mode: str, steps_per_iteration: int) -> None:
        """Raises ValueError where the agent does not fit the environment's actions or the way it is trained.

        Args:
            environment: environment.name. mode: collect.mode. steps_per_iteration: of section [train].
        """
        if self.discrete != (environment in DISCRETE):
            wanted = "ddpg, td3 or reinforce" if self.discrete else "dqn"
            raise ValueError(f"agent.name is {self.name} with environment.name {environment}, wanted {wanted}")


class OffPolicy(Agent, frozen=True, kw_only=True):
    """An agent that learns from a replay, with target networks."""

    # optimisation
    critic_learning_rate: Annotated[types.Positive, about("Learning rate of the critic or Q-network.", "1")] = 1e-3
    loss: Annotated[Loss, about("Loss of a TD error.")] = "mse"
    reward_scale_factor: Annotated[types.Positive, about("Factor of the rewards in the TD target.", "1")] = 1.0

    # targets
    n_step: Annotated[
        types.Count, about("Rewards summed before the target network (Sutton and Barto 2018, section 7.1).", "steps")
    ] = 1
    target_update_tau: Annotated[
        types.ShareAbove0, about("Share of the networks in an update of the target networks.", "1")
    ] = 0.01
    target_update_period: Annotated[
        types.Count, about("Interval between two updates of the target networks.", "train steps")
    ] = 1

    def check(self, environment: str, mode: str, steps_per_iteration: int) -> None:
        """See Agent.check."""
        super().check(environment, mode, steps_per_iteration)
        if mode == "single" and (self.name != "ddpg" or self.n_step > 1):
            raise ValueError(
                f"collect.mode is single with agent.name {self.name} and n_step {self.n_step}, wanted batch"
            )


class ActorCritic(OffPolicy, frozen=True, kw_only=True):
    """An agent with a deterministic actor, which explores by noise on its actions."""

    # networks
    actor_layers: Annotated[types.Layers, about("Hidden layers of the actor.", "units")] = (64, 64)
    critic_observation_layers: Annotated[
        types.Layers, about("Hidden layers of the critic that see observations only.", "units")
    ] = ()
    critic_action_layers: Annotated[
        types.Layers, about("Hidden layers of the critic that see actions only.", "units")
    ] = ()

    critic_value_layers: Annotated[
        types.Layers,
        about(
            "Hidden layers of a network of the observation alone, whose value is added to the critic's (dueling, Wang "
            "et al. 2016); empty: none.",
            "units",
        ),
    ] = ()

    # optimisation
    actor_learning_rate: Annotated[
        types.Positive, about("Learning rate of the actor, and of the baseline of reinforce.", "1")
    ] = 1e-4
    actor_delay_steps: Annotated[
        types.CountFrom0,
        about("Steps in which the actor does not move: an untrained critic misleads it.", "train steps"),
    ] = 0

    # exploration
    noise: Annotated[
        Noise, about("Noise while collecting: an Ornstein-Uhlenbeck process per row, or independent draws.")
    ] = "gaussian"
    noise_stddev: Annotated[types.NotNegative, about("Standard deviation of the noise's draws.", "action")] = 0.3
    noise_damping: Annotated[types.ShareAbove0, about("Damping of the process in a step (ou).", "1/step")] = 0.15
