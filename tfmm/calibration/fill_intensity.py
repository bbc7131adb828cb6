"""Fill intensity by distance, lambda(d) = A exp(-k d), estimated from quotes that were or were not filled.

A quote at distance d is out for t seconds; fills at rate lambda fill it with probability 1 - exp(-lambda t), so
    ln(-ln(1 - p)) = ln A - k d + ln t,
a generalised linear model: binomial, complementary log-log link, offset ln t (McCullagh and Nelder 1989, section
2.2.3). Fills of one stretch of time share the price path, so standard errors are clustered by stretch (Liang and Zeger
1986).
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
from scipy import stats

_Z = 1.959964  # 97.5 % of the standard normal


class Intensity(NamedTuple):
    """rate: A, 1/s. decay: k, per unit of distance. rate_interval, decay_interval: 95 %. n: quotes. fills: of them.

    chi2, df, p_value: Pearson's goodness of fit of the law over groups of equal distance; a small p_value: the law does
    not hold. dispersion: chi2 / df. Shared price paths make chi2 larger than independent fills would.
    """

    rate: float
    decay: float
    rate_interval: tuple
    decay_interval: tuple
    n: int
    fills: int
    chi2: float
    df: int
    p_value: float

    @property
    def dispersion(self):
        return self.chi2 / self.df

    def __call__(self, distance):
        """Fills per second at a distance."""
        return self.rate * np.exp(-self.decay * np.asarray(distance))


def fit(distance, filled, seconds, stretch, groups=10):
    """Fits A and k.

    Args:
        distance: (n,) float64, of quotes from the mid, any unit. filled: (n,) bool. seconds: (n,) or one: how long each
            was out. stretch: (n,) int, quotes of one number may depend on each other. groups: for the goodness of fit.

    Returns:
        Intensity; None where fills do not tell: fewer than ten, or none left unfilled, or no decay with distance.
    """
    filled = np.asarray(filled, bool)
    distance, seconds = np.asarray(distance, float), np.broadcast_to(np.asarray(seconds, float), len(distance))
    if filled.sum() < 10 or (~filled).sum() < 10 or np.ptp(distance) == 0:
        return None
    # a second that only fits need wait for
    import statsmodels.api as sm
    from statsmodels.tools import sm_exceptions

    unit = float(distance.mean())
    model = sm.GLM(
        filled.astype(float),
        np.column_stack([np.ones(len(distance)), -distance / unit]),
        sm.families.Binomial(sm.families.links.CLogLog()),
        offset=np.log(seconds),
    )
    grouped = {"cov_type": "cluster", "cov_kwds": {"groups": np.asarray(stretch)}}
    if len(np.unique(stretch)) < 2:  # nothing to see a dependence by
        grouped = {"cov_type": "HC0"}
    start = [math.log(max(filled.sum(), 1) / seconds.sum()) + 1.0, 1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            out = model.fit(start_params=start, **grouped)
        except (Warning, sm_exceptions.PerfectSeparationError, np.linalg.LinAlgError):
            return None
    (log_rate, decay), (rate_error, decay_error) = out.params, out.bse
    if not (np.isfinite(out.bse).all() and decay > 0):
        return None
    chi2, df = _pearson(distance, filled, np.asarray(out.mu), groups)
    return Intensity(
        rate=math.exp(log_rate),
        decay=decay / unit,
        rate_interval=tuple(math.exp(log_rate + z * rate_error) for z in (-_Z, _Z)),
        decay_interval=tuple((decay + z * decay_error) / unit for z in (-_Z, _Z)),
        n=len(filled),
        fills=int(filled.sum()),
        chi2=chi2,
        df=df,
        p_value=float(stats.chi2.sf(chi2, df)),
    )


def _pearson(distance, filled, expected, groups):
    """(chi2, degrees of freedom) over groups of about as many quotes each, in order of distance; two were fitted."""
    edges = np.unique(np.quantile(distance, np.linspace(0.0, 1.0, groups + 1)))
    place = np.clip(np.searchsorted(edges, distance, side="right") - 1, 0, len(edges) - 2)
    got, wanted = np.bincount(place, filled), np.bincount(place, expected)
    noise = np.bincount(place, expected * (1.0 - expected))
    chi2 = float(((got - wanted) ** 2 / np.maximum(noise, 1e-12)).sum())
    return chi2, max(1, len(got) - 2)
