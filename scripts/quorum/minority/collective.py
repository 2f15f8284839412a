"""The collective: who joins, who of them has a label to change, in which order, and how many do.

Every choice comes from the seed of the run alone, so that methods, sizes and learners are compared on the same people.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from quorum.minority.population import Population

_JOIN, _ORDER, _KNOW = 21, 22, 23  # streams of random numbers
_FEW_VALUES = 20  # a feature with at most so many values is a code, not a measurement


def joined(population: Population, train: np.ndarray, alpha: float, seed: int) -> np.ndarray:
    """Rows of the members, ascending: a share alpha of the minority's persons in the training rows, all their rows.

    The persons of a run are shuffled once, and the first round(alpha * persons) join: whoever joins at one alpha does
    so at every larger one. A row of theirs that is outside the minority (a group may change with age) stays out.
    Raises ValueError for alpha outside 0..1.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}; it is a share of the minority, 0 to 1")
    minority = train[population.group[train] == 1]
    which, persons = pd.factorize(population.person[minority])
    place = np.random.default_rng([seed, _JOIN]).permutation(len(persons))
    return minority[place[which] < int(np.floor(alpha * len(persons) + 0.5))]


def candidates(population: Population, rows: np.ndarray) -> np.ndarray:
    """Of the rows, those of the minority with label 0, in the same order."""
    return rows[(population.label[rows] == 0) & (population.group[rows] == 1)]


def in_order(rows: np.ndarray, score: np.ndarray, seed: int) -> np.ndarray:
    """The rows, largest score first. score: (n,). Rows with the same score follow each other in an order shuffled by
    the seed, which is the same for every score over as many rows."""
    shuffled = np.random.default_rng([seed, _ORDER]).permutation(len(rows))
    return rows[shuffled[np.argsort(-score[shuffled], kind="stable")]]


def flip_counts(population: Population, alpha: float, steps: int, audit_share: float) -> np.ndarray:
    """Numbers of flips M to try, ascending: `steps` even steps from none to all that a collective of that size expects.

    That is round(j / (steps - 1) * alpha * (1 - audit_share) * N0), N0 being all rows of the minority with label 0, the
    same for every run; equal numbers are tried once. A run whose collective has fewer candidates flips all of them.
    Raises ValueError for fewer than 2 steps.
    """
    if steps < 2:
        raise ValueError(f"steps is {steps}; the first step is no flip and the last is all, so at least 2")
    most = alpha * (1 - audit_share) * len(candidates(population, np.arange(len(population.label))))
    return np.unique(np.floor(np.linspace(0, most, steps) + 0.5).astype(np.int64))


def known_rows(population: Population, train: np.ndarray, number: int | None, seed: int) -> np.ndarray:
    """Rows of the majority that the collective knows, ascending: all in the training rows (None), or so many drawn of
    them (all where there are fewer)."""
    majority = train[population.group[train] == 0]
    if number is None or number >= len(majority):
        return majority
    return np.sort(np.random.default_rng([seed, _KNOW]).choice(majority, number, replace=False))


def sensitive_features(population: Population) -> list[str]:
    """Features that say which group a row is in: no value occurs in both groups.

    A measurement can do that by chance, one distinct value a row; it counts only if one threshold parts the groups, a
    code (at most 20 values) in any case. NaN is no value.
    """
    sensitive = []
    for name in population.features:
        values = population.features[name].to_numpy()
        known = ~np.isnan(values)
        ours, theirs = values[known & (population.group == 1)], values[known & (population.group == 0)]
        if not len(ours) or not len(theirs):
            continue
        apart = ours.max() < theirs.min() or theirs.max() < ours.min()
        code = len(np.unique(values[known])) <= _FEW_VALUES and not np.intersect1d(ours, theirs).size
        if apart or code:
            sensitive.append(str(name))
    return sensitive
