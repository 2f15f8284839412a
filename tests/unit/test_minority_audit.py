"""Measures of a model against fairlearn and against counts done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quorum.minority.audit import measures

ROW = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1))


def test_counts_by_hand():
    # Majority: 3 of 4 good found, 1 of 4 bad taken for good. Minority: 1 of 2 good found, 0 of 2.
    label = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0])
    predicted = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0])
    group = np.repeat([0, 1], [8, 4])
    found = measures(label, predicted, group)
    assert found == {"error": 3 / 12, "eqod": 0.25, "sp": 0.25, "tpr_gap": 0.25, "fpr_gap": 0.25}


def test_a_gap_in_favour_of_the_minority_is_a_violation_with_a_sign():
    label, group = np.array([1, 1, 0, 0] * 2), np.repeat([0, 1], 4)
    predicted = np.array([0, 0, 1, 1, 1, 0, 0, 0])
    found = measures(label, predicted, group)
    assert found["tpr_gap"] == -0.5 and found["fpr_gap"] == 1.0
    assert found["eqod"] == 0.75


@given(st.lists(ROW, min_size=4, max_size=60))
def test_the_same_as_fairlearn(rows):
    from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

    label, predicted, group = np.array(rows).T
    assume(len({(y, a) for y, a in zip(label, group, strict=True)}) == 4)
    found = measures(label, predicted, group)
    assert found["eqod"] == pytest.approx(
        equalized_odds_difference(label, predicted, sensitive_features=group, agg="mean"), abs=1e-12
    )
    assert found["sp"] == pytest.approx(
        demographic_parity_difference(label, predicted, sensitive_features=group), abs=1e-12
    )
    assert found["error"] == pytest.approx(np.mean(label != predicted))


@pytest.mark.parametrize(("gone", "name"), [((0, 1), "majority"), ((1, 0), "minority")])
def test_a_rate_that_does_not_exist_is_refused(gone, name):
    rows = np.array([(a, y) for a in (0, 1) for y in (0, 1) if (a, y) != gone])
    with pytest.raises(ValueError, match=f"no row of the {name} .* label {gone[1]}"):
        measures(rows[:, 1], rows[:, 1], rows[:, 0])
