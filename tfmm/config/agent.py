"""Section [agent] of a configuration: a struct for each agent, told apart by `name`."""

from typing import Annotated, ClassVar, Literal

from tfmm.config import agent_base, types
from tfmm.config.types import about

OF_A_DEALER = ("market_making", "simple_model", "avellaneda_stoikov")
"""Environments of a dealer whose market does not depend on what it does, and whose fills may be known."""
TdTarget = Literal["sampled", "expected_fills"]


class Ddpg(agent_base.ActorCritic, frozen=True, kw_only=True, tag="ddpg"):
    """Lillicrap et al. 2016."""

    td_target: Annotated[
        TdTarget,
        about(
            "Whether the value of the next state counts as it was drawn, or in expectation over the fills of the "
            "interval (Expected SARSA over fills; expected rewards of one instrument or currency)."
        ),
    ] = "sampled"
    relative_value: Annotated[
        bool,
        about(
            "Whether TD targets subtract the next state's value without inventory and quotes, which no action changes: "
            "values tell inventories apart, and the noise of the market to come goes."
        ),
    ] = False
    action_penalty: Annotated[
        types.NotNegative,
        about(
            "c, where the actor climbs Q - c |a|^2: with many components it would follow the critic's errors into a "
            "corner (Andrychowicz et al. 2017, appendix A).",
            "reward",
        ),
    ] = 0.0

    def check(self, environment: str, mode: str, steps_per_iteration: int) -> None:
        """See Agent.check."""
        super().check(environment, mode, steps_per_iteration)
        if self.relative_value and environment not in OF_A_DEALER:
            wanted = " or ".join(OF_A_DEALER)
            raise ValueError(f"agent.relative_value is true, but environment.name is {environment}, wanted {wanted}")
        if self.td_target == "sampled":
            return
        for fits, found, wanted in (
            (environment in OF_A_DEALER, f"environment.name is {environment}", " or ".join(OF_A_DEALER)),
            (mode == "batch", f"collect.mode is {mode}", "batch"),
            (self.n_step == 1, f"agent.n_step is {self.n_step}", "1"),
        ):
            if not fits:
                raise ValueError(f"agent.td_target is {self.td_target}, but {found}, wanted {wanted}")


class Td3(agent_base.ActorCritic, frozen=True, kw_only=True, tag="td3"):
    """Fujimoto et al. 2018."""

    actor_update_period: Annotated[types.Count, about("Interval between two steps of the actor.", "train steps")] = 2
    target_noise: Annotated[
        types.NotNegative, about("Standard deviation of the noise on the target actor's action.", "action")
    ] = 0.2
    target_noise_clip: Annotated[types.NotNegative, about("Largest noise on the target actor's action.", "action")] = (
        0.5
    )


class Dqn(agent_base.OffPolicy, frozen=True, kw_only=True, tag="dqn"):
    """Double DQN (van Hasselt et al. 2016). epsilon = end + (start - end) exp(-batched collect steps / decay steps)."""

    # networks
    batch_normalisation: Annotated[bool, about("Whether batches are normalised behind every hidden layer.")] = False
    dropout: Annotated[types.ShareBelow1, about("Share of units dropped behind every hidden layer.", "1")] = 0.0
    l2: Annotated[types.NotNegative, about("Weight of the sum of squared kernels in the loss.", "1")] = 0.0

    # exploration
    epsilon_start: Annotated[types.Share, about("Probability of a random action at the start.", "1")] = 1.0
    epsilon_end: Annotated[types.Share, about("Probability of a random action in the end.", "1")] = 0.01
    epsilon_decay_steps: Annotated[types.Positive, about("Steps of the decay.", "batched steps")] = 1000.0

    discrete: ClassVar[bool] = True


class Reinforce(agent_base.Agent, frozen=True, kw_only=True, tag="reinforce"):
    """Williams 1992, with a value baseline. It learns from what was collected since its last step and drops it: batch
    size and replay have no effect."""

    # networks
    actor_layers: Annotated[types.Layers, about("Hidden layers of the actor.", "units")] = (64, 64)
    initial_stddev: Annotated[types.Positive, about("Standard deviation of the first Gaussian policy.", "action")] = 0.3

    # optimisation
    actor_learning_rate: Annotated[
        types.Positive, about("Learning rate of the actor, and of the baseline of reinforce.", "1")
    ] = 1e-4
    value_loss_weight: Annotated[types.Positive, about("Weight of the baseline's loss.", "1")] = 0.5
    entropy: Annotated[types.NotNegative, about("Weight of the policy's entropy.", "1")] = 0.0

    n_step: ClassVar[int] = 1
    """Rewards in an item of the replay: returns are of whole episodes."""

    def check(self, environment: str, mode: str, steps_per_iteration: int) -> None:
        """See Agent.check."""
        super().check(environment, mode, steps_per_iteration)
        if steps_per_iteration != 1:
            raise ValueError(f"train.steps_per_iteration is {steps_per_iteration} with agent.name reinforce, wanted 1")
        if mode == "single":
            raise ValueError(f"collect.mode is single with agent.name {self.name}, wanted batch")


AnyAgent = Ddpg | Td3 | Dqn | Reinforce
BY_NAME: dict[str, type[AnyAgent]] = {"ddpg": Ddpg, "td3": Td3, "dqn": Dqn, "reinforce": Reinforce}
DEFAULT = "ddpg"
"""Name of the agent where a configuration gives none."""


def settings_of(name: str) -> tuple[str, ...]:
    """Names of the settings of an agent, `name` among them."""
    return ("name", *BY_NAME[name].__struct_fields__)


def having(setting: str) -> list[str]:
    """Names of the agents that have a setting."""
    return [name for name in BY_NAME if setting in settings_of(name)]
