"""Every strategy that a policy is compared with."""

from tfmm.calibration import fill_probes
from tfmm.policies.baselines import alpha_skew, bellman_joint, bellman_spread, inventory_tables


def all_of(problem):
    """Every baseline, fitted on train, in the order of a report: callables with `name` and `fitted`."""
    measured = fill_probes.measure(problem)
    hedges = problem.config.rules.hedge == "action"
    skewed = inventory_tables.linear_skew(problem)
    return (
        inventory_tables.none(problem),
        inventory_tables.fixed_spread(problem),
        skewed,
        inventory_tables.avellaneda_stoikov(problem, measured),
        inventory_tables.glft(problem, measured),
        inventory_tables.bellman(problem, measured),
        # what others hold presses too where risk is priced together; no share of one inventory answers it
        *([inventory_tables.bellman(problem, measured, True)] if hedges and problem.risk is None else ()),
        *alpha_skew.rules(problem, skewed),
        *bellman_spread.rules(problem),
        *bellman_joint.rules(problem),
        *(_each(problem, measured) if problem.risk is not None else ()),
    )


def _each(problem, measured):
    """Where risk has one price for all instruments: dealers who do not know of each other."""
    return (
        inventory_tables.linear_skew(problem, each=True),
        inventory_tables.avellaneda_stoikov(problem, measured, each=True),
        inventory_tables.glft(problem, measured, each=True),
        inventory_tables.bellman(problem, measured, each=True),
    )
