"""Environments by name."""

from tfmm.environments import market_making


def create(problem, split, rows, seed):
    """An environment of `problem.config.environment` on random windows of a split.

    Args:
        rows: B, a natively batched environment; None: a single one.
    """
    sim = problem.simulator(problem.segments[split], rows or 1, seed)
    if rows is None:
        return market_making.SingleMarketMakingEnvironment(problem, sim)
    return market_making.MarketMakingEnvironment(problem, sim)
