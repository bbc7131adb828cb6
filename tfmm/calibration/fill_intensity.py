"""Fill intensity by distance, lambda(d) = A exp(-k d), estimated from quotes that were or were not filled.

A quote at distance d stands for t seconds; fills that arrive at rate lambda fill it with p = 1 - exp(-lambda t), so
    ln(-ln(1 - p)) = ln A - k d + ln t,
a generalised linear model: binomial, complementary log-log link, offset ln t (McCullagh and Nelder 1989, section
2.2.3). Fills within one stretch of time share the price path, so standard errors are clustered by stretch (Liang and
Zeger 1986).
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from tfmm.arrays import Floats

_Z = 1.959964  # 97.5 % of the standard normal


class FillIntensity(NamedTuple):
    """lambda(d) = A exp(-k d), fitted.

    Attributes:
        A: fills per second at distance 0. k: per unit of distance. A_interval, k_interval: 95 %.
        n_quotes: of the fit. n_fills: how many of them were filled.
        chi2, df, p_value: Pearson's goodness of fit over groups of equal distance; with a small p_value fills do not
            follow the exponential. Shared price paths make chi2 larger than independent fills would.
    """

    A: float
    k: float
    A_interval: tuple[float, float]
    k_interval: tuple[float, float]
    n_quotes: int
    n_fills: int
    chi2: float
    df: int
    p_value: float

    @property
    def dispersion(self) -> float:
        """chi2 / df."""
        return self.chi2 / self.df

    def __call__(self, distance: npt.ArrayLike) -> Floats:
        """Fills per second at a distance."""
        return self.A * np.exp(-self.k * np.asarray(distance))


def fit(
    distance: npt.ArrayLike, filled: npt.ArrayLike, seconds: npt.ArrayLike, stretch: npt.ArrayLike, groups: int = 10
) -> FillIntensity | None:
    """Fits A and k.

    Args:
        distance: (n,) float64, of quotes from the mid, any unit. filled: (n,) bool. seconds: (n,) or one number: how
            long each quote stood. stretch: (n,) int; quotes with the same number may depend on each other. groups: of
            distances, for the goodness of fit.

    Returns:
        None where A and k cannot be estimated: fewer than ten fills, or than ten unfilled quotes, or no decay with
        distance.
    """
    filled = np.asarray(filled, bool)
    distance, seconds = np.asarray(distance, float), np.broadcast_to(np.asarray(seconds, float), len(distance))
    if filled.sum() < 10 or (~filled).sum() < 10 or np.ptp(distance) == 0:
        return None
    # these imports take a second, which only fits wait for
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
    if len(np.unique(stretch)) < 2:  # one cluster: its errors cannot be estimated
        grouped = {"cov_type": "HC0"}
    start = [math.log(max(filled.sum(), 1) / seconds.sum()) + 1.0, 1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            out = model.fit(start_params=start, **grouped)
        except (Warning, sm_exceptions.PerfectSeparationError, np.linalg.LinAlgError):
            return None
    (log_A, k), (log_A_error, k_error) = out.params, out.bse
    if not (np.isfinite(out.bse).all() and k > 0):
        return None
    chi2, df = _pearson(distance, filled, np.asarray(out.mu), groups)
    return FillIntensity(
        A=math.exp(log_A),
        k=k / unit,
        A_interval=(math.exp(log_A - _Z * log_A_error), math.exp(log_A + _Z * log_A_error)),
        k_interval=((k - _Z * k_error) / unit, (k + _Z * k_error) / unit),
        n_quotes=len(filled),
        n_fills=int(filled.sum()),
        chi2=chi2,
        df=df,
        p_value=float(stats.chi2.sf(chi2, df)),
    )


def _pearson(distance, filled, expected, groups):
    """(chi2, degrees of freedom) over groups of about equally many quotes, in order of distance; two parameters were
    fitted."""
    edges = np.unique(np.quantile(distance, np.linspace(0.0, 1.0, groups + 1)))
    index = np.clip(np.searchsorted(edges, distance, side="right") - 1, 0, len(edges) - 2)
    got, wanted = np.bincount(index, filled), np.bincount(index, expected)
    noise = np.bincount(index, expected * (1.0 - expected))
    chi2 = float(((got - wanted) ** 2 / np.maximum(noise, 1e-12)).sum())
    return chi2, max(1, len(got) - 2)
