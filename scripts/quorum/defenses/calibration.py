"""What all filters share: their scores, the threshold that follows from a reference, and the rank of a score in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from quorum.defenses.words import Words, blocks


@dataclass(frozen=True)
class Scores:
    """What a filter found: one finite score per text of the stream and per text of the reference; larger is worse.

    Both come from one function and mean the same, so that a threshold on the one holds for the other: what a filter
    looks for a text in (the stream, the reference or both) is there for a text of the reference too, without itself.

    accepted_from: per text of the stream, the smallest threshold at which it is accepted. That is its score, or less
    where a filter keeps a text in spite of it (`minhash` keeps the first of its near duplicates); so scores and this
    column decide every strength. reasons: in a few words what is suspicious in a text, "" where nothing is.
    """

    texts: np.ndarray
    reference: np.ndarray
    accepted_from: np.ndarray
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        if not all(np.isfinite(part).all() for part in (self.texts, self.reference, self.accepted_from)):
            raise ValueError("a filter's score is not finite")


LARGEST_RATE = 0.5
"""No strength rejects more of clean text: beyond it a filter is no filter."""


Found = tuple[np.ndarray, np.ndarray, Callable[[int], str]]
"""Of a block of texts: scores, accepted_from, and explain(row): what is suspicious in the text in that row."""


def score_blocks(texts: Sequence[str], reference: np.ndarray, measure: Callable[[int, Words], Found]) -> Scores:
    """Scores of texts by measure(number of the first text of a block, its words), a block of bounded size at a time.

    reference: the scores of the reference. Only texts that some strength could reject have a reason.
    """
    limit = threshold(reference, LARGEST_RATE)
    found, accepted_from, reasons = [np.zeros(0)], [np.zeros(0)], []
    for first, words in blocks(texts):
        scores, accepted, explain = measure(first, words)
        found.append(scores)
        accepted_from.append(accepted)
        reasons += [explain(row) if score > limit else "" for row, score in enumerate(scores.tolist())]
    return Scores(np.concatenate(found), reference, np.concatenate(accepted_from), tuple(reasons))


def threshold(scores: np.ndarray, false_positive_rate: float) -> float:
    """The smallest score t with at most that share of the scores strictly above t (a text is rejected if score > t).

    With n scores and k = the largest whole number with k / n <= rate, t is the (k+1)-th largest score. Scores that
    are tied with t are not above it, so ties can only lower the share that is rejected, and any smaller t would
    reject at least k+1 of n. For a clean text exchangeable with the reference, the probability of a score above t is
    at most (k+1) / (n+1) (split conformal prediction, Vovk et al. 2005), that is, the rate plus at most 1 / (n+1).

    Raises ValueError where there is no score, or the rate is not in [0, LARGEST_RATE].
    """
    if not 0 <= false_positive_rate <= LARGEST_RATE:
        raise ValueError(f"false_positive_rate is {false_positive_rate}; it must be at least 0, at most {LARGEST_RATE}")
    size = len(scores)
    if size == 0:
        raise ValueError("no reference scores: the reference is empty")
    above = int(false_positive_rate * size)
    if (above + 1) / size <= false_positive_rate:  # the product was rounded down across a whole number
        above += 1
    if above / size > false_positive_rate:  # or up
        above -= 1
    return float(np.sort(scores)[size - 1 - above])


def rank(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Empirical quantile of each value in the reference: share of the reference strictly below it, in 0..1.

    Values above all of the reference would all have quantile 1; to keep their order, e / (1 + e) is added, where e is
    the excess over the largest reference value. So ranks lie in [0, 2), and only those of unheard-of values are above
    1.
    """
    ordered = np.sort(reference)
    excess = np.maximum(values - ordered[-1], 0.0)
    return np.searchsorted(ordered, values, side="left") / len(ordered) + excess / (1 + excess)
