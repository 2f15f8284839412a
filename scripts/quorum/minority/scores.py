"""Which label a candidate deserves: how likely is a good one for somebody like them in the majority?

Four scores, larger is flipped first, after "Fairness for the People, by the People" (arXiv 2508.15374). Where the paper
is silent, this is what is done:

- Distances are Euclidean on standardised features, without those that say which group a row is in (between a candidate
  and anybody of the majority these differ by the same amount). Gaps are filled with the median. Median, mean and SD are
  those of the majority's rows that the collective knows; a feature that does not vary among these has no scale, and is
  left out.
- Majority rows at the same distance come in an order that is shuffled by the seed. So do candidates with the same score
  (collective.in_order).
- With fewer than k known rows, all of them count. Where the known rows cannot tell candidates apart (one label only, no
  feature that varies), all scores are equal, and the order is the seeded shuffle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RANDOM, _TIES = 31, 32  # streams of random numbers
# Seconds of one core for 512 candidates among 100,000 independent normal rows, tree and brute force: .10 and .13 with 5
# features, .21 and .14 with 8, .34 and .15 with 10, 2.2 and .17 with 20. More rows favour the tree where it is ahead.
_TREE_FEATURES = 6
_LEAF = 30  # rows in a leaf of the tree
_BLOCK = 4096  # candidates searched at a time


@dataclass(frozen=True)
class View:
    """What the collective sees.

    known: (m, d) features of majority rows, NaN allowed; label: (m,) theirs; candidates: (n, d) features; k:
    neighbours; model: trained on the known rows, for RB-prob alone; None where these have one label only.
    """

    known: Floats
    label: np.ndarray
    candidates: Floats
    k: int
    seed: int
    model: Any = None


def rb_prob(model: Any, candidates: Floats) -> Floats:
    """(n,) probability of label 1 by a model of the majority; all 0 without a model (one label known)."""
    return np.zeros(len(candidates)) if model is None else np.asarray(model.predict_proba(candidates)[:, 1])


def rb_label(known: Floats, label: np.ndarray, candidates: Floats, k: int, seed: int) -> Floats:
    """(n,) number of label 1 among the k nearest known rows. known: (m, d), label: (m,), candidates: (n, d)."""
    known, candidates = standardised(known, candidates)
    return label[neighbours(known, candidates, k, seed)].sum(axis=1).astype(float)


def rb_dist(known: Floats, label: np.ndarray, candidates: Floats, k: int, seed: int) -> Floats:
    """(n,) minus the mean distance to the k nearest known rows of label 1; all 0 if there are none.

    known: (m, d), label: (m,), candidates: (n, d). Standardised by all known rows, whatever their label.
    """
    known, candidates = standardised(known, candidates)
    good = known[label == 1]
    if not len(good):
        return np.zeros(len(candidates))
    near = neighbours(good, candidates, k, seed)
    return -np.sqrt(_squared(good, near, candidates)).mean(axis=1)


def random(number: int, seed: int) -> Floats:
    """(number,) independent uniform draws."""
    return np.random.default_rng([seed, _RANDOM]).random(number)


SCORES: Mapping[str, Callable[[View], Floats]] = {
    "rb_prob": lambda view: rb_prob(view.model, view.candidates),
    "rb_label": lambda view: rb_label(view.known, view.label, view.candidates, view.k, view.seed),
    "rb_dist": lambda view: rb_dist(view.known, view.label, view.candidates, view.k, view.seed),
    "random": lambda view: random(len(view.candidates), view.seed),
}


def standardised(known: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Both with gaps filled and features scaled by `known`: (m, d') and (n, d'), d' features that vary in `known`."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    if not known.shape[1]:
        return known, others
    imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(known)
    known = imputer.transform(known)
    varies = np.ptp(known, axis=0) > 0
    if not varies.any() or not len(others):
        return known[:, varies], np.empty((len(others), int(varies.sum())))
    scaler = StandardScaler().fit(known[:, varies])
    return scaler.transform(known[:, varies]), scaler.transform(imputer.transform(others)[:, varies])


def neighbours(known: Floats, candidates: Floats, k: int, seed: int) -> NDArray[np.intp]:
    """(n, min(k, m)) row numbers in `known` (m, d) of the k nearest, nearest first, for each candidate (n, d).

    Exact: squared Euclidean distances that agree to 9 decimals are a tie, and a tie falls by the place of the rows in
    an order shuffled by the seed, so that neither the search nor the number of threads decides which row is kept.
    """
    from sklearn.neighbors import NearestNeighbors

    order = np.random.default_rng([seed, _TIES]).permutation(len(known))
    if k >= len(known) or not known.shape[1] or not len(candidates):
        return np.broadcast_to(order[:k], (len(candidates), min(k, len(known))))
    known = known[order]
    algorithm = "kd_tree" if known.shape[1] <= _TREE_FEATURES else "brute"
    search = NearestNeighbors(algorithm=algorithm, leaf_size=_LEAF, n_jobs=1).fit(known)
    # The search may misjudge a distance by its rounding; rows that are nearer than its last by more are all found.
    slack = 1e-9 + 1e-12 * float(np.einsum("ij,ij->i", known, known).max())
    chosen = np.empty((len(candidates), k), dtype=np.intp)
    for start in range(0, len(candidates), _BLOCK):
        waiting, wanted = np.arange(start, min(start + _BLOCK, len(candidates))), 2 * k
        while len(waiting):
            wanted = min(wanted, len(known))
            near = np.sort(search.kneighbors(candidates[waiting], wanted, return_distance=False), axis=1)
            distance = np.round(_squared(known, near, candidates[waiting]), 9)
            nearest = np.argsort(distance, axis=1, kind="stable")[:, :k]
            chosen[waiting] = np.take_along_axis(near, nearest, axis=1)
            last = np.take_along_axis(distance, nearest[:, -1:], axis=1)[:, 0]
            # Where the tie at the k-th place reaches to the end of what was found, there may be more of it.
            waiting = waiting[distance.max(axis=1) <= last + slack] if wanted < len(known) else waiting[:0]
            wanted *= 4
    return order[chosen]


def _squared(known: Floats, rows: NDArray[np.intp], candidates: Floats) -> Floats:
    """(n, k) squared distance of each candidate (n, d) to its rows (n, k) of `known`, summed feature by feature."""
    total = np.zeros(rows.shape)
    for feature in range(known.shape[1]):
        total += (known[rows, feature] - candidates[:, feature, None]) ** 2
    return total
