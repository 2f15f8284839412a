"""Both learners behind one interface."""

from __future__ import annotations

import numpy as np
import pytest
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


def test_a_feature_without_any_value_does_not_stop_the_regression():
    features = np.column_stack([np.arange(20.0), np.full(20, np.nan)])
    model = LEARNERS["logistic_regression"](1).fit(features, (np.arange(20) > 9).astype(int))
    assert (model.predict(features) == (np.arange(20) > 9)).all()
