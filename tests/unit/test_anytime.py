"""Confidence sequences: the boundary against numerical integration, the promise by simulation at all times at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from quorum.anytime import TIGHTEST, boundary, confidence_sequence, log_mixture


def mixture_by_integration(s: float, v: float, crossing: float) -> float:
    """The mixture as it is defined, integrated over 1 - l."""
    twice = 2 * math.log(1 / crossing)
    r = TIGHTEST / (twice + math.log(1 + twice))

    def density(u: float) -> float:
        return u ** (r - 1) * math.exp(-r * u)

    def value(u: float) -> float:
        slope = 1 - u
        return density(u) * math.exp(slope * s - v * (-math.log(1 - slope) - slope))

    return quad(value, 0, 1)[0] / quad(density, 0, 1)[0]


@pytest.mark.parametrize(("s", "v"), [(0, 0), (0, 3), (2, 0), (5, 10), (30, 100), (1, 40)])
def test_the_mixture_is_the_integral_that_defines_it(s, v):
    assert log_mixture(s, v, 0.025) == pytest.approx(math.log(mixture_by_integration(s, v, 0.025)), abs=1e-7)


def test_the_boundary_is_where_the_mixture_comes_to_its_limit():
    variance = np.array([0.0, 0.3, 5, 80, 3000])
    limit = boundary(variance, 0.01)
    assert log_mixture(limit, variance, 0.01) == pytest.approx(np.full(5, math.log(100)), abs=1e-6)
    assert (np.diff(limit) > 0).all()


def test_the_first_intervals_by_hand():
    """Of 1, 0: predictions 1/2 and 3/4, deviations 1/4 and 9/16."""
    means, lows, highs = confidence_sequence([1, 0], 0, 1)
    half = boundary([0.25, 0.25 + 0.5625], 0.025) / [1, 2]
    middle = np.array([1, 0.5])
    np.testing.assert_allclose(means, middle)
    np.testing.assert_allclose(lows, np.maximum(middle - half, 0))
    np.testing.assert_allclose(highs, np.minimum(middle + half, 1))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50), st.floats(0.5, 4), st.floats(-3, 3))
def test_units_do_not_matter(values, scale, shift):
    plain = confidence_sequence(values, -1, 1)
    other = confidence_sequence(np.array(values) * scale + shift, shift - scale - 1e-9, shift + scale + 1e-9)
    for one, two in zip(plain, other, strict=True):
        np.testing.assert_allclose(scale * one + shift, two, atol=1e-5)
    assert (plain[1] <= plain[0]).all() and (plain[0] <= plain[2]).all()


def drifting(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Values whose mean depends on what came before, and those conditional means."""
    values, expected = np.empty(n), np.empty(n)
    for k in range(n):
        expected[k] = 0.2 + 0.6 * (values[:k].mean() if k else 0.5)
        values[k] = rng.random() < expected[k]
    return values, expected


def fixed(share: float):
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        return (rng.random(n) < share).astype(float), np.full(n, share)

    return draw


@pytest.mark.parametrize("draw", [fixed(0.5), fixed(0.04), drifting], ids=["even", "rare", "drifting"])
def test_all_intervals_together_hold_as_often_as_promised(draw):
    """Of 200 sequences of 300 looks each at most 5% are ever left, or 27 by chance (binomial, about 1e-6)."""
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(200):
        values, expected = draw(rng, 300)
        _, lows, highs = confidence_sequence(values, 0, 1)
        running = np.cumsum(expected) / np.arange(1, 301)
        missed += bool(((running < lows) | (running > highs)).any())
    assert missed <= 27


def test_an_interval_for_one_look_does_not_hold_at_all_of_them():
    """What this is for: Wilson's interval at every look misses far more often than 5%."""
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(200):
        n = np.arange(1, 401)
        share = np.cumsum(rng.random(400) < 0.5) / n
        middle, half = (share + 1.92 / n) / (1 + 3.84 / n), 1.96 * np.sqrt(share * (1 - share) / n + 0.96 / n**2)
        missed += bool((abs(middle - 0.5) > half / (1 + 3.84 / n)).any())
    assert missed > 40


def test_many_values_narrow_it():
    _, lows, highs = confidence_sequence(np.tile([0.0, 1.0], 5000), 0, 1)
    assert highs[-1] - lows[-1] < 0.05


@pytest.mark.parametrize(("values", "low", "high"), [([2], 0, 1), ([0], 1, 1), ([math.nan], 0, 1)])
def test_values_outside_their_bounds_are_refused(values, low, high):
    with pytest.raises(ValueError, match="must lie within"):
        confidence_sequence(values, low, high)


def test_no_values_have_no_interval():
    assert [len(part) for part in confidence_sequence([], 0, 1)] == [0, 0, 0]
