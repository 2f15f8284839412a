"""Both learners behind one interface."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from minority_people import people
from sklearn.ensemble import HistGradientBoostingClassifier

from quorum.minority.learners import LEARNERS


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_learner_learns_repeats_itself_and_takes_gaps(learner):
    population = people(800, 1, gaps=0.2)
    features, label = population.features.to_numpy(), population.label
    first, second = (LEARNERS[learner](7).fit(features[:500], label[:500]) for _ in range(2))
    assert first.predict_proba(features).tobytes() == second.predict_proba(features).tobytes()
    predicted = first.predict(features[500:])
    assert set(predicted) <= {0, 1} and (predicted == label[500:]).mean() > 0.65
    assert first.predict_proba(features).shape == (800, 2) and first.classes_.tolist() == [0, 1]


def test_trees_are_scikit_learns_defaults():
    ours, theirs = (
        LEARNERS["boosted_trees"](3).get_params(),
        HistGradientBoostingClassifier(random_state=3).get_params(),
    )
    assert ours == theirs


tables = arrays.arrays(
    np.float64,
    st.tuples(st.integers(40, 120), st.integers(1, 4)),
    elements=st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3), st.just(np.nan)),
)


@given(features=tables, data=st.data())
@settings(max_examples=40)
def test_who_names_the_features_gets_the_same_trees(features, data):
    label = np.arange(len(features)) % data.draw(st.integers(2, 5)) == 0
    plain, told = (LEARNERS["boosted_trees"](1, *named).fit(features, label) for named in ((), (features,)))
    others = data.draw(tables.filter(lambda found: found.shape[1] == features.shape[1]) | st.just(features[::-1]))
    assert told.predict_proba(others).tobytes() == plain.predict_proba(others).tobytes()


@pytest.mark.parametrize(("values", "bins"), [(1, 2), (30, 30), (255, 255), (4000, 255)])
def test_a_histogram_has_as_many_bins_as_a_feature_has_values(values, bins):
    features = np.column_stack([np.zeros(4000), np.arange(4000.0) % values])
    assert LEARNERS["boosted_trees"](1, features).max_bins == bins


def test_a_feature_without_any_value_does_not_stop_the_regression():
    features = np.column_stack([np.arange(20.0), np.full(20, np.nan)])
    model = LEARNERS["logistic_regression"](1).fit(features, (np.arange(20) > 9).astype(int))
    assert (model.predict(features) == (np.arange(20) > 9)).all()
