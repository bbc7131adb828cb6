"""Problems and environments by name."""

from tfmm.config import experiment as experiment_lib
from tfmm.environments import batched, reflection
from tfmm.environments.analytic import task
from tfmm.environments.examples import daily_trading, quote_target, zero_norm
from tfmm.environments.tape import task as task_lib

_SYSTEMS = {
    "quote_target": quote_target.Problem,
    "zero_norm": zero_norm.Problem,
    "daily_trading": daily_trading.Problem,
}


def open_problem(config):
    """The problem of `config.environment.name`, its data checked and long enough to train on.

    Raises:
        ConfigError, DataError: see problem.Problem, Store.verify.
    """
    if config.environment.name in _SYSTEMS:
        return _SYSTEMS[config.environment.name](config)
    if config.environment.name != experiment_lib.TAPE:
        return task.ModelProblem.create(config)
    problem = task_lib.Problem.create(config)
    problem.store.verify()
    if config.train.reflect:  # refuses features that have none
        reflection.of_market(problem.feature_names, problem.action_names)
    for part in ("train", "validation"):
        problem.windows(problem.segments[part])
    return problem


def create(problem, split, rows, seed):
    """An environment of `problem.config.environment` on random windows of a split.

    Args:
        rows: B, a natively batched environment; None: a single one.
    """
    if problem.config.environment.name in _SYSTEMS:
        return problem.environment(split, rows, seed)
    sim = problem.simulator(problem.segments[split], rows or 1, seed, taught=split == "train")
    if rows is None:
        return batched.SingleMarketMakingEnvironment(problem, sim)
    return batched.MarketMakingEnvironment(problem, sim)
