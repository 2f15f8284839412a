"""The firm's learners: made by seed, not trained yet, all with fit(features, label), predict and predict_proba.

Features are floats (n, d) with NaN for what is not known, the sensitive attribute among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def boosted_trees(seed: int) -> Any:
    """scikit-learn's histogram gradient boosting as it comes; past 10,000 rows that stops early, on rows drawn by the
    seed."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed)


def logistic_regression(seed: int) -> Any:
    """Logistic regression on standardised features, gaps filled with the median. Nothing in it is random."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=1000)
    )


LEARNERS: Mapping[str, Callable[[int], Any]] = {
    "boosted_trees": boosted_trees,
    "logistic_regression": logistic_regression,
}
