"""pytest-xdist's workers: a folder that all of a run share, and an end of the run when one of them dies.

pytest-xdist by itself starts a worker anew, or lets the others run all that they were given: a run that has crashed
would end minutes later, or never.
"""

import fcntl
import pathlib
import shutil
import threading

import pytest

_CRASHED = "crashed"  # file in the shared folder: the test that a worker died in
_PATIENCE_S = 20.0  # for the test that another worker is in


def folder(config):
    """The folder of this run, the same in all workers."""
    if hasattr(config, "workerinput"):
        return pathlib.Path(config.workerinput["shared_folder"])
    return config._tmp_path_factory.getbasetemp()


def once(config, name, make):
    """Path of what make(path) writes: the first worker that asks calls it, the others wait and read. Don't write there.

    Args:
        name: of the file or folder. make: callable; what it raises is raised here, and the next one that asks tries
            again.
    """
    path = folder(config) / name
    with open(path.with_name(f".{name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = path.with_name(f".{name}.done")
        if not done.exists():
            shutil.rmtree(path, ignore_errors=True)  # what one that failed left
            make(path)
            done.touch()
    return path


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """A worker is about to start."""
    node.workerinput["shared_folder"] = str(folder(node.config))


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem, report, sched):
    """A worker has died in a test: the others end after the one that they are in, or are killed."""
    mark = folder(sched.config) / _CRASHED
    if mark.exists():
        report.longrepr = f"stopped here, as a worker had died in {mark.read_text()}"
        return
    mark.write_text(crashitem)
    processes = [node.gateway._io.popen for node in sched.nodes]
    killer = threading.Timer(_PATIENCE_S, lambda: [one.kill() for one in processes])
    killer.daemon = True
    killer.start()


def pytest_runtest_setup(item):
    mark = folder(item.config) / _CRASHED
    if mark.exists():
        item.session.shouldstop = f"a worker died in {mark.read_text()}"
        pytest.skip(item.session.shouldstop)
