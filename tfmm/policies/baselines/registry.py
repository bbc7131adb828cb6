"""Every baseline that a policy is compared with."""

from tfmm.calibration import fill_probes
from tfmm.environments.tape.task import TapeTask
from tfmm.policies.baselines import alpha_skew, bellman_joint, bellman_queue, bellman_spread, inventory_tables
from tfmm.policies.baselines.baseline import Baseline


def fit_all(task: TapeTask) -> tuple[Baseline, ...]:
    """Every baseline of a task, fitted on train, in the order of a report."""
    probed = fill_probes.probe(task)
    may_hedge = task.config.rules.hedge == "action"
    linear_skew = inventory_tables.linear_skew(task)
    return (
        inventory_tables.none(task),
        inventory_tables.fixed_spread(task),
        linear_skew,
        inventory_tables.avellaneda_stoikov(task, probed),
        inventory_tables.glft(task, probed),
        inventory_tables.bellman(task, probed),
        # where risk has a common price, the best hedge depends on all inventories, which a table of one cannot know
        *([inventory_tables.bellman(task, probed, with_hedge=True)] if may_hedge and not task.risk.is_joint else ()),
        *alpha_skew.fit(task, linear_skew),
        *bellman_spread.fit(task),
        *bellman_joint.fit(task),
        *bellman_queue.fit(task),
        *(_fit_per_instrument(task, probed) if task.risk.is_joint else ()),
    )


def _fit_per_instrument(task, probed):
    """Where risk has a common price: policies that ignore it and quote each instrument by its inventory alone."""
    return (
        inventory_tables.linear_skew(task, per_instrument=True),
        inventory_tables.avellaneda_stoikov(task, probed, per_instrument=True),
        inventory_tables.glft(task, probed, per_instrument=True),
        inventory_tables.bellman(task, probed, per_instrument=True),
    )
