"""Covariance of the profits of one order of each instrument, measured on train."""

import numpy as np

from tfmm import errors
from tfmm.calibration import scales as scales_lib
from tfmm.market import schema, store


def covariance(events, scales, weights, segments):
    """Omega: covariance of the profits of one order of each instrument over 10 s, shrunk, mean diagonal 1.

    Correlations are shrunk towards none by the share that minimises the expected squared error (Schaefer and
    Strimmer 2005, "A shrinkage approach to large-scale covariance matrix estimation", target D).

    Returns:
        (N, N) float64.

    Raises:
        DataError: train is too short for three moves.
    """
    unit = np.array([one.order_lot for one in scales]) * np.asarray(weights)
    moves = []
    for segment in segments:
        mids = []
        own = events[segment.start_row : segment.stop_row]
        times = np.arange(own["ts"][0], own["ts"][-1], round(scales_lib.SAMPLING_S * 1e9))
        for n in range(len(scales)):
            rows = np.flatnonzero((own["instrument"] == n) & (own["kind"] == schema.QUOTE))
            last = rows[np.maximum(np.searchsorted(own["ts"][rows], times, side="right") - 1, 0)]
            mids.append(0.5 * (own["lo_tick"][last] + own["hi_tick"][last]))
        moves.append(np.diff(np.array(mids), axis=1))
        store.release(events)
    moves = np.concatenate(moves, axis=1) * unit[:, np.newaxis]
    count = moves.shape[1]
    if count < 3:
        raise errors.DataError(
            f"train has {count} moves over {scales_lib.SAMPLING_S:g} s, wanted at least 3 for a covariance"
        )
    spread = np.sqrt(np.mean(moves**2, axis=1))
    standard = moves / np.where(spread > 0, spread, 1.0)[:, np.newaxis]
    products = standard[:, np.newaxis] * standard[np.newaxis]
    correlation = products.mean(axis=2)
    noise = products.var(axis=2) / count
    off = ~np.eye(len(scales), dtype=bool)
    share = float(np.clip(noise[off].sum() / max((correlation[off] ** 2).sum(), 1e-300), 0.0, 1.0)) if off.any() else 0
    correlation[off] *= 1.0 - share
    np.fill_diagonal(correlation, 1.0)
    out = correlation * np.outer(spread, spread)
    return out / np.mean(np.diag(out))
