"""Planting a signal: the bound where its assumptions hold exactly, and the counts behind it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minority_people import people

from quorum import tables
from quorum.minority import signal
from quorum.statistics import hardt_bound

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=60)


@given(ROWS, st.integers(0, 3), st.integers(0, 1), st.integers(1, 9), st.integers(1, 9))
def test_bayes_is_never_below_the_bound_on_the_mixture_itself(rows, value, target, members, others):
    """P* is the push-forward of the base rows, and the firm knows alpha P* + (1 - alpha) P0 exactly (whole weights)."""
    table = np.array(rows)
    codes, label, n = table[:, :2], table[:, 2], len(table)
    sizes = np.array([4, 4])  # value 3 of the first feature is nobody's

    def cells(of):
        return np.ravel_multi_index(tuple(of.T), tuple(sizes))

    own = cells(signal.planted(codes, value))
    rule = signal.bayes_rule(
        np.concatenate([own, cells(codes)]),
        np.concatenate([np.full(n, target), label]),
        16,
        np.repeat([members, others], n),
    )
    success = (rule[own] == target).mean()
    xi, delta = signal.rarity(codes, cells(codes), label, value, target)
    assert success >= hardt_bound(members / (members + others), delta, xi) - 1e-12


def test_rarity_by_hand():
    codes = np.array([[1, 0], [1, 0], [1, 0], [1, 1], [0, 0], [0, 0], [0, 1], [0, 1]])
    label = np.array([0, 0, 1, 1, 0, 0, 0, 0])
    cell = codes @ [2, 1]
    # Half of the rows carry 1; in cell (1, 0) label 1 has a third: 2/3 - 1/3; in cell (1, 1) it has all: no gap.
    assert signal.rarity(codes, cell, label, 1, 1) == pytest.approx((0.5, 1 / 3))
    assert signal.rarity(codes, cell, label, 1, 0) == pytest.approx((0.5, 1.0))
    assert signal.rarity(codes, cell, label, 2, 1) == (0.0, 0.0)


def test_bayes_rule_by_hand():
    cell, label = np.array([0, 0, 0, 1, 1, 3]), np.array([1, 1, 0, 1, 0, 0])
    # Two against one; a tie; nobody (all rows together: a tie, 0); one.
    assert signal.bayes_rule(cell, label, 4).tolist() == [1, 0, 0, 0]
    assert signal.bayes_rule(cell, label, 4, np.array([1, 1, 3, 1, 0, 1])).tolist() == [0, 1, 0, 0]
    assert signal.bayes_rule(np.array([0]), np.array([1]), 2).tolist() == [1, 1]


@pytest.mark.parametrize(("label", "rarer"), [([0, 0, 1], 1), ([1, 1, 0], 0), ([0, 1], 1)])
def test_the_rarer_label(label, rarer):
    assert signal.rarer_label(np.array(label)) == rarer


def test_features_are_made_discrete_without_losing_anybody():
    features = pd.DataFrame({"many": [*np.arange(100.0), np.nan], "few": [3.0, 1.0] * 50 + [np.nan]})
    codes, meanings = signal.discretised(features, 4)
    assert np.bincount(codes[:, 0]).tolist() == [25, 25, 25, 25, 1]
    assert meanings == ["0 to 24", "25 to 49", "50 to 74", "75 to 99", "unknown"]
    assert codes[:, 1].tolist() == [1, 0] * 50 + [2]
    assert signal.discretised(features[["few"]], 4)[1] == ["1", "3", "unknown"]
    skewed = pd.DataFrame({"count": [0.0] * 80 + list(range(1, 21))})
    codes, meanings = signal.discretised(skewed, 4)
    assert len(meanings) == codes.max() + 1 and np.bincount(codes[:, 0]).min() > 0


@pytest.mark.parametrize("learner", ["bayes", "boosted_trees"])
def test_a_run(learner):
    found = signal.run(people(1500, 1), "made_up", learner, 1, "grade", ["group", "noise"], [0.02, 0.6], bins=5)
    tables.validate(found, "minority_signal_runs")
    assert found.signal.tolist()[::2] == [f"grade: {v}" for v in (-2, -1, 0, 1, 2, "a value that nobody has")]
    nobody = found[found.signal.str.endswith("nobody has")]
    assert (nobody.xi == 0).all() and (nobody.bound == 1).all()
    some = found[~found.signal.str.endswith("nobody has")]
    assert (some.xi > 0).all() and (some.bound < 1).all()
    # A few members are not like everybody: no bound holds for 21 of them on held-out people.
    many = found[found.alpha == 0.6]
    if learner == "bayes":
        assert (many.success >= many.bound - 0.02).all()
    grows = found.pivot(index="signal", columns="alpha", values="success")
    assert (grows[0.6] >= grows[0.02]).all()


def test_members_are_nested_and_drawn_by_the_seed():
    options = ("grade", ["group"], [0.3])
    one, again, other = (signal.run(people(500), "d", "bayes", seed, *options) for seed in (1, 1, 2))
    assert one.equals(again) and not np.array_equal(one.xi, other.xi)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alphas": [0.0]}, "alpha is 0.0"),
        ({"alphas": [1.0]}, "alpha is 1.0"),
        ({"feature": "income"}, "no feature income"),
        ({"others": ["merit", "noise"], "bins": 400}, "over 10,000 cells"),
    ],
)
def test_what_cannot_be_counted_is_refused(change, message, monkeypatch):
    monkeypatch.setattr(signal, "_MOST_CELLS", 10_000)
    options = {"feature": "grade", "others": ["group"], "alphas": [0.3]} | change
    with pytest.raises(ValueError, match=message):
        signal.run(people(), "made_up", "bayes", 1, **options)
