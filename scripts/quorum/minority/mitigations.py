"""What the firm could do instead, with everybody's data and the group of every row in hand.

A mitigation takes a learner that is not trained yet, features (n, d), labels (n,) and groups (n,) of the training rows,
and a seed; it gives back a function from features and groups of other rows to their predicted labels.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorum.minority.collective import in_order

Floats = NDArray[np.float64]
Predict = Callable[[Floats, np.ndarray], np.ndarray]
Mitigation = Callable[[Any, Floats, np.ndarray, np.ndarray, int], Predict]

EPSILON, ITERATIONS = 0.01, 50  # of exponentiated gradient


def none(learner: Any, features: Floats, label: np.ndarray, group: np.ndarray, seed: int) -> Predict:
    """The learner as it is."""
    model = learner.fit(features, label)
    return lambda others, _: model.predict(others)


def exponentiated_gradient(learner: Any, features: Floats, label: np.ndarray, group: np.ndarray, seed: int) -> Predict:
    """Agarwal et al. 2018, by fairlearn, for equalized odds. Its randomised classifier draws by the seed."""
    from fairlearn.reductions import EqualizedOdds, ExponentiatedGradient

    model = ExponentiatedGradient(
        learner, EqualizedOdds(), eps=EPSILON, max_iter=ITERATIONS, sample_weight_name=weight_name(learner)
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=Warning, module="fairlearn")  # on its way of using pandas
        model.fit(features, label, sensitive_features=group)
    return lambda others, _: np.asarray(model.predict(others, random_state=seed), dtype=np.int64)


def threshold_optimizer(learner: Any, features: Floats, label: np.ndarray, group: np.ndarray, seed: int) -> Predict:
    """Hardt, Price and Srebro 2016, by fairlearn, for equalized odds: thresholds by group, set on the training rows
    (fairlearn's way; where a learner fits these too well they promise too much), mixed by draws of the seed."""
    from fairlearn.postprocessing import ThresholdOptimizer

    model = ThresholdOptimizer(estimator=learner, constraints="equalized_odds", predict_method="predict_proba")
    model.fit(features, label, sensitive_features=group)
    return lambda others, groups: np.asarray(
        model.predict(others, sensitive_features=groups, random_state=seed), dtype=np.int64
    )


def reweighing(learner: Any, features: Floats, label: np.ndarray, group: np.ndarray, seed: int) -> Predict:
    """Kamiran and Calders 2012: rows weighted so that group and label are independent."""
    model = learner.fit(features, label, **{weight_name(learner): weights(label, group)})
    return lambda others, _: model.predict(others)


def weights(label: np.ndarray, group: np.ndarray) -> Floats:
    """(n,) w(a, y) = P(a) P(y) / P(a, y) of each row's group a and label y. (n,) arguments of 0 and 1."""
    cell = 2 * group + label
    both = np.bincount(cell, minlength=4)[cell]
    return np.bincount(group)[group] * np.bincount(label)[label] / (len(label) * both)


def _massaging(promote: bool, demote: bool) -> Mitigation:
    def mitigate(learner: Any, features: Floats, label: np.ndarray, group: np.ndarray, seed: int) -> Predict:
        score = learner.fit(features, label).predict_proba(features)[:, 1]
        model = learner.fit(features, massaged(label, group, score, seed, promote, demote))
        return lambda others, _: model.predict(others)

    return mitigate


def massaged(
    label: np.ndarray, group: np.ndarray, score: Floats, seed: int, promote: bool = True, demote: bool = True
) -> np.ndarray:
    """The labels after massaging (Kamiran and Calders 2012); all arrays (n,).

    M is the number of exchanges after which both groups have the same share of label 1, round(gap * n0 * n1 / n); 0
    where the minority has the larger share. Promoted are the M rows of the minority with label 0 that a ranker's score
    finds best, demoted the M of the majority with label 1 that it finds worst; equal scores come in an order shuffled
    by the seed. One half alone closes its part of the gap with the same M.
    """
    sizes = np.bincount(group, minlength=2)
    gap = label[group == 0].mean() - label[group == 1].mean()
    number = max(0, int(np.floor(gap * sizes[0] * sizes[1] / len(label) + 0.5)))
    changed = label.copy()
    if promote:
        rows = np.flatnonzero((group == 1) & (label == 0))
        changed[in_order(rows, score[rows], seed)[:number]] = 1
    if demote:
        rows = np.flatnonzero((group == 0) & (label == 1))
        changed[in_order(rows, -score[rows], seed)[:number]] = 0
    return changed


def weight_name(learner: Any) -> str:
    """How a learner's `fit` calls the weights of rows: a pipeline passes them on to its last step by name."""
    steps = getattr(learner, "steps", None)
    return f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"


MITIGATIONS: Mapping[str, Mitigation] = {
    "none": none,
    "exponentiated_gradient": exponentiated_gradient,
    "threshold_optimizer": threshold_optimizer,
    "reweighing": reweighing,
    "massaging": _massaging(promote=True, demote=True),
    "massaging_promote": _massaging(promote=True, demote=False),
    "massaging_demote": _massaging(promote=False, demote=True),
}
