"""Every strategy that a policy is compared with."""

from tfmm.environments import measurement
from tfmm.policies import alpha, baselines, joint, regimes


def all_of(problem):
    """Every baseline, fitted on train, in the order of a report: callables with `name` and `fitted`."""
    measured = measurement.measure(problem)
    hedges = problem.config.rules.hedge == "action"
    skewed = baselines.linear_skew(problem)
    return (
        baselines.none(problem),
        baselines.fixed_spread(problem),
        skewed,
        baselines.avellaneda_stoikov(problem, measured),
        baselines.glft(problem, measured),
        baselines.bellman(problem, measured),
        # what others hold presses too where risk is priced together; no share of one inventory answers it
        *([baselines.bellman(problem, measured, True)] if hedges and problem.risk is None else ()),
        *alpha.rules(problem, skewed),
        *regimes.rules(problem),
        *joint.rules(problem),
        *(_each(problem, measured) if problem.risk is not None else ()),
    )


def _each(problem, measured):
    """Where risk has one price for all instruments: dealers who do not know of each other."""
    return (
        baselines.linear_skew(problem, each=True),
        baselines.avellaneda_stoikov(problem, measured, each=True),
        baselines.glft(problem, measured, each=True),
        baselines.bellman(problem, measured, each=True),
    )
