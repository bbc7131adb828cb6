"""The task of a configuration, by the name of its environment."""

from collections.abc import Callable

from tfmm.config import experiment as experiment_lib
from tfmm.environments import task as task_lib
from tfmm.environments.analytic import task as analytic_task
from tfmm.environments.examples import daily_trading, quote_target, zero_norm
from tfmm.environments.tape import task as tape_task

OPENERS: dict[str, Callable[[experiment_lib.Config], task_lib.Task]] = {
    "market_making": tape_task.TapeTask.open,
    "simple_model": analytic_task.AnalyticTask.create,
    "avellaneda_stoikov": analytic_task.AnalyticTask.create,
    "dealer_hedging": analytic_task.AnalyticTask.create,
    "quote_target": quote_target.QuoteTargetTask,
    "zero_norm": zero_norm.ZeroNormTask,
    "daily_trading": daily_trading.DailyTradingTask,
}
"""{environment.name: what opens its task}."""


def open_task(config: experiment_lib.Config) -> task_lib.Task:
    """The task of `config.environment.name`, its data checked and long enough to train on.

    Raises:
        ConfigError, DataError: see TapeTask.open, DailyTradingTask.
    """
    return OPENERS[config.environment.name](config)
