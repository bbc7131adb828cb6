"""Orders to a book, against dictionaries of orders in plain Python."""

import collections
import pathlib

import numpy as np
from hypothesis import given, settings, strategies

from tfmm.market import raw, schema
from tfmm.market.readers import books, orders

BUY, SELL, NAN = schema.BUY, schema.SELL, float("nan")
LAST = 128

step = strategies.tuples(
    strategies.sampled_from("AAAACCCMMR" + "TFN"),
    strategies.sampled_from([BUY, SELL]),
    strategies.integers(0, 12),  # order
    strategies.integers(1, 12),  # price, in halves
    strategies.integers(1, 9),  # size
    strategies.booleans(),  # ends its event
)


class Plain:
    """Orders by number; the size of a level is the sum of its orders."""

    def __init__(self):
        self.orders, self.rows, self.last = {}, [], (NAN,) * 4

    def take(self, action, side, number, px, size):
        if action == "R":
            self.orders.clear()
        elif action == "A" or (action == "M" and number in self.orders):
            self.orders[number] = (side, px / 2, size)
        elif action == "C" and number in self.orders:
            side, px, before = self.orders.pop(number)
            if before > size:
                self.orders[number] = (side, px, before - size)

    def end(self, ts):
        levels = {BUY: collections.Counter(), SELL: collections.Counter()}
        for side, px, size in self.orders.values():
            levels[side][px] += size
        bid, ask = max(levels[BUY], default=NAN), min(levels[SELL], default=NAN)
        now = (bid, levels[BUY].get(bid, NAN), ask, levels[SELL].get(ask, NAN))
        if not np.array_equal(now, self.last, equal_nan=True):
            self.rows.append((ts, *now))
            self.last = now


@settings(max_examples=200, deadline=None)
@given(strategies.lists(step, min_size=1, max_size=80), strategies.integers(1, 40))
def test_equals_dictionaries_of_orders_on_random_streams_cut_anywhere(steps, cut):
    """Adds of numbers that rest, and cancels and changes of others, do not occur in a true feed: they are left out."""
    plain, rows, resting = Plain(), [(0, "R", 0, 0, NAN, 0, True)], set()
    plain.take("R", 0, 0, 0, 0)
    ts = 1
    for action, side, number, px, size, last in steps:
        if (action == "A" and number in resting) or (action in "CM" and number not in resting):
            continue
        if action == "R":
            side, px, size = 0, NAN, 0
        plain.take(action, side, number, px, size)
        resting = set(plain.orders)
        rows.append((ts, action, side, number, px / 2, size, last))
        if last:
            plain.end(ts)
            ts += 1
    if not rows[-1][-1]:
        plain.end(ts)
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    ts, action, side, number, px, size, last = columns
    made = orders.create(
        flags=np.where(last, LAST, 0), ts=ts, sequence=np.arange(len(ts)), order_id=number, px=px, size=size,
        action=np.array([ord(letter) for letter in action]), side=side,
    )  # fmt: skip
    batches = [("X", made[k : k + cut]) for k in range(0, len(made), cut)]
    found = np.concatenate(
        [part for _, part in books.build(batches, pathlib.Path("file"), {})] or [np.empty(0, raw.RAW)]
    )
    quotes = found[found["kind"] == schema.QUOTE]
    names = ("ts", "lo", "lo_size", "hi", "hi_size")
    np.testing.assert_array_equal([[row[name] for name in names] for row in quotes], plain.rows)
    assert (found["kind"] == schema.TRADE).sum() == (action == "T").sum()
