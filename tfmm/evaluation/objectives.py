"""Expected instead of drawn objectives where the law of the inventory is known: see tfmm.backtest.expected_objective.

One draw of clients is mostly noise: what differs between two policies is small beside it. Where fill probabilities are
known the expectation over all clients is computed, and an interval has only the price path left to resample.
"""

from tfmm.backtest import control_variate, expected_objective
from tfmm.evaluation.metrics import definitions, summary

METRIC = definitions.EXPECTED.name


def watch(task, split):
    """law.watch of a split; None where no law is known."""
    return expected_objective.market_paths(task, split) if expected_objective.is_known(task) else None


def of_policy(task, policy, watched):
    """[law.Expected] of a saved policy on every segment that was watched; None where none could be."""
    if watched is None:
        return None
    return expected_objective.evaluate(task, watched, lambda seen: policy(task.observe(seen)), False)


def of_baseline(task, baseline, watched):
    """The same of a baseline."""
    return None if watched is None else expected_objective.evaluate(task, watched, baseline, True)


def add(results, breakdown, several):
    """Writes METRIC into the metrics of a policy and of its parts: sessions, and its one instrument."""
    if several is None:
        return
    results[METRIC] = _total(several)
    for session, part in breakdown["sessions"].items():
        part[METRIC] = _total(one for one in several if one.session == session)
    for part in breakdown["instruments"].values():
        part[METRIC] = results[METRIC]


def blocks(backtests, several, risk, block_s):
    """(metric, (K,) its gain in each block): METRIC where the law is known, else the drawn objective, less luck where
    that is known."""
    if several is not None:
        return METRIC, expected_objective.blocks(several, block_s)
    drawn = summary.block_objectives(backtests, risk, block_s)
    if any(one.control_variate is None for one in backtests):
        return "objective", drawn
    return control_variate.METRIC, drawn - control_variate.blocks(backtests, block_s)


def _total(several):
    return float(sum(one.objective.sum() for one in several))
