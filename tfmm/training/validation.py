"""The score of a greedy policy during training."""

from tfmm.environments import model_problem, system
from tfmm.simulation import playing

_PATHS, _SEED = 256, 7


def score(problem, act):
    """Scores a policy: exactly on a model whose optimum is known, else by playing.

    Args:
        problem: Problem, ModelProblem or SystemProblem. act: observation (B, F) -> action (B, d).

    Returns:
        (record for metrics.jsonl, the number to compare policies by, larger is better).
    """
    if isinstance(problem, system.SystemProblem):
        return problem.score(act)
    if not isinstance(problem, model_problem.ModelProblem):
        return _on_tape(problem, act)
    if problem.exact is None:
        reward = problem.play(act, _PATHS, _SEED)[0]
        return {"validation/value": reward}, reward
    gap = problem.exact.gap(act(problem.exact.observations()))
    return {"validation/ratio": gap["ratio"], "validation/max_gap": gap["max_gap"]}, gap["ratio"] - gap["max_gap"]


def _on_tape(problem, act):
    """All of validation, in consecutive windows."""
    segments = problem.segments["validation"]
    windows = problem.windows(segments, problem.config.environment.window_s)
    sim = problem.simulator(segments, len(windows), windows=windows)
    total = float(playing.run(sim, lambda one: act(problem.observe(one))).sum())
    objective = total / (float((windows[:, 2] - windows[:, 1]).sum()) / 3.6e12)
    return {"validation/objective_per_hour": objective}, objective
