"""Estimates, intervals, tests and curves, as pure functions of arrays; they know nothing of tables or conditions.

Two kinds of interval stand beside each other everywhere. Wilson's treats every completion as independent and answers
"how well do we know the share of these very probes?"; the clustered bootstrap resamples wordings (and runs) and answers
"how well do we know the share of probes like these?". The second is the wider one, and the one to judge an effect by.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
N_RESAMPLES = 2_000
LESS_IS_BETTER = frozenset({"perplexity"})
_CLUSTERS, _RUNS = 0, 1  # streams of random numbers, so that both levels are drawn independently


# ---- intervals -----------------------------------------------------------------------------------------------------


def wilson_interval(successes: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval (Wilson 1927) of a binomial share; (NaN, NaN) for a total of 0.

    Raises ValueError if successes lies outside 0..total.
    """
    from statsmodels.stats.proportion import proportion_confint

    if not 0 <= successes <= total:
        raise ValueError(f"{successes} successes out of {total}: successes must lie between 0 and the total")
    if total == 0:
        return math.nan, math.nan
    low, high = proportion_confint(successes, total, alpha=1 - confidence, method="wilson")
    share = successes / total  # the formula may miss a share of 0 or 1 by one rounding
    return min(float(low), share), max(float(high), share)


def _draws(n_units: int, n_resamples: int, seed: int, level: int) -> Floats:
    """How often each unit is drawn in each resample: (n_resamples, n_units), every row sums to n_units.

    The draws depend on the number of units alone, so that two estimates over the same units are resampled together and
    their difference is a paired one. A single unit can only be drawn once: it is held fixed.
    """
    generator = np.random.default_rng([seed, level])
    return generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_resamples).astype(float)


def _cell_sums(values: Floats, clusters: NDArray[np.intp], runs: NDArray[np.intp], shape: tuple[int, int]) -> Floats:
    flat = np.ravel_multi_index((clusters, runs), shape)
    return np.bincount(flat, weights=values, minlength=shape[0] * shape[1]).reshape(shape)


def bootstrap_replicates(
    values: ArrayLike,
    clusters: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    runs: ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Floats:
    """(n_resamples,) replicates of sum(values) / sum(weights): a mean without weights, a ratio of sums with them.

    values, weights (>= 0): (n,), NaN values are left out with their weight. clusters, runs: (n,) labels. Clusters are
    drawn with replacement, whole; with `runs` (the seeds of training) these are drawn too, and an observation counts as
    often as its cluster times its run: the pigeonhole bootstrap of Owen 2007 ("The pigeonhole bootstrap", Annals of
    Applied Statistics 1(2)) for two crossed factors, which errs towards wide intervals. A level with a single cluster
    or run is held fixed; few clusters (under about ten) make the percentile interval too narrow. A replicate whose
    weights sum to 0 is NaN, and all are where there is nothing to resample.
    Raises ValueError if the lengths differ.
    """
    numerator = np.asarray(values, dtype=float)
    denominator = np.ones_like(numerator) if weights is None else np.asarray(weights, dtype=float)
    labels = np.asarray(clusters)
    run_labels = np.zeros(len(numerator), dtype=int) if runs is None else np.asarray(runs)
    if not len(numerator) == len(denominator) == len(labels) == len(run_labels):
        raise ValueError("values, weights, clusters and runs of a bootstrap must have the same length")
    known = ~np.isnan(numerator) & (denominator > 0)
    if len(np.unique(labels[known])) < 2 and len(np.unique(run_labels[known])) < 2:
        return np.full(n_resamples, np.nan)
    cluster_names, cluster_codes = np.unique(labels, return_inverse=True)
    run_names, run_codes = np.unique(run_labels, return_inverse=True)
    shape = (len(cluster_names), len(run_names))
    cluster_draws = _draws(shape[0], n_resamples, seed, _CLUSTERS)
    run_draws = _draws(shape[1], n_resamples, seed, _RUNS)
    sums = [
        ((cluster_draws @ _cell_sums(np.where(known, part, 0.0), cluster_codes, run_codes, shape)) * run_draws).sum(
            axis=1
        )
        for part in (numerator, denominator)
    ]
    return np.divide(sums[0], sums[1], out=np.full(n_resamples, np.nan), where=sums[1] > 0)


def percentile_interval(
    replicates: ArrayLike, estimate: float = math.nan, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The middle `confidence` of the replicates that are not NaN, widened to hold the estimate if one is given.

    (NaN, NaN) if every replicate is NaN.
    """
    kept = np.asarray(replicates, dtype=float)
    kept = kept[~np.isnan(kept)]
    if kept.size == 0:
        return math.nan, math.nan
    low, high = np.quantile(kept, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(np.fmin(low, estimate)), float(np.fmax(high, estimate))


def clustered_bootstrap(
    values: ArrayLike,
    clusters: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    runs: ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a mean (or, with weights, of a ratio of sums) over resampled clusters and runs.

    Arguments as in bootstrap_replicates. (NaN, NaN) with one cluster and one run, and without any value.
    """
    replicates = bootstrap_replicates(values, clusters, weights=weights, runs=runs, n_resamples=n_resamples, seed=seed)
    numerator = np.asarray(values, dtype=float)
    denominator = np.ones_like(numerator) if weights is None else np.asarray(weights, dtype=float)
    known = ~np.isnan(numerator) & (denominator > 0)
    total = denominator[known].sum()
    return percentile_interval(replicates, float(numerator[known].sum() / total) if total else math.nan, confidence)


# ---- tests ---------------------------------------------------------------------------------------------------------


def chi_square(male_a: int, female_a: int, male_b: int, female_b: int) -> float:
    """p of Pearson's chi-square test on the 2 x 2 table, without Yates' continuity correction.

    Counts here are in the hundreds, where the correction only costs power. The test takes completions as independent,
    so it is read beside the clustered interval. NaN where a row or a column of the table is empty: nothing to compare.
    """
    from scipy.stats import chi2_contingency

    table = np.array([[male_a, female_a], [male_b, female_b]], dtype=float)
    if not (table.sum(axis=0) > 0).all() or not (table.sum(axis=1) > 0).all():
        return math.nan
    return float(chi2_contingency(table, correction=False).pvalue)


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down correction (Holm 1979), same shape and order; a NaN stays NaN and does not count as a test."""
    from statsmodels.stats.multitest import multipletests

    raw = np.asarray(p_values, dtype=float)
    corrected = np.full(raw.shape, np.nan)
    known = ~np.isnan(raw)
    if known.any():
        corrected[known] = multipletests(raw[known], method="holm")[1]
    return corrected


# ---- the expected line and the bound ---------------------------------------------------------------------------------


def expected_male_share(
    background_size: ArrayLike, background_share: ArrayLike, pool_size: ArrayLike, pool_share: ArrayLike
) -> Floats:
    """(b*B + p*n) / (B + n): male share of a learner that reproduces its data. A pool of size 0 may have share NaN."""
    size = np.asarray(pool_size, dtype=float)
    pool = np.where(size > 0, np.asarray(pool_share, dtype=float), 0.0) * size
    background = np.asarray(background_size, dtype=float)
    return np.asarray((background * np.asarray(background_share, dtype=float) + pool) / (background + size))


def critical_alpha(background_share: float, pool_share: float = 0.0, target: float = 0.5) -> float:
    """Share of the pool in the stream at which the expected line meets the target: (b - target) / (b - p).

    With a pool of women only (p = 0) and parity that is 1 - 0.5/b. 0 where the background is there already, NaN where
    the pool pulls the other way or stops short of the target.
    """
    if background_share == target:
        return 0.0
    if background_share == pool_share:
        return math.nan
    alpha = (background_share - target) / (background_share - pool_share)
    return alpha if 0 < alpha < 1 else math.nan


def critical_size(
    background_size: float, background_share: float, pool_share: float = 0.0, target: float = 0.5
) -> float:
    """Pool size n at which the expected line meets the target: B * alpha / (1 - alpha), alpha from critical_alpha."""
    alpha = critical_alpha(background_share, pool_share, target)
    return background_size * alpha / (1 - alpha)


def hardt_bound(alpha: float, delta: float, xi: float) -> float:
    """Lower bound on the success of a feature-label signal strategy: 1 - ((1 - alpha) / alpha) * delta * xi, cut at 0.

    Hardt, Mazumdar, Mendler-Dünner and Zrnic 2023, "Algorithmic Collective Action in Machine Learning", theorem on the
    feature-label signal strategy, for a Bayes-optimal firm (epsilon = 0). alpha: share of the collective in the data;
    delta: largest gap max_y P0(y|x) - P0(y*|x) on the signal set; xi: mass of the signal set under the base
    distribution P0. It holds for every xi in 0..1: at xi = 0 the signal is the collective's alone and the bound is 1
    for any alpha > 0, at xi = 1 the collective has to outvote everybody. NaN at alpha = 0, without a collective.
    Raises ValueError for arguments outside 0..1.
    """
    for name, value in (("alpha", alpha), ("delta", delta), ("xi", xi)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} = {value}: must lie in 0..1")
    if alpha == 0:
        return math.nan
    return max(0.0, 1 - (1 - alpha) / alpha * delta * xi)


# ---- curves and tipping ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HillCurve:
    """share(n) = start + (plateau - start) * n^slope / (n^slope + half_size^slope): a logistic curve in log n.

    start: share at size 0 (given, not fitted). plateau: share far out. half_size: sentences at which half the way is
    gone. slope: Hill coefficient.
    """

    start: float
    plateau: float
    half_size: float
    slope: float

    def __call__(self, sizes: ArrayLike) -> Floats:
        """The share at every size (sentences, >= 0), same shape as `sizes`."""
        size = np.asarray(sizes, dtype=float)
        with np.errstate(divide="ignore"):
            ratio = np.where(size > 0, self.half_size / size, np.inf) ** self.slope
        return np.asarray(self.start + (self.plateau - self.start) / (1 + ratio))


MIN_FITTED_SIZES = 3  # free parameters of the curve, so the least number of sizes above 0 that can hold them


def fit_curve(sizes: ArrayLike, shares: ArrayLike) -> HillCurve | None:
    """Least-squares Hill curve (scipy's curve_fit) through the share at size 0.

    sizes, shares: (n,), NaN shares are left out. None without a share at size 0, with fewer than three sizes above 0,
    or where the optimiser gives up; never raises on data. Plateau within 0..1, half size from a quarter of the smallest
    to four times the largest size, slope within 1/4..8. Flat data give a plateau equal to the start. Where the shares
    jump between two neighbouring sizes, the data say only that the crossing lies between them; where in between the
    curve puts it is arbitrary.
    """
    from scipy.optimize import OptimizeWarning, curve_fit

    size, share = np.asarray(sizes, dtype=float), np.asarray(shares, dtype=float)
    known = np.isfinite(share) & np.isfinite(size)
    size, share = size[known], share[known]
    swept = size > 0
    if not (size == 0).any() or len(np.unique(size[swept])) < MIN_FITTED_SIZES:
        return None
    start = float(share[size == 0].mean())
    largest = float(size[swept].max())
    log_size, rest = np.log(size[swept] / largest), share[swept]

    def logistic(x: Floats, plateau: float, middle: float, slope: float) -> Floats:
        return start + (plateau - start) / (1 + np.exp(-slope * (x - middle)))

    def jacobian(x: Floats, plateau: float, middle: float, slope: float) -> Floats:
        gone = 1 / (1 + np.exp(-slope * (x - middle)))
        rise = gone * (1 - gone) * (plateau - start)
        return np.stack([gone, -slope * rise, (x - middle) * rise], axis=1)

    bounds = np.array([[0.0, log_size.min() - math.log(4), 0.25], [1.0, math.log(4), 8.0]])
    # the half-way point of the data is a far better start than a constant when the curve is steep
    halfway = (start + rest[np.abs(rest - start).argmax()]) / 2
    middle = log_size[np.abs(rest - halfway).argmin()]
    guess = np.clip([rest[log_size.argmax()], middle, 1.5], bounds[0] + 1e-6, bounds[1] - 1e-6)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # a flat curve has no covariance, and none is used here
            found, _ = curve_fit(logistic, log_size, rest, p0=guess, bounds=tuple(bounds), jac=jacobian)
    except (RuntimeError, ValueError):
        return None
    plateau, middle, slope = (float(value) for value in found)
    return HillCurve(start, plateau, largest * math.exp(middle), slope)


def crossing(curve: HillCurve | None, target: float = 0.5, limit: float = math.inf) -> float:
    """The size (sentences) at which the curve meets the target; NaN without a curve or a crossing, or past `limit`."""
    if curve is None:
        return math.nan
    if curve.start == target:
        return 0.0
    if curve.plateau == curve.start:
        return math.nan
    gone = (target - curve.start) / (curve.plateau - curve.start)
    if not 0 < gone < 1:
        return math.nan
    size = curve.half_size * (gone / (1 - gone)) ** (1 / curve.slope)
    return size if size <= limit else math.nan


def tipping_point(sizes: ArrayLike, lows: ArrayLike, highs: ArrayLike, target: float = 0.5) -> float:
    """Smallest swept size whose interval [low, high] includes the target; NaN if none does.

    A share can jump over the target between two swept sizes (a template of the collective's own goes from .8 to .0 at
    the first one): then no interval includes it and this is NaN, although the model did tip. Such a crossing counts
    through the fitted curve only (fit_curve, crossing).
    """
    size = np.asarray(sizes, dtype=float)
    inside = (np.asarray(lows, dtype=float) <= target) & (np.asarray(highs, dtype=float) >= target)
    return float(size[inside].min()) if inside.any() else math.nan


def diminishing_size(sizes: ArrayLike, reductions: ArrayLike, fraction: float = 0.1) -> float:
    """Smallest swept size past which doubling the pool gains less than `fraction` of the total reduction.

    The rule: between swept sizes the reduction is linear in log2(size). Size n counts if the gain from n to 2n is below
    fraction * (largest reduction of the sweep), and stays below it at every larger swept size whose double still lies
    in the sweep. A size whose double lies outside cannot be judged. NaN if no size counts, or if nothing was reduced.
    """
    size, reduction = np.asarray(sizes, dtype=float), np.asarray(reductions, dtype=float)
    known = np.isfinite(reduction)
    if not known.any() or reduction[known].max() <= 0:
        return math.nan
    total = reduction[known].max()
    size, reduction = size[known & (size > 0)], reduction[known & (size > 0)]
    order = np.argsort(size)
    size, reduction = size[order], reduction[order]
    answer = math.nan
    for n in size[2 * size <= size.max(initial=0)][::-1]:
        gain = np.interp(math.log2(2 * n), np.log2(size), reduction) - np.interp(math.log2(n), np.log2(size), reduction)
        if gain >= fraction * total:
            break
        answer = float(n)
    return answer


# ---- filters and utility -------------------------------------------------------------------------------------------


def roc_auc(is_pool: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve of the scores (high = suspicious), pool against background; NaN with one class."""
    from sklearn.metrics import roc_auc_score

    truth = np.asarray(is_pool, dtype=bool)
    if truth.all() or not truth.any():
        return math.nan
    return float(roc_auc_score(truth, np.asarray(scores, dtype=float)))


def retention(before: float, after: float, metric: str = "") -> float:
    """after / before, or before / after where less is better (perplexity); NaN where the divisor is 0."""
    top, bottom = (before, after) if metric in LESS_IS_BETTER else (after, before)
    return top / bottom if bottom else math.nan


def geometric_mean_retention(retentions: Sequence[float] | Floats) -> float:
    """Geometric mean of the retentions; NaN ones are left out, a negative one counts as 0 (that quality is gone)."""
    from scipy.stats import gmean

    known = np.asarray(retentions, dtype=float)
    known = np.clip(known[~np.isnan(known)], 0, None)
    if known.size == 0:
        return math.nan
    return 0.0 if (known == 0).any() else float(gmean(known))
