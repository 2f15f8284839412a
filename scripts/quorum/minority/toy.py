"""Two pictures small enough to see: how few flips move a boundary, and which rows a score looks at.

The people of both are drawn, once, from the same distribution. Labels 1 and 0 of the majority are normal around (1, 0)
and (-1, 0), with SD 1 in both directions; everybody of the minority is moved by (-0.75, 0.75): of equal merit, they
score less on x1, and x2 hints at who they are. The numbers of people are those of the paper's Figure 1: 120 of the
majority and 40 of the minority, half of each with label 1. The rest of that figure is not known, and nothing here was
fitted to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from quorum.minority.audit import measures
from quorum.minority.collective import in_order
from quorum.minority.contributions import relabelled
from quorum.minority.learners import LEARNERS
from quorum.minority.population import GROUPS
from quorum.minority.scores import SCORES, View, neighbours, standardised
from quorum.schemas import SCHEMAS

SEED = 1
NEIGHBOURS = 3
_SIZES = {0: 120, 1: 40}
_SHIFT = np.array([-0.75, 0.75])
_SHOWN = 4  # candidates whose links are drawn


def people(seed: int = SEED) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(features (160, 2), label, group) of the drawn people."""
    group = np.repeat(list(_SIZES), list(_SIZES.values()))
    label = np.concatenate([np.repeat([1, 0], size // 2) for size in _SIZES.values()])
    centre = np.stack([2.0 * label - 1, np.zeros(len(label))], axis=1) + group[:, None] * _SHIFT
    return centre + np.random.default_rng(seed).normal(size=centre.shape), label, group


def fewest_flips(seed: int = SEED) -> pd.DataFrame:
    """Table minority_toy: people and boundary before the collective acts, and after the fewest flips that halve
    the violation (as everywhere in the study; where none does, after those with the lowest).

    The whole minority takes part, in the order of RB-label with 3 neighbours. The learner is logistic regression on the
    plane alone: with the group as a feature there would be a boundary for each group, and no single one to move.
    Audited are the same 160 people by their own labels, as there are no others: one of the minority is a step of 0.05
    in its rates.
    """
    features, label, group = people(seed)
    every = np.flatnonzero((group == 1) & (label == 0))
    view = View(features[group == 0], label[group == 0], features[every], NEIGHBOURS, seed)
    order = in_order(every, SCORES["rb_label"](view), seed)
    trained = [_trained(features, label, group, relabelled(label, order, flips)) for flips in range(len(order) + 1)]
    eqod = np.array([found["eqod"] for _, found in trained])
    enough = np.flatnonzero(eqod <= eqod[0] / 2)
    best = int(enough[0] if len(enough) else eqod.argmin())
    rows: list[dict[str, Any]] = []
    for moment, flips in (("before", 0), ("after", best)):
        model, found = trained[flips]
        shared = {"moment": moment, "eqod": found["eqod"], "error": found["error"]}
        now = relabelled(label, order, flips)
        for row, (x1, x2) in enumerate(features):
            flipped = bool(now[row] != label[row])
            who = {"group": GROUPS[int(group[row])], "label": int(now[row]), "flipped": flipped}
            rows.append(shared | {"kind": "point", "x1": float(x1), "x2": float(x2)} | who)
        rows += [shared | {"kind": "boundary", "x1": x1, "x2": x2} for x1, x2 in _boundary(model, features)]
    return _as_table(rows, "minority_toy")


def seen_rows(seed: int = SEED) -> pd.DataFrame:
    """Table minority_scoring: scores of all candidates by RB-label and RB-dist with 3 neighbours, and for four of them
    (spread evenly over the order of RB-dist) the majority rows that each score counts."""
    features, label, group = people(seed)
    every = np.flatnonzero((group == 1) & (label == 0))
    view = View(features[group == 0], label[group == 0], features[every], NEIGHBOURS, seed)
    known, ours = standardised(view.known, view.candidates)
    orders = {name: in_order(np.arange(len(every)), SCORES[name](view), seed) for name in ("rb_label", "rb_dist")}
    shown = orders["rb_dist"][np.linspace(0, len(every) - 1, _SHOWN).round().astype(int)]
    rows: list[dict[str, Any]] = []
    for name, order in orders.items():
        score, rank = SCORES[name](view), np.argsort(order) + 1
        counted = np.flatnonzero(view.label == 1) if name == "rb_dist" else np.arange(len(known))
        near = counted[neighbours(known[counted], ours, NEIGHBOURS, seed)]
        for (x1, x2), value in zip(view.known, view.label, strict=True):
            rows.append({"method": name, "kind": "majority", "x1": x1, "x2": x2, "label": int(value)})
        for number, (x1, x2) in enumerate(view.candidates):
            place = {"method": name, "x1": x1, "x2": x2}
            own = {"label": 0, "score": float(score[number]), "rank": int(rank[number])}
            rows.append(place | {"kind": "candidate"} | own)
            if number in shown:
                ends = view.known[near[number]]
                rows += [place | {"kind": "link", "x1_to": float(a), "x2_to": float(b)} for a, b in ends]
    return _as_table(rows, "minority_scoring")


def _trained(
    features: np.ndarray, label: np.ndarray, group: np.ndarray, seen: np.ndarray
) -> tuple[Any, dict[str, float]]:
    model = LEARNERS["logistic_regression"](0).fit(features, seen)
    return model, measures(label, model.predict(features), group)


def _boundary(model: Any, features: np.ndarray) -> list[tuple[float, float]]:
    """Both ends of the line where the model is undecided, across the range of x2 among the people."""
    # A linear model's decision at three points gives its coefficients, whatever scaling comes before.
    start, along_x1, along_x2 = model.decision_function([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    ends = (float(features[:, 1].min()), float(features[:, 1].max()))
    return [(float(-(start + (along_x2 - start) * x2) / (along_x1 - start)), x2) for x2 in ends]


def _as_table(rows: list[dict[str, Any]], name: str) -> pd.DataFrame:
    kinds = {"int": "Int64", "bool": "boolean"}
    frame = pd.DataFrame(rows, columns=[column.name for column in SCHEMAS[name]])
    return frame.astype({column.name: kinds[column.dtype] for column in SCHEMAS[name] if column.dtype in kinds})
