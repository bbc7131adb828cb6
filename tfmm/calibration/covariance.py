"""Covariance between instruments of the profit of one order, measured on train."""

from collections.abc import Sequence

import numpy as np

from tfmm import errors
from tfmm.arrays import Floats, Records
from tfmm.calibration import scales as scales_lib
from tfmm.market import schema, splits, store


def covariance(
    events: Records, scales: Sequence[scales_lib.Scales], weights: Floats, segments: Sequence[splits.Segment]
) -> Floats:
    """Omega: covariance of the profits of one order of each instrument over 10 s, shrunk, mean diagonal 1.

    Correlations are shrunk towards 0 by the share that minimises the expected squared error (Schaefer and Strimmer
    2005, "A shrinkage approach to large-scale covariance matrix estimation", target D).

    Args:
        events: (E,) schema.EVENT. scales: one for each instrument. weights: (N,) money of a tick x lot over that of
            the first instrument. segments: of train.

    Returns:
        (N, N) float64, dimensionless.

    Raises:
        DataError: train has fewer than three moves.
    """
    unit = np.array([scale.order_lot for scale in scales]) * np.asarray(weights)
    by_segment = []
    for segment in segments:
        mids = []
        segment_events = events[segment.start_row : segment.stop_row]
        times = np.arange(segment_events["ts"][0], segment_events["ts"][-1], round(scales_lib.SAMPLING_S * 1e9))
        for n in range(len(scales)):
            rows = np.flatnonzero((segment_events["instrument"] == n) & (segment_events["kind"] == schema.QUOTE))
            last = rows[np.maximum(np.searchsorted(segment_events["ts"][rows], times, side="right") - 1, 0)]
            mids.append(0.5 * (segment_events["lo_tick"][last] + segment_events["hi_tick"][last]))
        by_segment.append(np.diff(np.array(mids), axis=1))
        store.release(events)
    moves = np.concatenate(by_segment, axis=1) * unit[:, np.newaxis]
    count = moves.shape[1]
    if count < 3:
        raise errors.DataError(
            f"train has {count} moves over {scales_lib.SAMPLING_S:g} s, wanted at least 3 for a covariance"
        )
    deviation = np.sqrt(np.mean(moves**2, axis=1))
    standard = moves / np.where(deviation > 0, deviation, 1.0)[:, np.newaxis]
    products = standard[:, np.newaxis] * standard[np.newaxis]
    correlation = products.mean(axis=2)
    variance = products.var(axis=2) / count
    off = ~np.eye(len(scales), dtype=bool)
    squares = max((correlation[off] ** 2).sum(), 1e-300)
    share = float(np.clip(variance[off].sum() / squares, 0.0, 1.0)) if off.any() else 0.0
    correlation[off] *= 1.0 - share
    np.fill_diagonal(correlation, 1.0)
    out = correlation * np.outer(deviation, deviation)
    return out / np.mean(np.diag(out))
