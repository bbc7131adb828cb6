"""Section [agent] of a configuration."""

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Unit = Annotated[float, msgspec.Meta(gt=0, le=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Layers = tuple[Count, ...]
DISCRETE = ("daily_trading",)


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The agent of TF-Agents and its networks. `dqn` is a Double DQN, `reinforce` has a value baseline.

    The critic of dqn is its Q-network and that of reinforce its baseline; both have critic_joint_layers alone.
    noise: of ddpg and td3 while collecting, `ou` an Ornstein-Uhlenbeck process per row, `gaussian` independent.
    n_step: rewards summed before the target network takes over (Sutton and Barto 2018, section 7.1).
    reward_centre: subtracted from every reward the learner sees, so that values are near 0 and the critic's accuracy
    goes to differences; `auto`: the largest expected income of a step, known on models. Neutral for the policy as
    long as episodes are truncated or of fixed length. Logs and evaluation show the money as it is.
    learning_rate_decay: `cosine` falls from the learning rates to 0 over train.steps (Loshchilov and Hutter 2017).
    actor_delay_steps: of ddpg and td3, train steps in which the critic learns alone: an actor that follows a critic
    that knows nothing yet ends in a corner.
    action_penalty: of ddpg, c where the actor climbs Q - c |a|^2, not Q alone (Andrychowicz et al. 2017, appendix A):
    with many components the errors of the critic add up, and the actor would follow them into a corner.
    noise_decay: the same from noise_stddev to noise_stddev_final, or a straight line.
    actor_update_period, target_noise, target_noise_clip: of td3 (Fujimoto et al. 2018).
    epsilon_start, epsilon_end, epsilon_decay_steps: of dqn, end + (start - end) exp(-batched collect steps / decay).
    batch_normalisation, dropout, l2: of dqn's Q-network.
    reinforce learns from what was collected since its last step and drops it: batch size and replay do not matter.
    initial_stddev: of reinforce's Gaussian, in action units. value_loss_weight, entropy: of its loss.
    """

    name: Literal["ddpg", "td3", "dqn", "reinforce"] = "ddpg"
    activation: Literal["relu", "leaky_relu", "tanh"] = "relu"
    actor_layers: Layers = (64, 64)
    critic_observation_layers: Layers = ()
    critic_action_layers: Layers = ()
    critic_joint_layers: Layers = (64, 64)
    actor_learning_rate: Positive = 1e-4
    actor_delay_steps: Annotated[int, msgspec.Meta(ge=0)] = 0
    critic_learning_rate: Positive = 1e-3
    gamma: Share = 0.99
    action_penalty: NotNegative = 0.0
    n_step: Count = 1
    target_update_tau: Unit = 0.01
    target_update_period: Count = 1
    learning_rate_decay: Literal["none", "cosine"] = "none"
    reward_centre: float | Literal["auto"] = 0.0
    loss: Literal["mse", "huber"] = "mse"
    reward_scale_factor: Positive = 1.0
    gradient_clipping: NotNegative = 0.0
    normalise_observations: bool = True
    noise: Literal["ou", "gaussian"] = "gaussian"
    noise_stddev: NotNegative = 0.3
    noise_damping: Unit = 0.15
    noise_decay: Literal["none", "linear", "cosine"] = "none"
    noise_stddev_final: NotNegative = 0.0
    actor_update_period: Count = 2
    target_noise: NotNegative = 0.2
    target_noise_clip: NotNegative = 0.5
    epsilon_start: Share = 1.0
    epsilon_end: Share = 0.01
    epsilon_decay_steps: Positive = 1000.0
    batch_normalisation: bool = False
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    l2: NotNegative = 0.0
    initial_stddev: Positive = 0.3
    value_loss_weight: Positive = 0.5
    entropy: NotNegative = 0.0

    def check(self, config):
        """Raises ValueError where the agent does not fit the environment's actions or the way it is trained."""
        environment, mode = config.environment.name, config.collect.mode
        discrete = environment in DISCRETE
        if (self.name == "dqn") != discrete:
            wanted = "dqn" if discrete else "ddpg, td3 or reinforce"
            raise ValueError(f"agent.name is {self.name} with environment.name {environment}, wanted {wanted}")
        regular = (self.batch_normalisation, self.dropout, self.l2)
        if self.name != "dqn" and any(regular):
            raise ValueError(
                f"agent.batch_normalisation, dropout or l2 is given with agent.name {self.name}, wanted dqn"
            )
        if self.actor_delay_steps and self.name not in ("ddpg", "td3"):
            raise ValueError(
                f"agent.actor_delay_steps is {self.actor_delay_steps} with agent.name {self.name}, wanted 0"
            )
        if self.action_penalty and self.name != "ddpg":
            raise ValueError(f"agent.action_penalty is {self.action_penalty} with agent.name {self.name}, wanted 0")
        if self.name == "reinforce" and self.n_step > 1:
            raise ValueError(
                f"agent.n_step is {self.n_step} with agent.name reinforce, wanted 1: its returns are whole"
            )
        if self.name == "reinforce" and config.train.steps_per_iteration != 1:
            got = config.train.steps_per_iteration
            raise ValueError(f"train.steps_per_iteration is {got} with agent.name reinforce, wanted 1")
        if mode == "single" and (self.name != "ddpg" or self.n_step > 1):
            raise ValueError(
                f"collect.mode is single with agent.name {self.name} and n_step {self.n_step}, wanted batch"
            )
        if self.noise_decay != "none" and (mode == "single" or self.name not in ("ddpg", "td3")):
            raise ValueError(
                f"agent.noise_decay is {self.noise_decay} with collect.mode {mode} and agent.name {self.name}, "
                "wanted none, or batch with ddpg or td3"
            )
