"""Scores of candidates against a reference that measures every distance, one by one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from quorum.minority import scores
from quorum.minority.learners import LEARNERS

TIE = 1e-7


def by_hand(known, candidates):
    """(n, m) distances on features scaled by the known rows, with a feature that does not vary among them left out."""
    squared = np.zeros((len(candidates), len(known)))
    for feature in range(known.shape[1]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a feature without any value
            median = np.nan_to_num(np.nanmedian(known[:, feature]))
        theirs, ours = (np.where(np.isnan(x[:, feature]), median, x[:, feature]) for x in (known, candidates))
        if theirs.min() == theirs.max():
            continue
        for row, value in enumerate(ours):
            for other, place in enumerate(theirs):
                squared[row, other] += ((value - place) / theirs.std()) ** 2
    return np.sqrt(squared)


def label_limits(distance, label, k):
    """Least and largest number of label 1 among the k nearest, over all ways to break ties."""
    k = min(k, len(label))
    limit = np.sort(distance)[k - 1]
    certain = distance < limit - TIE
    tied = ~certain & (distance <= limit + TIE)
    places, good = k - certain.sum(), label[tied].sum()
    return label[certain].sum() + max(0, places - (tied.sum() - good)), label[certain].sum() + min(places, good)


@st.composite
def scenes(draw, ties):
    m, n, d = draw(st.integers(1, 25)), draw(st.integers(1, 8)), draw(st.integers(1, 4))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    if ties:
        known, candidates = (generator.integers(0, 3, (size, d)).astype(float) for size in (m, n))
        for rows in (known, candidates):
            rows[generator.random(rows.shape) < draw(st.sampled_from([0, 0.2]))] = np.nan
    else:
        known, candidates = generator.normal(size=(m, d)), generator.normal(size=(n, d))
    return known, generator.integers(0, 2, m), candidates, draw(st.integers(1, 8)), draw(st.integers(0, 5))


@pytest.mark.parametrize("tree_features", [0, 15], ids=["brute", "tree"])
@given(st.booleans().flatmap(scenes))
def test_scores_are_those_of_the_reference(tree_features, scene):
    known, label, candidates, k, seed = scene
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "_TREE_FEATURES", tree_features)
        by_label = scores.rb_label(known, label, candidates, k, seed)
        by_dist = scores.rb_dist(known, label, candidates, k, seed)
    distance = by_hand(known, candidates)
    assert by_label.shape == by_dist.shape == (len(candidates),) and by_label.dtype == by_dist.dtype == float
    for row, found in enumerate(by_label):
        low, high = label_limits(distance[row], label, k)
        assert low <= found <= high
    good = np.sort(distance[:, label == 1], axis=1)[:, :k]
    expected = -good.mean(axis=1) if label.any() else np.zeros(len(candidates))
    assert by_dist == pytest.approx(expected, abs=1e-6)


@given(scenes(ties=True))
def test_the_search_does_not_decide_which_neighbours_are_kept(scene):
    known, _, candidates, k, seed = scene
    known, candidates = scores.standardised(known, candidates)
    found = []
    for tree_features in (0, 15):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scores, "_TREE_FEATURES", tree_features)
            found.append(scores.neighbours(known, candidates, k, seed).tolist())
    assert found[0] == found[1]
    assert all(len(set(row)) == min(k, len(known)) for row in found[0])


@pytest.mark.parametrize("d", [3, 18])
def test_threads_and_blocks_do_not_decide_either(d, monkeypatch):
    generator = np.random.default_rng(0)
    known, candidates = generator.integers(0, 2, (3000, d)) * 1.0, generator.integers(0, 2, (600, d)) * 1.0
    with threadpool_limits(1):
        one = scores.neighbours(known, candidates, 5, 1)
    with threadpool_limits(2):
        assert (scores.neighbours(known, candidates, 5, 1) == one).all()
    monkeypatch.setattr(scores, "_BLOCK", 70)
    assert (scores.neighbours(known, candidates, 5, 1) == one).all()


def test_ties_fall_by_the_seed_and_evenly():
    """10 rows in one place, 2 of them count: each must come up about as often as the others."""
    known = np.vstack([np.zeros((10, 1)), np.full((5, 1), 9.0)])
    kept = np.concatenate([scores.neighbours(known, np.zeros((1, 1)), 2, seed)[0] for seed in range(500)])
    counts = np.bincount(kept, minlength=15)
    assert counts[10:].sum() == 0
    assert counts[:10].min() > 60 and counts[:10].max() < 140  # 100 expected, SD 9


def test_fewer_rows_than_k_all_count():
    known, label = np.array([[0.0], [1.0], [5.0]]), np.array([1, 0, 1])
    assert scores.rb_label(known, label, np.array([[0.0], [9.0]]), 10, 1).tolist() == [2.0, 2.0]
    scale = np.std([0, 1, 5])
    assert scores.rb_dist(known, label, np.array([[0.0]]), 10, 1) == pytest.approx([-(0 + 5) / 2 / scale])


@pytest.mark.parametrize(
    ("known", "label"),
    [
        (np.array([[0.0], [1.0], [2.0]]), np.array([0, 0, 0])),  # nobody with the good label
        (np.array([[1.0], [1.0], [1.0]]), np.array([1, 0, 1])),  # nothing that varies
        (np.array([[1.0]]), np.array([1])),  # a single row
        (np.full((3, 1), np.nan), np.array([1, 0, 1])),  # nothing known
        (np.empty((3, 0)), np.array([1, 0, 1])),  # no feature but the sensitive one
    ],
)
def test_where_the_majority_tells_nothing_all_scores_are_equal(known, label):
    candidates = np.arange(4.0)[:, None][:, : known.shape[1]]
    for score in (scores.rb_label, scores.rb_dist):
        assert len(set(score(known, label, candidates, 3, 1))) == 1


def test_no_candidates_have_no_scores():
    known, label = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
    for score in (scores.rb_label, scores.rb_dist):
        assert score(known, label, np.empty((0, 2)), 3, 1).shape == (0,)


@pytest.mark.parametrize("learner", LEARNERS)
def test_rb_prob_is_the_models_probability_of_the_good_label(learner):
    generator = np.random.default_rng(0)
    known = generator.normal(size=(200, 2))
    label = (known[:, 0] > 0).astype(int)
    model = LEARNERS[learner](1).fit(known, label)
    found = scores.rb_prob(model, np.array([[2.0, 0.0], [-2.0, 0.0]]))
    assert found.shape == (2,) and found[0] > 0.9 > 0.1 > found[1]
    assert scores.rb_prob(None, np.zeros((3, 2))).tolist() == [0, 0, 0]


def test_every_score_is_registered_under_its_name():
    known = np.random.default_rng(0).normal(size=(100, 2))
    label = (known[:, 0] > 0).astype(int)
    model = LEARNERS["logistic_regression"](1).fit(known, label)
    view = scores.View(known, label, known[:7] + 0.1, 3, 4, model)
    expected = {
        "rb_prob": scores.rb_prob(model, view.candidates),
        "rb_label": scores.rb_label(known, label, view.candidates, 3, 4),
        "rb_dist": scores.rb_dist(known, label, view.candidates, 3, 4),
        "random": scores.random(7, 4),
    }
    assert list(scores.SCORES) == list(expected)
    for name, score in scores.SCORES.items():
        assert (score(view) == expected[name]).all()
    assert (scores.random(7, 4) != scores.random(7, 5)).all()
