"""Numbers that were stored with 24 bits: 184.36000061 is 184.36."""

import numpy as np

from tfmm import arrays, jit

_CLOSE = 3e-9  # relative; the ninth digit of a text, a twentieth of what lies between two numbers of 24 bits
_SAMPLE, _ENOUGH = 64, 30  # different values of a sample of texts that tell
_DYADIC = 8  # in units of the last of 24 bits
_FRACTION = 256  # the finest fraction of one that prices are quoted in


def restored(values: arrays.Floats, was_single: bool = False) -> arrays.Floats:
    """The shortest decimal numbers that 24 bits round to these values, where these are such numbers; else the values.

    Multiples of an eighth of a cent, a 128th and the like are exact in 24 bits and stay what they are.

    Args:
        values: (K,) float64. was_single: they came as float32.
    """
    if not was_single and not _looks_single(values[: 4 * _SAMPLE]):
        return values
    known = values[np.isfinite(values) & (np.abs(values) < 1e30)]
    singles = known.astype(np.float32).astype(np.float64)
    if not (np.abs(singles - known) <= _CLOSE * np.abs(known)).all():
        return values
    mantissa, _ = np.frexp(singles)
    if not (np.rint(mantissa * 2.0**24) % _DYADIC).any() and not (singles * _FRACTION % 1.0).any():
        return values
    return _shortest(values)


def _looks_single(values):
    known = values[np.isfinite(values) & (np.abs(values) < 1e30)][:_SAMPLE]
    singles = known.astype(np.float32).astype(np.float64)
    if not len(known) or not (np.abs(singles - known) <= _CLOSE * np.abs(known)).all():
        return False
    return bool((singles == known).all()) or len(np.unique(known)) >= _ENOUGH


@jit.kernel
def _shortest(values):
    out = values.copy()
    for k in range(len(values)):
        single, power = np.float32(values[k]), 1.0
        for _ in range(16):
            decimal = np.rint(values[k] * power) / power
            if np.float32(decimal) == single:
                out[k] = decimal
                break
            power *= 10.0
    return out
