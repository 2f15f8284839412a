"""Differences of shares: against formulas written out here, and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from quorum.differences import clustered_difference, newcombe_interval


def wilson(x: int, n: int, z: float) -> tuple[float, float]:
    middle, half = (x + z * z / 2) / (n + z * z), z * math.sqrt(x * (n - x) / n + z * z / 4) / (n + z * z)
    return middle - half, middle + half


COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, COUNTS)
def test_newcombe_by_its_formula(a, b):
    """Method 10 of Newcombe 1998: the distances of each share from its Wilson limits, in quadrature."""
    z = stats.norm.ppf(0.975)
    (low_a, high_a), (low_b, high_b) = wilson(*a, z), wilson(*b, z)
    p, q = a[0] / a[1], b[0] / b[1]
    low = p - q - math.hypot(p - low_a, high_b - q)
    high = p - q + math.hypot(high_a - p, q - low_b)
    assert newcombe_interval(*a, *b) == pytest.approx((low, high), abs=1e-9)


def test_newcombe_against_the_papers_own_example():
    """56/70 - 48/80 has the interval .0524 to .3339 (Newcombe 1998, Table II, row (a), method 10)."""
    assert newcombe_interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_group_of_nobody_has_no_difference():
    assert all(math.isnan(end) for end in (*newcombe_interval(0, 0, 1, 2), *newcombe_interval(1, 2, 0, 0)))


def sandwich(y: np.ndarray, group: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """The cluster-robust interval written out: (X'X)^-1 (sum of cluster scores squared) (X'X)^-1, small-sample factor
    G / (G - 1) * (n - 1) / (n - 2), Student's t with G - 1 degrees of freedom."""
    x = np.column_stack([np.ones(len(y)), group.astype(float)])
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    residual = y - x @ beta
    names = np.unique(clusters)
    meat = sum(np.outer(s, s) for name in names for s in [x[clusters == name].T @ residual[clusters == name]])
    n, g = len(y), len(names)
    variance = (inverse @ meat @ inverse)[1, 1] * g / (g - 1) * (n - 1) / (n - 2)
    half = stats.t.ppf(0.975, g - 1) * math.sqrt(variance)
    return beta[1] - half, beta[1] + half


@pytest.mark.parametrize("seed", range(5))
def test_the_clustered_interval_by_its_formula(seed):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 12, 150)
    group = rng.random(150) < 0.4
    y = (rng.random(150) < 0.2 + 0.2 * group + 0.3 * (clusters % 3 == 0)).astype(float)
    assert clustered_difference(y, group, clusters) == pytest.approx(sandwich(y, group, clusters), abs=1e-9)


def test_sentences_that_repeat_their_documents_verdict_count_as_documents():
    """Each of 30 people says the same 20 times: the interval is that of 30 sentences, not of 600."""
    rng = np.random.default_rng(7)
    group, verdict = np.arange(30) % 2 == 0, (rng.random(30) < 0.4).astype(float)
    once = clustered_difference(verdict, group, np.arange(30))
    often = clustered_difference(np.repeat(verdict, 20), np.repeat(group, 20), np.repeat(np.arange(30), 20))
    assert np.diff(often) == pytest.approx(np.diff(once), rel=0.05)
    independent = clustered_difference(np.repeat(verdict, 20), np.repeat(group, 20), np.arange(600))
    assert np.diff(often) > 3 * np.diff(independent)


@pytest.mark.parametrize(
    ("values", "in_a", "clusters"),
    [
        ([0, 1, 0, 1], [True] * 4, [1, 2, 3, 4]),
        ([0, 1, 0, 1], [False] * 4, [1, 2, 3, 4]),
        ([0, 1, 0, 1], [True, False, True, False], [1, 1, 2, 2]),
        ([1, 1, 0, 0], [True, True, False, False], [1, 2, 3, 4]),
        ([0, 0, 0, 0], [True, True, False, False], [1, 2, 3, 4]),
    ],
)
def test_without_spread_groups_or_clusters_there_is_no_interval(values, in_a, clusters):
    assert all(math.isnan(end) for end in clustered_difference(values, in_a, clusters))


def test_a_difference_of_shares_stays_within_its_range():
    assert clustered_difference([1, 0, 0, 1, 0], [True, True, False, False, False], [1, 2, 3, 4, 5]) == (-1.0, 1.0)
