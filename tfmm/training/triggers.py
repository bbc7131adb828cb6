"""When the triggers of a Learner fire."""

from collections.abc import Callable

from tf_agents.train import interval_trigger


class MultipleTrigger(interval_trigger.IntervalTrigger):
    """Fires after the call of a Learner that passed a multiple of the interval, and at the last train step of a run.

    TF-Agents' IntervalTrigger counts from the step where it fired last, so with several train steps a call its steps
    drift, and a resumed run would log at other steps than one that was never stopped.

    Args:
        interval: train steps; 0: never. fn: called without arguments. last: step after which the run ends.
    """

    def __init__(self, interval: int, fn: Callable[[], None], last: int) -> None:
        super().__init__(interval, fn)
        self._last = last
        self._last_trigger_value: int  # of TF-Agents

    def __call__(self, value: int, force_trigger: bool = False) -> None:
        if self._interval <= 0 or value == self._last_trigger_value:
            return
        passed = value // self._interval != self._last_trigger_value // self._interval
        if passed or force_trigger or value >= self._last:
            self._last_trigger_value = value
            self._fn()
