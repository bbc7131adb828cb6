"""Merging sorted runs from disk agrees with sorting everything in memory."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tfmm.market import raw, schema
from tfmm.market.ingest import merging


def rows(times, kind, first_id):
    out = np.zeros(len(times), raw.RAW)
    out["ts"], out["kind"] = sorted(times), kind
    out["sequence"] = first_id + np.arange(len(times))
    return out


def write(path, blocks):
    """Runs of a spool file that holds the blocks one after another."""
    np.concatenate(blocks).tofile(path)
    stops = np.cumsum([len(block) for block in blocks])
    return list(zip([0, *stops[:-1].tolist()], stops.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=40), min_size=1, max_size=4),
    st.lists(st.integers(0, 12), min_size=1, max_size=40),
    st.integers(0, 3),
)
def test_blocks_together_are_all_rows_in_order(tmp_path_factory, quotes, trades, shift):
    folder = tmp_path_factory.mktemp("runs")
    parts = [rows(times, schema.QUOTE, 100 * k) for k, times in enumerate(quotes)]
    own = rows(trades, schema.TRADE, 0)
    runs = [merging.Run(folder / "q", *place, 0, False, shift) for place in write(folder / "q", parts)] + [
        merging.Run(folder / "t", *place, 0, False, shift) for place in write(folder / "t", [own])
    ]
    old, merging._LEAST_ROWS = merging._LEAST_ROWS, 3
    try:
        blocks = list(merging.merge(runs, chunk_rows=6))
    finally:
        merging._LEAST_ROWS = old
    everything = np.concatenate([*parts, own])
    everything["ts"][everything["kind"] == schema.QUOTE] += shift
    expected = everything[raw.order(everything)]
    np.testing.assert_array_equal(np.concatenate(blocks), expected)
    for one, following in itertools.pairwise(blocks):
        assert one["ts"][-1] < following["ts"][0]


def test_a_shared_sequence_decides_before_the_kind(tmp_path):
    both = np.zeros(3, raw.RAW)
    both["ts"], both["sequence"], both["kind"] = 5, (1, 2, 3), (schema.QUOTE, schema.TRADE, schema.QUOTE)
    (place,) = write(tmp_path / "a", [both])
    (block,) = merging.merge([merging.Run(tmp_path / "a", *place, 0, True)])
    assert block["sequence"].tolist() == [1, 2, 3]


def test_ahead_gives_the_same_blocks_and_the_same_error():
    assert list(merging.ahead(iter([1, 2, 3]))) == [1, 2, 3]

    def broken():
        yield 1
        raise ValueError("no")

    blocks = merging.ahead(broken())
    assert next(blocks) == 1
    with pytest.raises(ValueError, match="no"):
        next(blocks)
