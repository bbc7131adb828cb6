"""Not collected by itself: a test that kills its worker; see tests/test_workers.py."""

import os


def test_that_aborts():
    os.abort()
