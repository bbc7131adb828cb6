"""Tasks and environments by name."""

from tfmm.config import experiment as experiment_lib
from tfmm.environments import batched, reflection
from tfmm.environments.analytic import task as analytic_task
from tfmm.environments.examples import daily_trading, quote_target, zero_norm
from tfmm.environments.tape import task as tape_task

_SYSTEMS = {
    "quote_target": quote_target.QuoteTargetTask,
    "zero_norm": zero_norm.ZeroNormTask,
    "daily_trading": daily_trading.DailyTradingTask,
}


def open_task(config):
    """The task of `config.environment.name`, its data checked and long enough to train on.

    Raises:
        ConfigError, DataError: see task.TapeTask, Store.verify.
    """
    if config.environment.name in _SYSTEMS:
        return _SYSTEMS[config.environment.name](config)
    if config.environment.name != experiment_lib.TAPE:
        return analytic_task.AnalyticTask.create(config)
    task = tape_task.TapeTask.create(config)
    task.store.verify()
    if config.train.reflect:  # refuses features that have none
        reflection.of_market(task.feature_names, task.action_names)
    for part in ("train", "validation"):
        task.windows(task.segments[part])
    return task


def create(task, split, rows, seed):
    """An environment of `task.config.environment` on random windows of a split.

    Args:
        rows: B, a natively batched environment; None: a single one.
    """
    if task.config.environment.name in _SYSTEMS:
        return task.environment(split, rows, seed)
    sim = task.simulator(task.segments[split], rows or 1, seed, taught=split == "train")
    if rows is None:
        return batched.SingleMarketMakingEnvironment(task, sim)
    return batched.MarketMakingEnvironment(task, sim)
