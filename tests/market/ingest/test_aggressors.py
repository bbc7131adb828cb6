"""The aggressor of trades without a side, against the rules written in plain Python and worked examples."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.market.ingest import test_sides
from tfmm.market import schema
from tfmm.market.ingest import aggressors, quality_page, quality_table

QUOTE, TRADE, ONE_SIDED, NO_MARKET = range(4)


def events(rows):
    """rows: (kind, instrument, lo_tick, hi_tick, side)."""
    out = np.zeros(len(rows), schema.EVENT)
    for name, column in zip(("kind", "instrument", "lo_tick", "hi_tick", "side"), zip(*rows, strict=True), strict=True):
        out[name] = column
    out["ts"] = np.arange(len(rows))
    return out


def plain(rows):
    """Lee and Ready: (side of each row, how it was found)."""
    mid, last, direction, out = {}, {}, {}, []
    for kind, n, lo, hi, side in rows:
        if kind != TRADE:
            mid[n] = (lo + hi) / 2 if kind == QUOTE else None
            out.append((side, ""))
            continue
        px = (lo + hi) / 2
        if n in last and px != last[n]:
            direction[n] = 1 if px > last[n] else -1
        last[n] = px
        if side:
            out.append((side, ""))
        elif mid.get(n) is not None and px != mid[n]:
            out.append((1 if px > mid[n] else -1, "quote"))
        elif n in direction:
            out.append((direction[n], "tick"))
        else:
            out.append((0, "left"))
    return out


PRICES = st.integers(1, 8)
ROWS = st.lists(
    st.one_of(
        st.tuples(st.just(QUOTE), st.integers(0, 1), PRICES, PRICES, st.just(0)),
        st.tuples(st.just(TRADE), st.integers(0, 1), PRICES, PRICES, st.sampled_from([0, 0, 0, 1, -1])),
        st.tuples(st.just(NO_MARKET), st.integers(0, 1), st.just(schema.NO_ASK), st.just(schema.NO_BID), st.just(0)),
        st.tuples(st.just(ONE_SIDED), st.integers(0, 1), PRICES, st.just(schema.NO_ASK), st.just(0)),
    ),
    min_size=1, max_size=60,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(ROWS, st.integers(0, 60))
def test_sides_are_those_of_plain_python(rows, cut):
    """In two blocks as in one; nothing else changes, and where nothing is inferred nothing does."""
    given_events = events(rows)
    before = given_events.copy()
    maker, counter = aggressors.Aggressors(2, True), aggressors.Aggressors(2, False)
    found = np.concatenate([maker.add(given_events[:cut]), maker.add(given_events[cut:])])
    np.testing.assert_array_equal(given_events, before)
    np.testing.assert_array_equal(counter.add(given_events), before)
    wanted = plain(rows)
    assert found["side"].tolist() == [side for side, _ in wanted]
    before["side"] = found["side"]
    np.testing.assert_array_equal(found, before)
    for n in range(2):
        how = [(word, side) for (word_side, row) in zip(wanted, rows, strict=True) if row[1] == n
               for side, word in (word_side,)]  # fmt: skip
        words = [word for word, _ in how]
        assert maker.report(n) == {
            "without_side": sum(map(bool, words)),
            "inferred_by_quote": words.count("quote"),
            "inferred_by_tick": words.count("tick"),
            "inferred_buys": sum(word in ("quote", "tick") and side > 0 for word, side in how),
        }
        assert counter.report(n)["without_side"] == sum(map(bool, words))
        assert counter.report(n)["inferred_by_quote"] == counter.report(n)["inferred_by_tick"] == 0


def test_a_worked_example():
    rows = [
        (TRADE, 0, 10, 10, 0),  # nothing before it
        (QUOTE, 0, 10, 12, 0),
        (TRADE, 0, 12, 12, 0),  # above the mid of 11
        (TRADE, 0, 10, 10, 0),  # below
        (TRADE, 0, 11, 11, 0),  # at the mid, above the price before
        (TRADE, 0, 11, 11, 0),  # likewise: the last other price is 10
        (NO_MARKET, 0, schema.NO_ASK, schema.NO_BID, 0),
        (TRADE, 0, 10, 10, 0),  # no mid: below the price before
        (TRADE, 0, 11, 12, -1),  # a given side stays
    ]
    out = aggressors.Aggressors(1, True).add(events(rows))
    assert out["side"][out["kind"] == TRADE].tolist() == [0, 1, -1, 1, 1, -1, -1]


@pytest.mark.parametrize("infer_sides", [False, True])
def test_inferred_sides_are_counted_and_told_and_judge_no_clock(tmp_path, infer_sides):
    """Every trade is at the best prices before it, so that the quote rule finds all sides."""
    quotes, trades = test_sides.market(1.0)
    tables = quotes, trades.assign(side=0)
    store, (report,) = test_sides.prepared(tmp_path, tables, infer_sides=infer_sides)
    kept = store.events[store.events["kind"] == TRADE]
    true_sides = trades["side"].to_numpy()[: len(kept)]
    np.testing.assert_array_equal(kept["side"], true_sides if infer_sides else 0)
    assert (report["buys"], report["sells"], report["without_side"]) == (0, 0, len(kept))
    assert np.isnan(report["side_agreement"])
    assert report["inferred_by_quote"] == infer_sides * len(kept)
    assert report["inferred_buys"] == infer_sides * (true_sides > 0).sum()
    words = f"inferred for {len(kept)}, {len(kept)} by the quotes and 0 by" if infer_sides else "--infer-sides infers"
    assert f"{len(kept)} of {len(kept)} trades (100%) have no side" in quality_table.table([report])
    for text in (quality_table.table([report]), quality_page.page([report])):
        assert words in text


def test_given_sides_stay_as_they_are(tmp_path):
    tables = test_sides.market(0.9)
    with_sides, (report,) = test_sides.prepared(tmp_path, tables)
    (tmp_path / "more").mkdir()
    inferred, _ = test_sides.prepared(tmp_path / "more", tables, infer_sides=True)
    np.testing.assert_array_equal(with_sides.events, inferred.events)
    assert report["without_side"] == 0
    assert "have no side" not in quality_table.table([report])
