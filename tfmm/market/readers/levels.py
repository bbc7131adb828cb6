"""Price levels of both sides of a book: sizes in a hash table, beside it the best prices in order.

Most updates are hundreds of levels behind the best: they cost one look into the table. Where the best prices are used
up, all levels are looked through for the next ones.
"""

from typing import NamedTuple

import numpy as np

from tfmm import arrays, jit

NEAR, USED, LIVE = range(3)
_ROOM = 4096  # slots of a side at the start, a power of two
_WINDOW = 32


class Levels(NamedTuple):
    """Sides: asks (0), bids (1). A key is the price, of asks with its sign turned: the best is the highest on both.

    px, size: (2, C) hash table of keys and sizes; key NaN: a free slot; size 0: a level that is gone.
    near: (2, _WINDOW) the best keys, the best last. held: (2, 3) keys in `near`, slots used, levels with a size.
    """

    px: arrays.Floats
    size: arrays.Floats
    near: arrays.Floats
    held: arrays.Ints


def create(held: arrays.Ints | None = None) -> Levels:
    """Levels without any, with room for those of `held`."""
    room = _ROOM if held is None else max(_ROOM, 1 << int(4 * held[:, LIVE].max()).bit_length())
    return Levels(
        np.full((2, room), np.nan), np.zeros((2, room)), np.empty((2, _WINDOW)), np.zeros((2, 3), np.int64)
    )  # fmt: skip


def rehash(levels: Levels) -> Levels:
    """The same in a table with room, without the slots of those that are gone."""
    out = create(levels.held)
    _move(levels, out)
    return out


def listed(levels: Levels, side: int) -> arrays.Floats:
    """(L, 2) key and size of side 0 or 1, the best first."""
    there = levels.size[side] > 0
    px, size = levels.px[side, there], levels.size[side, there]
    order = np.argsort(-px)
    return np.stack([px[order], size[order]], axis=1)


@jit.kernel
def empty(levels: Levels, side: int) -> None:
    """Deletes all levels of side 0 or 1."""
    levels.held[side, :] = 0
    levels.px[side, :] = np.nan
    levels.size[side, :] = 0.0


@jit.kernel
def clear(levels: Levels, side: int, key: float) -> None:
    """Deletes the levels of a side from the best to a price, which is included; 0 and NaN: all."""
    if key == 0.0 or not np.isfinite(key):
        empty(levels, side)
        return
    near, held = levels.near[side], levels.held[side]
    while held[NEAR] and near[held[NEAR] - 1] >= key:
        change(levels, side, near[held[NEAR] - 1], 0.0, False)


@jit.kernel
def _slot(px, key):
    """Where a price is, or would go, in a hash table."""
    bits = np.float64(key + 0.0).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    k = np.int64(bits >> np.uint64(40)) & (len(px) - 1)
    while px[k] != key and not np.isnan(px[k]):
        k = (k + 1) & (len(px) - 1)
    return k


@jit.kernel
def _move(levels, out):
    for side in range(2):
        for k in range(levels.px.shape[1]):
            if levels.size[side, k] > 0.0:
                change(out, side, levels.px[side, k], levels.size[side, k], False)


@jit.kernel
def change(levels: Levels, side: int, key: float, amount: float, added: bool) -> None:
    """Sets the size of one level, or adds to it; one without a size is deleted."""
    px, size, held, near = levels.px[side], levels.size[side], levels.held[side], levels.near[side]
    slot = _slot(px, key)
    before = size[slot]
    amount = max(amount + before, 0.0) if added else amount
    if amount > 0.0 and np.isnan(px[slot]):
        px[slot] = key
        held[USED] += 1
    size[slot] = amount
    if before > 0.0 and amount <= 0.0:
        held[LIVE] -= 1
        _forget(near, held, key)
        if not held[NEAR] and held[LIVE]:
            for k in range(len(px)):
                if size[k] > 0.0:
                    _remember(near, held, px[k])
    elif before <= 0.0 and amount > 0.0:
        # while `near` lacks levels of the side, those beyond its worst are not in it
        if held[NEAR] == held[LIVE] or key > near[0]:
            _remember(near, held, key)
        held[LIVE] += 1


@jit.kernel
def _remember(near, held, key):
    """Adds a price to the best ones; the worst goes where there is no room."""
    count = held[NEAR]
    if count == len(near):
        if key < near[0]:
            return
        for k in range(1, count):
            if near[k] > key:
                near[k - 1] = key
                return
            near[k - 1] = near[k]
        near[count - 1] = key
        return
    k = count
    while k and near[k - 1] > key:
        near[k] = near[k - 1]
        k -= 1
    near[k] = key
    held[NEAR] += 1


@jit.kernel
def _forget(near, held, key):
    count = held[NEAR]
    if not count or key < near[0]:
        return
    k = count - 1
    last = near[k]
    while last != key:
        k -= 1
        near[k], last = last, near[k]
    held[NEAR] -= 1


@jit.kernel
def best(levels: Levels, side: int) -> tuple[float, float]:
    """(key, size) of the best level, NaN where a side is empty."""
    count = levels.held[side, NEAR]
    if not count:
        return np.nan, np.nan
    key = levels.near[side, count - 1]
    return key, levels.size[side, _slot(levels.px[side], key)]
