"""What pipelines/benchmark.py compares is the same work."""

import pathlib

import numpy as np

from tfmm.benchmarks import notebook_schedule, order_books
from tfmm.config import loading
from tfmm.market.readers import order_book

NOTEBOOK = pathlib.Path(__file__).resolve().parents[2] / "configs" / "notebook.toml"


def test_the_engine_does_the_notebooks_numbers_of_transitions_and_train_steps():
    """1000 random transitions, then 3000 train steps with 50 transitions each."""
    notebook = loading.load(NOTEBOOK)
    batched = notebook_schedule.batched(notebook)
    rows, collect, train = batched.environment.rows, batched.collect, batched.train
    assert collect.initial_steps * rows == 1000
    assert (train.steps, train.batch_size) == (3000, 64)
    assert collect.steps_per_iteration * rows == 50 * train.steps_per_iteration
    assert train.steps % train.steps_per_iteration == 0
    assert batched.agent == notebook.agent


def test_the_book_and_its_dictionaries_do_the_same_work():
    changes = order_books._changes()[:20_000]
    book = order_book.Builder()
    rows = np.concatenate([book.apply(changes), book.finish()])
    assert [(row["lo"], row["lo_size"], row["hi"], row["hi_size"]) for row in rows] == order_books.dictionaries(changes)
    assert len(rows) > 300
    assert (rows["lo"] < rows["hi"]).all()
