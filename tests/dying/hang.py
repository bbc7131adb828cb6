"""Not collected by itself: tests that never end; see tests/test_workers.py."""

import collections
import itertools
import time


def test_that_sleeps():
    time.sleep(10**6)


def test_that_never_comes_back_to_the_interpreter():
    collections.deque(itertools.repeat(0), maxlen=0)
