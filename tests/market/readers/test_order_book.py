"""The book builder against a book of plain dictionaries, and each rule by itself."""

import pathlib

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from tfmm import errors
from tfmm.market import raw, schema
from tfmm.market.readers import books, order_book

BUY, SELL, NAN = schema.BUY, schema.SELL, np.nan
LEVEL, SNAPSHOT, ADDED, RESET, LOST, BEST = range(6)


def updates(*rows):
    """rows: (message, what, side, px, size); the time is the message, in seconds after 2020 began."""
    out = np.zeros(len(rows), order_book.UPDATE)
    for k, (message, what, side, px, size) in enumerate(rows):
        out[k] = (1_577_836_800_000_000_000 + message * 10**9, message, message, px, size, what, side)
    return out


def top(rows):
    """[(sequence, bid, bid size, ask, ask size)]"""
    return [tuple(float(row[name]) for name in ("sequence", "lo", "lo_size", "hi", "hi_size")) for row in rows]


def built(*rows):
    book = order_book.Builder()
    return top(np.concatenate([book.apply(updates(*rows)), book.finish()])), dict(
        zip(order_book.COUNTS, book.counts.tolist(), strict=True)
    )


class Plain:
    """The same rules with dictionaries: the best price is a max or min over all levels."""

    def __init__(self):
        self.sides, self.known, self.rows, self.last = {BUY: {}, SELL: {}}, False, [], (NAN,) * 4

    def message(self, number, changes):
        pending, in_snapshot = False, False
        for what, side, px, size in changes:
            if what == SNAPSHOT and not in_snapshot:
                self.sides, self.known = {BUY: {}, SELL: {}}, True
            in_snapshot = what == SNAPSHOT
            if what == LOST:
                pending |= self.known
                self.sides, self.known = {BUY: {}, SELL: {}}, False
            elif what == RESET:
                self.known = pending = True
                for one in (side,) if side else (BUY, SELL):
                    levels = self.sides[one]
                    self.sides[one] = {p: q for p, q in levels.items() if px and one * p < one * px}
            elif self.known:
                pending, levels = True, self.sides[side]
                if what == BEST:
                    for better in [p for p in levels if side * p > side * px]:
                        del levels[better]
                levels[px] = size + (levels.get(px, 0) if what == ADDED else 0)
                if levels[px] <= 0:
                    del levels[px]
        if pending:
            bids, asks = self.sides[BUY], self.sides[SELL]
            bid, ask = max(bids, default=NAN), min(asks, default=NAN)
            now = (bid, bids.get(bid, NAN), ask, asks.get(ask, NAN))
            if not np.array_equal(now, self.last, equal_nan=True):
                self.last = now
                self.rows.append((number, *now))


change = strategies.tuples(
    strategies.sampled_from([LEVEL] * 12 + [SNAPSHOT] * 3 + [ADDED] * 2 + [RESET, LOST, BEST]),
    strategies.sampled_from([BUY, SELL]),
    strategies.integers(-3, 30).map(lambda tick: tick / 4),
    strategies.integers(0, 4).map(float),
)
streams = strategies.lists(strategies.lists(change, min_size=1, max_size=12), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(streams, strategies.integers(1, 60))
def test_equals_a_book_of_dictionaries_on_random_streams_cut_anywhere(stream, cut):
    stream = [[(SNAPSHOT, BUY, 1.0, 2.0), (SNAPSHOT, SELL, 2.0, 3.0)], *stream]
    plain, flat = Plain(), []
    for number, changes in enumerate(stream):
        plain.message(number, changes)
        flat += [(number, *one) for one in changes]
    whole = updates(*flat)
    book = order_book.Builder()
    parts = [book.apply(whole[k : k + cut]) for k in range(0, len(whole), cut)]
    np.testing.assert_array_equal(top(np.concatenate([*parts, book.finish()])), plain.rows)
    for side in (BUY, SELL):
        levels = sorted(plain.sides[side].items(), reverse=side == BUY)
        np.testing.assert_array_equal(book.levels(side), np.reshape(levels, (-1, 2)))


def test_a_book_deeper_than_its_room():
    """3000 bids from the worst to the best, then deleted from the best to the worst: 2 x 3000 messages, all but the
    last leave a best bid of message k or of 6000 - k."""
    rows = [(0, SNAPSHOT, SELL, 9000.0, 1.0)]
    rows += [(k, LEVEL, BUY, float(k), float(k)) for k in range(1, 3001)]
    rows += [(6001 - k, LEVEL, BUY, float(k), 0.0) for k in range(3000, 0, -1)]
    found, counts = built(*rows)
    assert found[:2] == [(0, *[pytest.approx(NAN, nan_ok=True)] * 2, 9000, 1), (1, 1, 1, 9000, 1)]
    assert [row[1] for row in found[1:-1]] == [*range(1, 3001), *range(2999, 0, -1)]
    assert np.isnan(found[-1][1])
    assert counts["book_rows"] == 6001


def test_a_row_for_each_message_that_changes_the_top():
    found, counts = built(
        (1, SNAPSHOT, BUY, 10, 5), (1, SNAPSHOT, BUY, 9, 7), (1, SNAPSHOT, SELL, 11, 6), (1, SNAPSHOT, SELL, 12, 8),
        (2, LEVEL, BUY, 8, 3),  # below the best: no row
        (3, LEVEL, BUY, 10, 0), (3, LEVEL, SELL, 11, 4),  # both sides in one message: one row
        (4, LEVEL, BUY, 9, 7),  # says what stands: no row
        (5, LEVEL, BUY, 10, 1), (5, LEVEL, BUY, 10, 0),  # there and away again within a message: no row
        (6, LEVEL, SELL, 11, 0),
    )  # fmt: skip
    assert found == [(1, 10, 5, 11, 6), (3, 9, 7, 11, 4), (6, 9, 7, 12, 8)]
    assert counts["book_updates"] == 11
    assert counts["snapshots"] == 1


def test_a_snapshot_begins_the_book_anew():
    found, _ = built(
        (1, SNAPSHOT, BUY, 10, 5), (1, SNAPSHOT, SELL, 11, 6), (2, LEVEL, BUY, 10.5, 1),
        (3, SNAPSHOT, BUY, 9, 5), (3, SNAPSHOT, SELL, 12, 6), (4, SNAPSHOT, BUY, 8, 5), (4, SNAPSHOT, SELL, 13, 6),
    )  # fmt: skip
    assert found == [(1, 10, 5, 11, 6), (2, 10.5, 1, 11, 6), (3, 9, 5, 12, 6), (4, 8, 5, 13, 6)]


def test_a_lost_update_makes_the_market_unknown_until_the_next_snapshot():
    found, counts = built(
        (1, LEVEL, BUY, 10, 5), (2, SNAPSHOT, BUY, 10, 5), (2, SNAPSHOT, SELL, 11, 6), (3, LOST, 0, NAN, NAN),
        (3, LEVEL, BUY, 10.5, 1), (4, LEVEL, BUY, 10.6, 1), (5, SNAPSHOT, BUY, 10, 5), (5, SNAPSHOT, SELL, 11, 6),
    )  # fmt: skip
    np.testing.assert_array_equal(found, [(2, 10, 5, 11, 6), (3, NAN, NAN, NAN, NAN), (5, 10, 5, 11, 6)])
    assert (counts["lost_updates"], counts["updates_before_snapshot"], counts["snapshots"]) == (1, 3, 2)


@pytest.mark.parametrize(("px", "size"), [(NAN, 1.0), (10.0, NAN), (10.0, -1.0), (np.inf, 1.0)])
def test_an_update_that_is_not_understood_makes_it_unknown_too(px, size):
    found, counts = built((1, SNAPSHOT, BUY, 10, 5), (1, SNAPSHOT, SELL, 11, 6), (2, LEVEL, BUY, px, size))
    np.testing.assert_array_equal(found, [(1, 10, 5, 11, 6), (2, NAN, NAN, NAN, NAN)])
    assert counts["updates_not_understood"] == 1


def test_an_update_without_a_time_makes_it_unknown_from_the_last_known_time():
    rows = updates((1, SNAPSHOT, BUY, 10, 5), (1, SNAPSHOT, SELL, 11, 6), (2, LEVEL, BUY, 10, 4))
    rows["ts"][2] = raw.TIME_UNKNOWN
    book = order_book.Builder()
    found = np.concatenate([book.apply(rows), book.finish()])
    assert found["ts"].tolist() == [rows["ts"][0]] * 2
    assert np.isnan(found["lo"][1])


def test_a_reset_clears_a_side_from_the_best_to_a_price():
    levels = [(1, SNAPSHOT, side, px, 1) for side, prices in ((BUY, (8, 9, 10)), (SELL, (11, 12, 13))) for px in prices]
    assert built(*levels, (2, RESET, BUY, 9, 0))[0][1:] == [(2, 8, 1, 11, 1)]
    assert built(*levels, (2, RESET, SELL, 12, 0))[0][1:] == [(2, 10, 1, 13, 1)]
    np.testing.assert_array_equal(built(*levels, (2, RESET, SELL, NAN, 0))[0][1:], [(2, 10, 1, NAN, NAN)])
    np.testing.assert_array_equal(built(*levels, (2, RESET, 0, 0, 0))[0][1:], [(2, NAN, NAN, NAN, NAN)])


def test_crossed_and_locked_books_are_shown_as_they_are():
    found, _ = built(
        (1, SNAPSHOT, BUY, 10, 5), (1, SNAPSHOT, SELL, 11, 6), (2, LEVEL, BUY, 11, 1), (3, LEVEL, BUY, 12, 1)
    )
    assert found == [(1, 10, 5, 11, 6), (2, 11, 1, 11, 6), (3, 12, 1, 11, 6)]


def test_build_keeps_a_book_for_each_symbol_and_hands_other_rows_on():
    def batches():
        yield "A", updates((1, SNAPSHOT, BUY, 10, 5), (1, SNAPSHOT, SELL, 11, 6))
        yield "B", updates((1, SNAPSHOT, BUY, 20, 5), (1, SNAPSHOT, SELL, 21, 6))
        yield "A", raw.trades(np.array([1]), np.array([10.0]), np.array([1.0]), np.array([1]))
        yield "A", updates((2, LEVEL, BUY, 10, 4))

    counts = {"snapshots": 1}
    found = [
        (symbol, row["kind"], row["lo"], row["lo_size"])
        for symbol, rows in books.build(batches(), pathlib.Path("file"), counts)
        for row in rows
    ]
    assert found == [("A", 1, 10, 1), ("A", 0, 10, 5), ("A", 0, 10, 4), ("B", 0, 20, 5)]
    assert {name: count for name, count in counts.items() if count} == {
        "snapshots": 3,
        "book_updates": 5,
        "book_rows": 3,
    }


def test_a_book_without_a_snapshot_is_refused():
    batches = [("A", updates((1, LEVEL, BUY, 10, 5), (2, LEVEL, SELL, 11, 5)))]
    with pytest.raises(errors.DataError, match="file: 2 changes of the order book of A, but no snapshot of it, wanted"):
        list(books.build(batches, pathlib.Path("file"), {}))


def test_what_a_user_is_told_of_a_broken_book():
    counts = {"book_updates": 9, "lost_updates": 1, "updates_before_snapshot": 3}
    assert books.note(pathlib.Path("x/file"), counts) == (
        "file: of 9 changes of the order book 1 lost, 3 before the first snapshot or after a loss: the market is "
        "unknown there"
    )
    assert books.note(pathlib.Path("file"), {"book_updates": 9}) == books.note(pathlib.Path("file"), {}) == ""
