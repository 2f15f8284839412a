from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from quorum import statistics

shares = st.floats(0.01, 0.99)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=8)
observations = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), min_size=1, max_size=40)


# ---- Wilson ----------------------------------------------------------------------------------------------------------


def test_wilson_is_the_set_of_shares_that_a_score_test_does_not_reject():
    low, high = statistics.wilson_interval(38, 48)
    z = stats.norm.ppf(0.975)
    for bound in (low, high):
        assert abs(38 / 48 - bound) / math.sqrt(bound * (1 - bound) / 48) == pytest.approx(z)


@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_holds_its_estimate_and_stays_in_the_unit_interval(counts, confidence):
    successes, total = counts
    low, high = statistics.wilson_interval(successes, total, confidence)
    if total == 0:
        assert math.isnan(low) and math.isnan(high)
    else:
        assert 0 <= low <= successes / total <= high <= 1


@pytest.mark.parametrize(("successes", "total"), [(3, 2), (-1, 2)])
def test_wilson_refuses_impossible_counts(successes, total):
    with pytest.raises(ValueError, match="between 0 and the total"):
        statistics.wilson_interval(successes, total)


# ---- bootstrap -------------------------------------------------------------------------------------------------------


def test_bootstrap_of_a_mean_agrees_with_scipy_on_the_cluster_means():
    # with clusters of one size, resampling clusters is resampling their means
    generator = np.random.default_rng(5)
    means = generator.beta(4, 2, 15)
    values = (means[:, None] + generator.normal(0, 0.1, (15, 8))).ravel()
    ours = statistics.clustered_bootstrap(values, np.repeat(np.arange(15), 8), n_resamples=20_000)
    cluster_means = values.reshape(15, 8).mean(axis=1)
    theirs = stats.bootstrap((cluster_means,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    # a quantile near 2.5% of 20,000 draws has a standard error of about 0.02 SD of the mean
    tolerance = 0.12 * cluster_means.std() / math.sqrt(15)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=tolerance)


def test_replicates_equal_a_loop_that_writes_every_resample_out():
    generator = np.random.default_rng(2)
    n = 60
    clusters, runs = generator.integers(0, 5, n), generator.integers(0, 3, n)
    counted = generator.integers(0, 2, n)
    male = counted * generator.integers(0, 2, n)
    replicates = statistics.bootstrap_replicates(male, clusters, weights=counted, runs=runs, n_resamples=50, seed=9)
    cluster_draws = np.random.default_rng([9, 0]).multinomial(5, [1 / 5] * 5, size=50)
    run_draws = np.random.default_rng([9, 1]).multinomial(3, [1 / 3] * 3, size=50)
    for replicate, of_clusters, of_runs in zip(replicates, cluster_draws, run_draws, strict=True):
        drawn = [
            i
            for cluster, run in itertools.product(
                np.repeat(np.arange(5), of_clusters), np.repeat(np.arange(3), of_runs)
            )
            for i in np.flatnonzero((clusters == cluster) & (runs == run))
        ]
        total = counted[drawn].sum()
        expected = male[drawn].sum() / total if total else math.nan
        assert replicate == pytest.approx(expected, nan_ok=True)


def test_variance_of_the_two_level_bootstrap_of_an_additive_table():
    # y = row effect + column effect: resampled means are the sum of two independent bootstrap means
    rows, columns = np.array([0.1, 0.5, 0.2, 0.9, 0.3, 0.6]), np.array([0.0, 0.2, 0.1, 0.5])
    row, column = (part.ravel() for part in np.indices((6, 4)))
    replicates = statistics.bootstrap_replicates(rows[row] + columns[column], row, runs=column, n_resamples=40_000)
    expected = rows.var() / 6 + columns.var() / 4
    assert replicates.var() == pytest.approx(expected, rel=0.05)  # the SD of a variance of 40,000 draws is 0.7%


def test_clustered_interval_covers_where_one_that_ignores_clusters_does_not():
    generator = np.random.default_rng(11)
    repetitions, n_clusters, per_cluster, truth = 300, 25, 12, 0.6
    clusters = np.repeat(np.arange(n_clusters), per_cluster)
    hits = {"clustered": 0, "wilson": 0}
    for repetition in range(repetitions):
        probability = generator.beta(0.6 * 3, 0.4 * 3, n_clusters)  # correlation within a cluster 1/4
        male = (generator.random(len(clusters)) < probability[clusters]).astype(int)
        low, high = statistics.clustered_bootstrap(male, clusters, n_resamples=400, seed=repetition)
        hits["clustered"] += low <= truth <= high
        low, high = statistics.wilson_interval(int(male.sum()), len(male))
        hits["wilson"] += low <= truth <= high
    # nominal 95%, and .93 in the long run with 25 clusters; 3 SD of 300 repetitions are 4 points (8 for Wilson's .67)
    assert 0.88 <= hits["clustered"] / repetitions <= 0.99
    assert hits["wilson"] / repetitions < 0.8


@given(observations, st.integers(0, 5))
@settings(max_examples=60)
def test_bootstrap_interval_holds_the_estimate_and_lies_between_the_extreme_clusters(rows, seed):
    clusters, male, counted = (np.array(part) for part in zip(*rows, strict=True))
    male, counted = (male & counted).astype(float), counted.astype(float)
    low, high = statistics.clustered_bootstrap(male, clusters, weights=counted, n_resamples=60, seed=seed)
    of_clusters = [male[clusters == c].sum() / counted[clusters == c].sum() for c in set(clusters[counted > 0])]
    if len(of_clusters) < 2:
        assert math.isnan(low) and math.isnan(high)
    else:
        assert min(of_clusters) - 1e-12 <= low <= male.sum() / counted.sum() <= high <= max(of_clusters) + 1e-12


@given(st.permutations(range(24)))
@settings(max_examples=20)
def test_order_of_the_rows_changes_nothing(order):
    male, clusters, runs = np.tile([1, 0, 0, 1, 1, 1], 4), np.repeat(list("abcdef"), 4), np.tile([1, 2], 12)
    before = statistics.clustered_bootstrap(male, clusters, runs=runs, n_resamples=100)
    assert statistics.clustered_bootstrap(male[order], clusters[order], runs=runs[order], n_resamples=100) == before


def test_another_seed_gives_other_draws_and_the_same_seed_the_same():
    values, clusters = np.arange(30.0), np.repeat(np.arange(10), 3)
    first, again, other = (statistics.bootstrap_replicates(values, clusters, seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).all()


def test_missing_values_are_left_out_and_runs_alone_can_be_resampled():
    values, clusters = np.array([1.0, math.nan, 0.0, 1.0]), np.array(["a", "a", "b", "c"])
    known = ~np.isnan(values)
    assert statistics.clustered_bootstrap(values, clusters) == statistics.clustered_bootstrap(
        values[known], clusters[known]
    )
    low, high = statistics.clustered_bootstrap([0.0, 1.0, 0.0, 1.0], ["a"] * 4, runs=[1, 2, 3, 4])
    assert (low, high) == (0.0, 1.0)


@pytest.mark.parametrize("weights", [None, [0, 0, 0]])
def test_nothing_to_resample_gives_no_interval(weights):
    low, high = statistics.clustered_bootstrap([1.0, 0.0, 1.0], ["a"] * 3, weights=weights, runs=[1, 1, 1])
    assert math.isnan(low) and math.isnan(high)
    assert all(map(math.isnan, statistics.clustered_bootstrap([math.nan, math.nan], ["a", "b"])))


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="same length"):
        statistics.bootstrap_replicates([1, 0], ["a", "b", "c"])


# ---- tests -----------------------------------------------------------------------------------------------------------


def test_chi_square_equals_the_squared_z_test_of_two_shares():
    male_a, female_a, male_b, female_b = 79, 21, 48, 52
    pooled = 127 / 200
    z = (0.79 - 0.48) / math.sqrt(pooled * (1 - pooled) * (1 / 100 + 1 / 100))
    assert statistics.chi_square(male_a, female_a, male_b, female_b) == pytest.approx(2 * stats.norm.sf(z))


def test_chi_square_takes_an_empty_cell_but_not_an_empty_margin():
    assert 0 < statistics.chi_square(10, 0, 5, 5) < 0.05
    for empty in [(10, 0, 5, 0), (0, 3, 0, 4), (0, 0, 3, 4), (1, 2, 0, 0), (0, 0, 0, 0)]:
        assert math.isnan(statistics.chi_square(*empty))


def test_holm_on_a_hand_worked_case_with_a_missing_test():
    # sorted .01, .03, .04: 3 x .01 = .03, 2 x .03 = .06, then the running maximum keeps .06
    assert statistics.holm([0.03, math.nan, 0.01, 0.04]) == pytest.approx([0.06, math.nan, 0.03, 0.06], nan_ok=True)
    assert np.isnan(statistics.holm([math.nan, math.nan])).all()
    assert statistics.holm([]).size == 0


@given(p_values)
def test_holm_keeps_order_never_lowers_and_matches_statsmodels(raw):
    corrected = statistics.holm(raw)
    order = np.argsort(raw)
    assert (np.diff(corrected[order]) >= 0).all()
    assert (corrected >= np.array(raw) - 1e-12).all() and (corrected <= 1).all()
    assert corrected == pytest.approx(multipletests(raw, method="holm")[1])


# ---- the expected line and the bound ---------------------------------------------------------------------------------


@given(st.integers(1, 5_000), shares, st.integers(0, 5_000), shares)
def test_expected_line_lies_between_background_and_pool(background, b, pool, p):
    share = float(statistics.expected_male_share(background, b, pool, p))
    assert min(b, p) - 1e-12 <= share <= max(b, p) + 1e-12


def test_expected_line_of_the_paper():
    line = statistics.expected_male_share(1_700, 0.79, [0, 250, 1_000, 2_000, 4_000], [math.nan, 0, 0, 0, 0])
    assert line == pytest.approx([0.79, 0.69, 0.50, 0.36, 0.24], abs=0.006)


@given(st.floats(0.51, 0.99), st.floats(0, 0.49))
def test_critical_size_is_where_the_expected_line_meets_parity(b, p):
    size = statistics.critical_size(1_700, b, p)
    assert float(statistics.expected_male_share(1_700, b, size, p)) == pytest.approx(0.5)
    assert size / (1_700 + size) == pytest.approx(statistics.critical_alpha(b, p))


def test_critical_size_of_the_default_world_and_of_worlds_without_one():
    assert statistics.critical_alpha(0.79) == pytest.approx(1 - 0.5 / 0.79)
    assert statistics.critical_size(1_700, 0.79) == pytest.approx(986)
    assert statistics.critical_size(1_700, 0.21, 1.0) == pytest.approx(986)
    assert statistics.critical_size(1_700, 0.5) == 0
    for p in (0.5, 0.79, 0.9):
        assert math.isnan(statistics.critical_size(1_700, 0.79, p))


def test_bound_of_hardt_et_al():
    assert statistics.hardt_bound(0.1, 0.58, 0) == 1
    assert statistics.hardt_bound(0.5, 0.4, 0.5) == pytest.approx(0.8)
    assert statistics.hardt_bound(0.01, 0.58, 1) == 0
    assert math.isnan(statistics.hardt_bound(0, 0.58, 0.1))
    # where everybody uses the template, the bound leaves 0 at the size at which the collective outvotes the background
    for size, positive in ((985, False), (987, True)):
        assert (statistics.hardt_bound(size / (1_700 + size), 0.58, 1) > 0) is positive


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(1, 3_000))
@settings(max_examples=50)
def test_bound_holds_for_a_bayes_optimal_learner(seed, overlap, members):
    # the signal set has ten prompts of unequal mass and gaps; the collective plants "female" on its own distribution
    generator = np.random.default_rng(seed)
    alpha = members / (1_700 + members)
    base = overlap * generator.dirichlet(np.ones(10))
    gap = generator.uniform(-1, 1, 10)  # P0(male | x) - P0(female | x)
    planted = generator.dirichlet(np.ones(10))
    female_wins = alpha * planted > (1 - alpha) * base * gap
    success = planted[female_wins].sum()
    assert success >= statistics.hardt_bound(alpha, max(0, gap.max()), overlap) - 1e-9


@pytest.mark.parametrize("arguments", [(-0.1, 0.5, 0.5), (0.5, 1.5, 0.5), (0.5, 0.5, math.nan)])
def test_bound_refuses_what_is_no_share(arguments):
    with pytest.raises(ValueError, match=r"must lie in 0\.\.1"):
        statistics.hardt_bound(*arguments)


# ---- curves ----------------------------------------------------------------------------------------------------------

SIZES = np.array([0, 250, 500, 1_000, 2_000, 4_000])


@given(st.floats(0.1, 0.4), st.floats(300, 2_500), st.floats(0.8, 4))
@settings(max_examples=30)
def test_fit_recovers_the_curve_that_made_the_data(plateau, half_size, slope):
    truth = statistics.HillCurve(0.79, plateau, half_size, slope)
    fitted = statistics.fit_curve(SIZES, truth(SIZES))
    assert fitted is not None
    assert fitted(SIZES) == pytest.approx(truth(SIZES), abs=2e-3)
    assert statistics.crossing(fitted) == pytest.approx(statistics.crossing(truth), rel=0.03)


@given(shares, shares, st.floats(10, 5_000), st.floats(0.3, 6))
def test_crossing_is_on_the_curve(start, plateau, half_size, slope):
    curve = statistics.HillCurve(start, plateau, half_size, slope)
    size = statistics.crossing(curve)
    if (start - 0.5) * (plateau - 0.5) > 0:
        assert math.isnan(size)
    elif math.isfinite(size):
        assert float(curve(size)) == pytest.approx(0.5)


def test_curve_starts_at_its_start_and_ends_at_its_plateau():
    curve = statistics.HillCurve(0.8, 0.2, 1_000, 2)
    assert curve([0, 1_000, 1e9]) == pytest.approx([0.8, 0.5, 0.2])


def test_crossing_of_special_curves():
    assert math.isnan(statistics.crossing(None))
    assert statistics.crossing(statistics.HillCurve(0.5, 0.2, 1_000, 2)) == 0
    assert math.isnan(statistics.crossing(statistics.HillCurve(0.8, 0.8, 1_000, 2)))
    falling = statistics.HillCurve(0.8, 0.2, 1_000, 2)
    assert statistics.crossing(falling, limit=1_000) == pytest.approx(1_000)
    assert math.isnan(statistics.crossing(falling, limit=999))


@given(st.lists(st.floats(0, 1) | st.just(math.nan), min_size=6, max_size=6))
@settings(max_examples=60)
def test_fit_never_raises_and_stays_within_shares(data):
    curve = statistics.fit_curve(SIZES, data)
    if math.isnan(data[0]) or np.isfinite(data[1:]).sum() < 3:
        assert curve is None
    if curve is not None:
        assert curve.start == data[0] and 0 <= curve.plateau <= 1 and curve.half_size > 0


def test_flat_data_do_not_cross_and_too_few_sizes_are_not_fitted():
    assert math.isnan(statistics.crossing(statistics.fit_curve(SIZES, np.full(6, 0.8)), limit=8_000))
    assert statistics.fit_curve([0, 250, 500], [0.8, 0.6, 0.4]) is None
    assert statistics.fit_curve([250, 500, 1_000, 2_000], [0.8, 0.6, 0.4, 0.2]) is None


def test_an_optimiser_that_gives_up_gives_no_curve(monkeypatch):
    def give_up(*_args, **_kwargs):
        raise RuntimeError("Optimal parameters not found")

    monkeypatch.setattr("scipy.optimize.curve_fit", give_up)
    assert statistics.fit_curve(SIZES, np.linspace(0.8, 0.2, 6)) is None


def test_tipping_point_is_the_smallest_size_whose_interval_holds_the_target():
    sizes = [2_000, 0, 1_000, 500]
    assert statistics.tipping_point(sizes, [0.3, 0.7, 0.45, 0.48], [0.52, 0.9, 0.6, 0.7]) == 500
    assert math.isnan(statistics.tipping_point([0, 250], [0.7, 0.0], [0.9, 0.1]))  # jumped over it
    assert math.isnan(statistics.tipping_point([0, 250], [math.nan, math.nan], [math.nan, math.nan]))


def test_diminishing_size_on_hand_worked_curves():
    # gains of doubling 250, 500, 1,000, 2,000: 10, 10, 9, 1 of a total of 40, so from 2,000 on
    assert statistics.diminishing_size(SIZES, [0, 10, 20, 30, 39, 40]) == 2_000
    # nothing at first, then much: the early plateau does not count
    assert math.isnan(statistics.diminishing_size(SIZES, [0, 0, 0, 0, 10, 40]))
    # all won by the first size
    assert statistics.diminishing_size(SIZES, [0, 40, 40, 40, 40, 40]) == 250
    # the double of 750 lies between two sizes, at 21 + 5 * log2(1.5) = 23.9: gains are 11, 7.9 and 5 of a total of 26
    sizes, reductions = [0, 500, 750, 1_000, 2_000], [0, 10, 16, 21, 26]
    assert math.isnan(statistics.diminishing_size(sizes, reductions))
    assert statistics.diminishing_size(sizes, reductions, fraction=7.8 / 26) == 1_000
    assert statistics.diminishing_size(sizes, reductions, fraction=8.0 / 26) == 750
    for nothing in ([0, -1, -2, 0, 0, 0], [math.nan] * 6):
        assert math.isnan(statistics.diminishing_size(SIZES, nothing))


# ---- filters and utility ---------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_roc_auc_is_the_chance_that_a_pool_row_scores_higher(rows):
    pool = [score for is_pool, score in rows if is_pool]
    rest = [score for is_pool, score in rows if not is_pool]
    auc = statistics.roc_auc(*zip(*rows, strict=True))
    if not pool or not rest:
        assert math.isnan(auc)
    else:
        wins = [(a > b) + (a == b) / 2 for a in pool for b in rest]
        assert auc == pytest.approx(sum(wins) / len(wins))


def test_retention_turns_round_where_less_is_better():
    assert statistics.retention(2.0, 1.0, "entropy") == 0.5
    assert statistics.retention(10.0, 20.0, "perplexity") == 0.5
    assert math.isnan(statistics.retention(0.0, 1.0, "accuracy"))


def test_geometric_mean_of_retentions():
    assert statistics.geometric_mean_retention([0.5, 2.0, math.nan]) == pytest.approx(1)
    assert statistics.geometric_mean_retention([0.9, -0.1]) == 0
    assert math.isnan(statistics.geometric_mean_retention([math.nan]))
