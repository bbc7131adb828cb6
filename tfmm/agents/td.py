"""One-step temporal-difference errors, the measure of how much a transition still surprises the critic."""


def errors(agent, experience, value, next_value):
    """(B,) float32 tensor: r + gamma d V'(s') - Q(s, a), with the agent's reward scale (Sutton and Barto 2018, 6.1).

    Args:
        experience: Trajectory [B, 2, ...]. value: (time step, action) -> Q (B,). next_value: time step -> V' (B,).
    """
    now, policy_step, following = agent._as_transition(experience)
    target = agent._reward_scale_factor * following.reward + agent._gamma * following.discount * next_value(following)
    return target - value(now, policy_step.action)
