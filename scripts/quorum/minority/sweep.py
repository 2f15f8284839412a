"""One run of the study: one split of the people, every method, size and number of flips, every mitigation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from quorum.logbook import progress
from quorum.minority.audit import measures
from quorum.minority.collective import candidates, flip_counts, in_order, joined, known_rows, sensitive_features
from quorum.minority.contributions import relabelled
from quorum.minority.learners import LEARNERS
from quorum.minority.mitigations import MITIGATIONS
from quorum.minority.population import Population, split
from quorum.minority.scores import SCORES, View
from quorum.schemas import SCHEMAS


def run(
    population: Population,
    dataset: str,
    learner: str,
    seed: int,
    methods: Sequence[str],
    alphas: Sequence[float],
    steps: int,
    audit_share: float = 0.3,
    k: int = 10,
    known: int | None = 10,
    known_k: int = 3,
    at_alpha: float = 0.3,
) -> pd.DataFrame:
    """Table minority_runs of one seed.

    Every method, with all majority rows of the training side known, at every alpha and `steps` numbers of flips; and
    those that look at the majority (all but random) again at `at_alpha` with only `known` of its rows and `known_k`
    neighbours (not with None). Scores are computed once and serve every alpha; M = 0, and any labels that another
    condition has brought about already, are trained once.

    RB-prob's model is the firm's learner, trained on the known majority rows. With few known rows it is a logistic
    regression instead: boosted trees do not split fewer than 40 rows, and would give everybody the same score.
    """
    train, audit = split(population, seed, audit_share)
    every = candidates(population, train)
    outcome = _uptake(population, learner, seed, train, audit)
    asked = [(method, None, k, alpha) for method in methods for alpha in alphas]
    if known is not None:
        asked += [(method, known, known_k, at_alpha) for method in methods if method != "random"]
    orders: dict[tuple[str, int | None], np.ndarray] = {}
    rows = []
    for method, number, neighbours, alpha in progress(asked, "methods and shares"):
        if (method, number) not in orders:
            model = learner if number is None else "logistic_regression"
            view = _view(population, train, every, model, number, neighbours, seed, method == "rb_prob")
            orders[method, number] = in_order(every, SCORES[method](view), seed)
        order = orders[method, number]
        ours = order[np.isin(order, joined(population, train, alpha, seed))]
        for flips in flip_counts(population, alpha, steps, audit_share):
            rows.append(
                {
                    "method": method,
                    "knowledge": "all" if number is None else str(number),
                    "alpha": float(alpha),
                    "flips": int(flips),
                    "flipped": min(int(flips), len(ours)),
                }
                | outcome(relabelled(population.label, ours, int(flips))[train])
            )
    return _table(rows, "minority_runs", dataset, learner, seed)


def baselines(
    population: Population,
    dataset: str,
    learner: str,
    seed: int,
    audit_share: float = 0.3,
    names: Sequence[str] = tuple(MITIGATIONS),
) -> pd.DataFrame:
    """Table minority_baseline_runs of one seed: what the firm does by each of the named mitigations (none is one)."""
    train, audit = split(population, seed, audit_share)
    features, label, group = population.features.to_numpy(), population.label, population.group
    rows = []
    untrained = LEARNERS[learner](seed, features[train])
    for name in progress(names, "mitigations"):
        predict = MITIGATIONS[name](untrained, features[train], label[train], group[train], seed)
        predicted = predict(features[audit], group[audit])
        rows.append({"mitigation": name} | measures(label[audit], predicted, group[audit]))
    return _table(rows, "minority_baseline_runs", dataset, learner, seed)


def _uptake(
    population: Population, learner: str, seed: int, train: np.ndarray, audit: np.ndarray
) -> Callable[[np.ndarray], dict[str, float]]:
    """From labels of the training rows to the measures of the model that learns them, on the audit rows' own labels."""
    features = population.features.to_numpy()
    seen, asked = features[train], features[audit]
    model = LEARNERS[learner](seed, seen)
    known: dict[bytes, dict[str, float]] = {}

    def outcome(label: np.ndarray) -> dict[str, float]:
        key = np.packbits(label.astype(bool)).tobytes()
        if key not in known:
            predicted = model.fit(seen, label).predict(asked)
            known[key] = measures(population.label[audit], predicted, population.group[audit])
        return known[key]

    return outcome


def _view(
    population: Population,
    train: np.ndarray,
    every: np.ndarray,
    learner: str,
    number: int | None,
    k: int,
    seed: int,
    trained: bool,
) -> View:
    rows = known_rows(population, train, number, seed)
    features = population.features.drop(columns=sensitive_features(population)).to_numpy()
    known, label = features[rows], population.label[rows]
    model = None
    if trained and known.shape[1] and len(np.unique(label)) == 2:
        model = LEARNERS[learner](seed, known).fit(known, label)
    return View(known, label, features[every], k, seed, model)


def _table(rows: list[dict[str, object]], name: str, dataset: str, learner: str, seed: int) -> pd.DataFrame:
    frame = pd.DataFrame(rows).assign(dataset=dataset, learner=learner, seed=seed)
    return frame[[column.name for column in SCHEMAS[name]]]
