"""The firm's learners: made by seed, not trained yet, all with fit(features, label), predict and predict_proba.

Features are floats (n, d) with NaN for what is not known, the sensitive attribute among them. Who names those that a
learner is going to be trained on gets the same model sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_BINS, MOST_BINS = 2, 255  # that scikit-learn allows; the second is its default

Floats = NDArray[np.float64]


def boosted_trees(seed: int, features: Floats | None = None) -> Any:
    """scikit-learn's histogram gradient boosting as it comes; past 10,000 rows that stops early, on rows drawn by the
    seed. A histogram has no more bins than one of the features has values: the trees are the same."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    values = MOST_BINS if features is None else max((len(np.unique(column)) for column in features.T), default=0)
    return HistGradientBoostingClassifier(random_state=seed, max_bins=min(max(values, FEWEST_BINS), MOST_BINS))


def logistic_regression(seed: int, features: Floats | None = None) -> Any:
    """Logistic regression on standardised features, gaps filled with the median. Nothing in it is random."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=1000)
    )


LEARNERS: Mapping[str, Callable[..., Any]] = {
    "boosted_trees": boosted_trees,
    "logistic_regression": logistic_regression,
}
