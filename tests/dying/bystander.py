"""Not collected by itself: minutes of tests for the other worker; see tests/test_workers.py."""

import time

import pytest


@pytest.mark.parametrize("_", range(300))
def test_that_takes_a_second(_):
    time.sleep(1)
