"""Every strategy that a policy is compared with."""

from tfmm.policies import alpha, baselines, joint, measurement, regimes


def all_of(problem):
    """Every baseline, fitted on train, in the order of a report: callables with `name` and `fitted`."""
    measured = measurement.measure(problem)
    skewed = baselines.linear_skew(problem)
    return (
        baselines.none(problem),
        baselines.fixed_spread(problem),
        skewed,
        baselines.avellaneda_stoikov(problem, measured),
        baselines.glft(problem, measured),
        baselines.bellman(problem, measured),
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
