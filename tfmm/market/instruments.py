"""Tick and lot size, inferred from the prices and sizes that occur."""

from fractions import Fraction

import numpy as np

from tfmm import errors

_DECIMALS = 9


def infer_step(values, where):
    """Largest step of which all values are multiples: their greatest common divisor at 9 decimals.

    Args:
        values: (K,) float64, positive.
        where: named in the error.

    Returns:
        float.

    Raises:
        DataError: the values share no step of at least 1e-9, or there are none.
    """
    if not len(values):
        raise errors.DataError(f"{where}: nothing to infer a step from, wanted at least one value")
    distinct = np.unique(values)
    scaled = distinct * 10.0**_DECIMALS
    if scaled[-1] > 2**62:
        raise errors.DataError(f"{where}: {distinct[-1]:g} is too large to infer a step from; give it as an option")
    whole = np.rint(scaled).astype(np.int64)
    # float64 holds about 16 digits: digits beyond those a value carries are noise
    noise = np.maximum(1, 10 ** np.maximum(0, np.ceil(np.log10(np.maximum(scaled, 1))) - 15)).astype(np.int64)
    whole = (whole + noise // 2) // noise * noise
    step = int(np.gcd.reduce(whole))
    if step == 0:
        raise errors.DataError(f"{where}: values share no step of at least 1e-9; give it as an option")
    return float(Fraction(step, 10**_DECIMALS))
