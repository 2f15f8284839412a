"""The difference between two shares, with the two kinds of interval that `statistics` explains."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from quorum.statistics import CONFIDENCE


def newcombe_interval(
    count_a: int, n_a: int, count_b: int, n_b: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Newcombe's hybrid score interval of count_a / n_a - count_b / n_b (Newcombe 1998, method 10, by statsmodels).

    It takes all n_a + n_b observations as independent. (NaN, NaN) where a group is empty.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    if not n_a or not n_b:
        return math.nan, math.nan
    low, high = confint_proportions_2indep(
        count_a, n_a, count_b, n_b, method="newcomb", compare="diff", alpha=1 - confidence
    )
    return float(low), float(high)


def clustered_difference(
    values: ArrayLike, in_a: ArrayLike, clusters: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Interval of the share in a minus the share not in a that lets observations of one cluster depend on each other.

    Least squares on the group, with the cluster-robust sandwich covariance of statsmodels and Student's t with one
    degree of freedom fewer than there are clusters. values (0 or 1), in_a (bool), clusters: shape (n,). (NaN, NaN)
    where a group is empty, there are fewer than three clusters, or no value differs from its group's mean: then
    there is nothing to estimate a spread from.
    """
    import statsmodels.api as sm

    y, group, labels = np.asarray(values, dtype=float), np.asarray(in_a, dtype=bool), np.asarray(clusters)
    codes = np.unique(labels, return_inverse=True)[1]
    if group.all() or not group.any() or codes.max() < 2 or not (y[group].std() + y[~group].std()):
        return math.nan, math.nan
    fitted = sm.OLS(y, sm.add_constant(group.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": codes}, use_t=True
    )
    low, high = fitted.conf_int(alpha=1 - confidence)[1]
    return max(-1.0, float(low)), min(1.0, float(high))
