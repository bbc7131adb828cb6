"""Trades that are missing, by the holes in a venue's numbers of them."""

from typing import Any

import numpy as np

from tfmm import arrays, jit
from tfmm.market import raw, schema

_NEWEST, _LAST, _BEFORE, _MISSING, _HOLES, _STEPS, _ONES, _HOLE_BEGIN, _HOLE_END, _HOLE_NS = range(10)
_LEAST_STEPS, _DENSE = 100, 0.99
_WIDE = 1000  # a hole so wide, after which the numbers go on from its begin, was a damaged number


class Holes:
    """Counts the trade numbers of each instrument of a session, from all its files.

    Args:
        dense: (N,) bool, whether the venue is known to number the trades of an instrument without holes.
            Where it is not known, they count as such if 99 of 100 steps are steps of one.
    """

    def __init__(self, dense: arrays.Bools):
        self._dense = dense
        self._state = np.zeros((len(dense), 10), np.int64)
        self._state[:, [_NEWEST, _LAST, _BEFORE]] = raw.NO_SEQUENCE

    def add(self, rows: arrays.Records) -> arrays.Records:
        """(K,) raw.RAW in order of time and number; the same rows."""
        _count(np.ascontiguousarray(rows), self._state)
        return rows

    def report(self, instrument: int) -> dict[str, Any]:
        """{"missing_trades", "trade_id_holes", ...} of one instrument; None where the numbers say nothing."""
        state = [int(value) for value in self._state[instrument]]
        dense = self._dense[instrument] or state[_ONES] >= _DENSE * state[_STEPS]
        if not dense or state[_STEPS] < _LEAST_STEPS:
            return dict.fromkeys(("missing_trades", "trade_id_holes", "first_hole"))
        hole = {"first_id": state[_HOLE_BEGIN], "last_id": state[_HOLE_END], "before_ns": state[_HOLE_NS]}
        return {
            "missing_trades": max(0, state[_MISSING]),
            "trade_id_holes": state[_HOLES],
            "first_hole": hole if state[_HOLES] else None,
        }


@jit.kernel
def _count(rows, states):
    for k in range(len(rows)):
        number = rows[k].sequence
        if rows[k].kind != schema.TRADE or number == raw.NO_SEQUENCE:
            continue
        state = states[rows[k].instrument]
        last, newest = state[_LAST], state[_NEWEST]
        state[_LAST] = number
        if newest == raw.NO_SEQUENCE:
            state[_NEWEST] = number
        elif number > newest:
            state[_STEPS] += 1
            state[_ONES] += number == newest + 1
            if number > newest + 1:
                state[_BEFORE] = newest
                state[_MISSING] += number - newest - 1
                state[_HOLES] += 1
                if state[_HOLES] == 1:
                    state[_HOLE_BEGIN], state[_HOLE_END], state[_HOLE_NS] = newest + 1, number - 1, rows[k].ts
            state[_NEWEST] = number
        elif number < newest and number != last:
            beyond = number - state[_BEFORE]
            if last == newest and newest - number > _WIDE and 0 < beyond <= _WIDE:
                state[_MISSING] += number - newest
                state[_HOLES] -= beyond == 1
                state[_NEWEST] = number
                if state[_HOLES] == 1:
                    state[_HOLE_END] = number - 1
            else:
                # it comes after one with a larger number, and is missing no more
                state[_MISSING] -= 1
