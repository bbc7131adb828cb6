"""When logs, validations and checkpoints fire: at multiples of their interval, whatever a call of the learner takes."""

import pytest

from tfmm.training import triggers


def _fired(interval, values, last, start=0):
    fired, now = [], []
    trigger = triggers.MultipleTrigger(interval, lambda: fired.append(now[-1]), last)
    trigger.set_start(start)
    for value in values:
        now.append(value)
        trigger(value)
    return fired


def test_it_fires_at_the_first_call_past_each_multiple_and_at_the_last_step():
    """Calls of 4 steps, interval 10: 12 passes 10, 20 is one, 32 passes 30; 38 is the end."""
    assert _fired(10, [4, 8, 12, 16, 20, 24, 28, 32, 36, 38], last=38) == [12, 20, 32, 38]


def test_a_resumed_run_fires_at_the_steps_of_one_that_was_never_stopped():
    calls = list(range(4, 41, 4))
    whole = _fired(10, calls, last=40)
    for cut in range(1, len(calls)):
        parts = _fired(10, calls[:cut], last=40) + _fired(10, calls[cut:], last=40, start=calls[cut - 1])
        assert parts == whole


def test_a_call_past_several_multiples_fires_once():
    assert _fired(10, [35, 40], last=100) == [35, 40]


@pytest.mark.parametrize("interval", [0, -1])
def test_no_interval_is_never(interval):
    assert _fired(interval, [5, 10], last=10) == []


def test_force_fires_once_a_step():
    fired = []
    trigger = triggers.MultipleTrigger(10, lambda: fired.append(1), last=100)
    trigger(3, force_trigger=True)
    trigger(3, force_trigger=True)
    assert len(fired) == 1
