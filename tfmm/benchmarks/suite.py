"""All benchmarks of pipelines/benchmark.py."""

import pathlib
import tempfile
from collections.abc import Sequence

from tfmm.benchmarks import (
    collection,
    collectors as collectors_lib,
    environment,
    live_quotes,
    notebook_schedule,
    order_books,
    preparation,
    replay,
    sample_market,
    training,
)
from tfmm.config.experiment import Config


def run(
    repeats: int, notebook: Config, collectors: Sequence[int] = (), scripts: pathlib.Path | None = None
) -> dict[str, float]:
    """Measures every stage.

    Args:
        repeats: of which the fastest counts; the schedule of the notebook is timed once.
        notebook: configuration of configs/notebook.toml.
        collectors: numbers of collector processes to measure, too. scripts: path of pipelines/, for these.

    Returns:
        {name: rate per second, ratio or latency}, in the names that `benchmark.py --json` writes.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        task = sample_market.task(folder / "store")
        out = replay.run(repeats)
        out |= environment.run(task, repeats)
        out |= collection.run(task, repeats)
        out |= training.run(task, repeats)
        out |= notebook_schedule.run(notebook, task.config.data.store, folder)
        out |= live_quotes.run(task, folder / "policy", repeats)
        out |= preparation.run(folder, repeats)
        out |= order_books.run(folder, repeats)
        if collectors:
            assert scripts is not None, "collectors without the path of their script"
            out |= collectors_lib.run(collectors, task.config, scripts, folder)
    return out
