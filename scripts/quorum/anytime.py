"""Intervals for who looks at the data as they come, as often as they like: they hold at all times at once.

Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of
Statistics 49(2): the empirical-Bernstein confidence sequence (Theorem 4) with the gamma-exponential mixture boundary
(Proposition 9). It asks for bounded values and nothing else: not that they are independent, nor that their mean stays.
What it holds is the running mean of the conditional means, each given all that came before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TIGHTEST = 25.0
"""Sum of squared deviations (in units of the range) at which the boundary is tightest; it is valid at any."""


def confidence_sequence(
    values: ArrayLike, low: float, high: float, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """(means, lower ends, upper ends) after the first value, the second, and so on: three arrays of shape (n,).

    values: (n,), each within low..high, in their order of arrival. With probability `confidence` or more, every one of
    the intervals holds the running mean of the values' conditional means, all at once; so one may look at any time, and
    stop when one likes what one sees. Raises ValueError for a value outside low..high.
    """
    found = np.asarray(values, dtype=float)
    if not low < high or not ((found >= low) & (found <= high)).all():
        raise ValueError(f"values must lie within {low}..{high}")
    unit = (found - low) / (high - low)
    count = np.arange(1, len(unit) + 1)
    means = np.cumsum(unit) / count
    # Each value is predicted from those before it, as by one more value in the middle.
    predicted = (np.cumsum(unit) - unit + 0.5) / count
    half = boundary(np.cumsum((unit - predicted) ** 2), (1 - confidence) / 2) / count
    ends = (means, np.maximum(means - half, 0), np.minimum(means + half, 1))
    return tuple(low + (high - low) * end for end in ends)


def boundary(variance: ArrayLike, crossing: float) -> Floats:
    """u(v), which a sub-exponential sum (scale 1) with variance process v ever crosses with at most that probability.

    variance: (n,), >= 0. The largest s at which log_mixture(s, v) is not yet log(1 / crossing), to 12 digits.
    """
    found = np.asarray(variance, dtype=float)
    limit = math.log(1 / crossing)
    above = np.ones_like(found)
    while (short := log_mixture(above, found, crossing) < limit).any():
        above = np.where(short, 2 * above, above)
    below = np.zeros_like(found)
    for _ in range(45):
        middle = (below + above) / 2
        inside = log_mixture(middle, found, crossing) < limit
        below, above = np.where(inside, middle, below), np.where(inside, above, middle)
    return above


def log_mixture(total: ArrayLike, variance: ArrayLike, crossing: float) -> Floats:
    """Log of the mixture of exp(l s - psi(l) v), psi(l) = -log(1 - l) - l, over 0 <= l < 1; s >= 0.

    1 - l has a gamma distribution of shape and rate r, cut to 0..1. As a mixture of supermartingales the process is
    one; it comes to 1 / crossing with at most that probability (Ville). r follows from TIGHTEST and `crossing`.
    """
    from scipy.special import gammainc, gammaln

    s, v = np.asarray(total, dtype=float), np.asarray(variance, dtype=float)
    twice = 2 * math.log(1 / crossing)
    r = TIGHTEST / (twice + math.log1p(twice))

    def log_integral(shape: ArrayLike, rate: ArrayLike) -> Floats:
        """Of u^(shape - 1) exp(-rate u) over 0..1."""
        return gammaln(shape) + np.log(gammainc(shape, rate)) - shape * np.log(rate)

    return s + v + log_integral(v + r, s + v + r) - log_integral(r, r)
