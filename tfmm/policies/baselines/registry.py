"""Every strategy that a policy is compared with."""

from tfmm.calibration import fill_probes
from tfmm.policies.baselines import alpha_skew, bellman_joint, bellman_spread, inventory_tables


def all_of(task):
    """Every baseline, fitted on train, in the order of a report: callables with `name` and `fitted`."""
    measured = fill_probes.measure(task)
    hedges = task.config.rules.hedge == "action"
    skewed = inventory_tables.linear_skew(task)
    return (
        inventory_tables.none(task),
        inventory_tables.fixed_spread(task),
        skewed,
        inventory_tables.avellaneda_stoikov(task, measured),
        inventory_tables.glft(task, measured),
        inventory_tables.bellman(task, measured),
        # what others hold presses too where risk is priced together; no share of one inventory answers it
        *([inventory_tables.bellman(task, measured, True)] if hedges and task.risk is None else ()),
        *alpha_skew.rules(task, skewed),
        *bellman_spread.rules(task),
        *bellman_joint.rules(task),
        *(_each(task, measured) if task.risk is not None else ()),
    )


def _each(task, measured):
    """Where risk has one price for all instruments: dealers who do not know of each other."""
    return (
        inventory_tables.linear_skew(task, each=True),
        inventory_tables.avellaneda_stoikov(task, measured, each=True),
        inventory_tables.glft(task, measured, each=True),
        inventory_tables.bellman(task, measured, each=True),
    )
