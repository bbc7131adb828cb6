"""Positions with which windows begin."""

from typing import Any

import numpy as np

from tfmm import jit
from tfmm.arrays import Array, Floats32, Records
from tfmm.simulation import arguments, kernel, state
from tfmm.simulation.rewards import inventory_risk, kinds

_GOLDEN, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def draw(rows: Records, parameters: Records) -> Records:
    """Whole orders within the inventory limits, each number as likely, of the quoted instruments; no cash.

    A hash of the rows' generators, so that a row draws the same in any batch and its clients stay what they were.

    Args:
        rows: (B,) state.ROW at the begin of their windows. parameters: (N,) state.PARAMETERS.

    Returns:
        (B, N) state.POSITION.
    """
    out = np.zeros((len(rows), len(parameters)), state.POSITION)
    for n in np.flatnonzero(parameters["quoted"]):
        order_lot = int(parameters["order_lot"][n])
        limit = int(parameters["limit_lot"][n]) // order_lot
        mixed = (rows["random"] + _GOLDEN * np.uint64(n + 1)) * _MIX
        mixed = (mixed ^ (mixed >> np.uint64(31))) * _GOLDEN
        orders = (mixed >> np.uint64(33)).astype(np.int64) % (2 * limit + 1) - limit
        out["inventory_lot"][:, n] = orders * order_lot
    return out


@jit.kernel
def begin(
    chosen: Array,
    rows: Records,
    instruments: Records,
    in_flight: Records,
    parameters: Records,
    risk: Any,
    observation: Floats32,
) -> None:
    """Risk and observation of windows that have just been given positions.

    Args:
        chosen: (B,) bool. rows, instruments, in_flight, observation: of a simulator. risk: kinds.Risk as a plain tuple.
    """
    for b in range(rows.shape[0]):
        if chosen[b]:
            account = arguments.Account(instruments[b], in_flight[b], parameters)
            inventory_risk.accrue(rows[b], account, kinds.Risk(*risk), rows[b].ts)
            kernel.write_observation(rows[b], account, observation[b])
