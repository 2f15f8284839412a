"""A signal of one's own: the experiment in which the bound of Hardt et al. 2023 can be held against what happens.

Members are a random share alpha of all training rows (of both groups). Each replaces (x, y) by (g(x), y*): g sets one
feature to the planted value, y* is the label that is rarer where that value occurs. Success is the share of other
people x for whom the model says f(g(x)) = y*. Features are made discrete, so that every probability in the bound is a
count, and the firm "bayes", which takes the majority's label in every cell of the table, is Bayes-optimal (epsilon =
0) on the training rows, as the bound assumes. Two assumptions are met only up to sampling: that the members are people
like the others, and that success is counted on such people too (it is counted on held-out rows). So few members that
some cells of the table have none of them can stay below the bound.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from quorum.logbook import progress
from quorum.minority.learners import LEARNERS
from quorum.minority.population import Population, split
from quorum.schemas import SCHEMAS
from quorum.statistics import hardt_bound

_MEMBERS = 41  # stream of random numbers
_MOST_CELLS = 10_000_000


def run(
    population: Population,
    dataset: str,
    learner: str,
    seed: int,
    feature: str,
    others: Sequence[str],
    alphas: Sequence[float],
    bins: int = 5,
    audit_share: float = 0.3,
) -> pd.DataFrame:
    """Table minority_signal_runs of one seed: every value of `feature`, and one that nobody has, at every alpha.

    learner: bayes, or a name of LEARNERS. The model sees `feature` and `others`, each cut to at most `bins` values.
    Raises ValueError for alpha outside of (0, 1), an unknown feature, or a table of too many cells.
    """
    outside = [alpha for alpha in alphas if not 0 < alpha < 1]
    if outside:
        raise ValueError(f"alpha is {outside[0]}; a signal needs members and others, so it must be between 0 and 1")
    names = [feature, *(name for name in others if name != feature)]
    unknown = [name for name in names if name not in population.features]
    if unknown:
        raise ValueError(f"{dataset} has no feature {unknown[0]}")
    codes, values = discretised(population.features[names], bins)
    sizes = codes.max(axis=0) + 1
    sizes[0] += 1  # the value that nobody has
    if np.prod(sizes.astype(float)) > _MOST_CELLS:
        raise ValueError(f"the table of {', '.join(names)} has over {_MOST_CELLS:,} cells; take fewer features or bins")
    train, audit = split(population, seed, audit_share)
    shuffled = np.random.default_rng([seed, _MEMBERS]).permutation(train)
    rows = []
    for value, name in enumerate(progress([*values, "a value that nobody has"], "signals")):
        target = rarer_label(population.label[codes[:, 0] == value] if value < len(values) else population.label)
        for alpha in alphas:
            members, rest = np.split(shuffled, [int(np.floor(alpha * len(train) + 0.5))])
            seen = np.concatenate([planted(codes[members], value), codes[rest]])
            label = np.concatenate([np.full(len(members), target), population.label[rest]])
            asked = planted(codes[audit], value)
            if learner == "bayes":
                rule = bayes_rule(_cells(seen, sizes), label, int(np.prod(sizes)))
                predicted = rule[_cells(asked, sizes)]
            else:
                floats = seen.astype(float)
                predicted = LEARNERS[learner](seed, floats).fit(floats, label).predict(asked.astype(float))
            xi, delta = rarity(codes[rest], _cells(codes[rest], sizes), population.label[rest], value, target)
            rows.append(
                {
                    "signal": f"{feature}: {name}",
                    "alpha": float(alpha),
                    "success": float((predicted == target).mean()),
                    "xi": xi,
                    "delta": delta,
                    "bound": hardt_bound(len(members) / len(train), delta, xi),
                }
            )
    frame = pd.DataFrame(rows).assign(dataset=dataset, learner=learner, seed=seed)
    return frame[[column.name for column in SCHEMAS["minority_signal_runs"]]]


def discretised(features: pd.DataFrame, bins: int) -> tuple[np.ndarray, list[str]]:
    """(n, d) codes from 0, and what the codes of the first feature mean.

    A feature of at most `bins` values keeps them, another is cut at its quantiles; NaN is a value of its own, the last.
    """
    codes, meanings = [], []
    for name in features:
        values = features[name]
        if values.nunique() > bins:
            values = pd.qcut(values, bins, duplicates="drop")
            named = [(values == part, features[name][values == part]) for part in values.cat.categories]
        else:
            named = [(values == part, pd.Series([part])) for part in sorted(values.dropna().unique())]
        code = np.full(len(values), len(named))
        texts = []
        for number, (mine, inside) in enumerate(named):
            code[mine.to_numpy()] = number
            low, high = inside.min(), inside.max()
            texts.append(f"{low + 0.0:g}" if low == high else f"{low + 0.0:g} to {high + 0.0:g}")  # no "-0"
        codes.append(code)
        meanings.append(texts + ["unknown"] * bool((code == len(named)).any()))
    return np.stack(codes, axis=1), meanings[0]


def planted(codes: np.ndarray, value: int) -> np.ndarray:
    """(n, d) codes with the first feature set to the value: g of the theory."""
    changed = codes.copy()
    changed[:, 0] = value
    return changed


def rarer_label(label: np.ndarray) -> int:
    """The label that fewer of the rows have; 1 on a tie."""
    return int(2 * label.sum() <= len(label))


def bayes_rule(cell: np.ndarray, label: np.ndarray, n_cells: int, weight: np.ndarray | None = None) -> np.ndarray:
    """(n_cells,) the label with the larger weight in every cell: 0 on a tie, that of all rows together in empty cells.

    cell: (n,) numbers below n_cells; label: (n,); weight: (n,), 1 each by default.
    """
    sign = (2 * label - 1) * (1 if weight is None else weight)
    total = np.bincount(cell, weights=sign, minlength=n_cells)
    empty = np.bincount(cell, minlength=n_cells) == 0
    return np.where(empty, sign.sum() > 0, total > 0).astype(np.int64)


def rarity(codes: np.ndarray, cell: np.ndarray, label: np.ndarray, value: int, target: int) -> tuple[float, float]:
    """(xi, delta) of a signal among the rows outside the collective: the share of rows that carry it, and the largest
    gap max_y P0(y|x) - P0(target|x) over the cells x of those; 0 if there are none.

    codes: (n, d), the signal's feature first; cell: (n,) numbers of the rows' cells; label: (n,).
    """
    carries = codes[:, 0] == value
    if not carries.any():
        return 0.0, 0.0
    _, where = np.unique(cell[carries], return_inverse=True)
    share = np.bincount(where, weights=label[carries] == target) / np.bincount(where)
    return float(carries.mean()), float(np.maximum(1 - 2 * share, 0).max())


def _cells(codes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return np.ravel_multi_index(tuple(codes.T), tuple(sizes))
