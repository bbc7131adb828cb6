"""A Reverb server's tables on disk, kept beside the agent's checkpoint and loaded with a time limit."""

import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import reverb

NAME = "replay"
# what a Server does with the tables of a checkpoint, and whether all items came: Reverb takes a file that was cut short
# at some places for its whole, and its limiter then lets a sampler draw from an empty table, which ends the process
_TRIAL = """
import sys, reverb
scratch, folder, *names = sys.argv[1:]
uniform, fifo = reverb.selectors.Uniform(), reverb.selectors.Fifo()
tables = [reverb.Table(name, uniform, fifo, 1, reverb.rate_limiters.MinSize(1)) for name in names]
server = reverb.Server(tables, checkpointer=reverb.checkpointers.DefaultCheckpointer(scratch, "", folder))
for name, table in server.localhost_client().server_info().items():
    # of a table whose items go when it is full, and only then
    counted = min(table.rate_limiter_info.insert_stats.completed, table.max_size)
    if not table.max_times_sampled and table.current_size != counted:
        sys.exit(f"table {name} holds {table.current_size} of {counted} items")
"""


def refusal(checkpoint: pathlib.Path, names: Sequence[str], timeout_s: float) -> str | None:
    """Why the replay in a checkpoint cannot be loaded, or None where it can.

    Loading is reported to hang sometimes, and a damaged file may end the process; both inside Reverb's constructor,
    which nothing can interrupt. So another process tries first, and counts the items.

    Args:
        checkpoint: folder of a checkpoint. names: of the tables. timeout_s: for the trial.
    """
    folder = checkpoint / NAME
    if not folder.is_dir():
        return "it holds none"
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-I", "-c", _TRIAL, scratch, str(folder), *names]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired:
            return f"not loaded within {timeout_s:g} s (train.replay_timeout_s)"
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("[reverb")]
        return (lines or [f"exit code {done.returncode}"])[-1].strip()
    return None


def checkpointer(
    scratch: pathlib.Path | str, checkpoint: pathlib.Path | None = None
) -> reverb.checkpointers.DefaultCheckpointer:
    """A Reverb checkpointer that writes below `scratch` and begins with the replay of a checkpoint, if one is given."""
    return reverb.checkpointers.DefaultCheckpointer(
        str(scratch), "", None if checkpoint is None else str(checkpoint / NAME)
    )


def save(client: reverb.Client, folder: pathlib.Path) -> None:
    """Writes the tables of a client's server into `folder`, which must be on the same file system as the scratch."""
    try:
        written = pathlib.Path(client.checkpoint())
    except Exception as error:  # an IndexError on a full disk: Reverb's own choice for each kind of failure
        raise OSError(f"replay: {' '.join(str(error).split())}") from error
    os.rename(written, folder / NAME)
