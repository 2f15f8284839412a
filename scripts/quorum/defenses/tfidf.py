"""Distance to ordinary text: how unlike the clean reference a text's words are, by TF-IDF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded
from quorum.defenses.calibration import Found, Scores, score_blocks
from quorum.defenses.ragged import Ragged, runs, side_by_side
from quorum.defenses.words import Words, blocks

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NEIGHBOURS = 5
_ROWS = 256  # cosines of this many texts with 1,000 clean ones stay in the second-level cache
_FREQUENT = 0.05


@dataclass(frozen=True)
class Clean:
    """The reference's distinct texts as TF-IDF vectors of length 1, laid out for products with many others.

    terms: their hashes, sorted; idf: weight of each. Terms that at least _FREQUENT of the texts have are the rows of
    the dense array `frequent` (terms x texts), the others those of the sparse `rare`; row: of a term in one of the two.
    total: sum of the vectors. texts: fingerprints, sorted, with the text's column in `column`.
    """

    terms: np.ndarray
    idf: np.ndarray
    is_frequent: np.ndarray
    row: np.ndarray
    frequent: np.ndarray
    rare: csr_array
    total: np.ndarray
    texts: np.ndarray
    column: np.ndarray

    @property
    def size(self) -> int:
        """Number of distinct texts."""
        return len(self.texts)

    @property
    def idf_of_unknown(self) -> float:
        """Weight of a term that no clean text has."""
        return np.log(1 + self.size) + 1


def _terms(words: Words) -> tuple[Ragged, np.ndarray]:
    """Per text the hashes of its distinct words and pairs of neighbouring words, sorted, and how often each occurs."""
    return side_by_side(words.hashes, runs(words.hashes, 2, short=False)).counted()


def learn(reference: Blinded) -> Clean:
    """The reference as the filter knows it; of texts with the same words one counts."""
    from scipy.sparse import csr_array

    parts = [words for _, words in blocks(reference.texts)]
    fingerprints, first = np.unique(np.concatenate([words.fingerprints() for words in parts]), return_index=True)
    read = [_terms(words) for words in parts]
    starts = np.concatenate([[0], np.cumsum(np.concatenate([terms.sizes for terms, _ in read]))])
    together = Ragged(np.concatenate([terms.values for terms, _ in read]), starts)
    order = np.sort(first)
    chosen, counts = together.take(order), Ragged(np.concatenate([c for _, c in read]), starts).take(order).values
    terms, term = np.unique(chosen.values, return_inverse=True)
    size = len(chosen)
    idf = np.log((1 + size) / (1 + np.bincount(term, minlength=len(terms)))) + 1
    values = _unit(chosen, counts * idf[term])
    by_term = csr_array((values, (term, chosen.rows)), shape=(len(terms), size))
    is_frequent = np.diff(by_term.indptr) >= _FREQUENT * size
    row = np.where(is_frequent, np.cumsum(is_frequent), np.cumsum(~is_frequent)) - 1
    return Clean(
        terms=terms,
        idf=idf,
        is_frequent=is_frequent,
        row=row,
        frequent=by_term[is_frequent].toarray(),
        rare=by_term[~is_frequent],
        total=by_term.sum(axis=1),
        texts=fingerprints,
        column=np.searchsorted(order, first),
    )


def _unit(terms: Ragged, weights: np.ndarray) -> np.ndarray:
    """The weights divided by the length of the vector that they make in each row."""
    return weights / np.repeat(np.sqrt(terms.sums(weights**2)), terms.sizes)


def distances(words: Words, clean: Clean) -> np.ndarray:
    """1 - (mean cosine to the nearest clean texts + cosine to their centroid) / 2, one per text, in 0..1.

    A clean text with the same words is left out for that text. Every number follows from its text alone, to the last
    digit, whatever other texts are scored with it.
    """
    terms, counts = _terms(words)
    at = np.minimum(np.searchsorted(clean.terms, terms.values), max(0, len(clean.terms) - 1))
    known = clean.terms[at] == terms.values if len(clean.terms) else np.zeros(len(terms.values), dtype=bool)
    if not known.any():
        return np.ones(len(words))
    values = _unit(terms, counts * np.where(known, clean.idf[at], clean.idf_of_unknown))
    place = np.minimum(np.searchsorted(clean.texts, words.fingerprints()), clean.size - 1)
    mine = np.where(clean.texts[place] == words.fingerprints(), clean.column[place], -1)
    near = np.zeros(len(words))
    frequent, rare = (
        _rows(terms, known & (clean.is_frequent[at] == kind), values, clean.row[at], height)
        for kind, height in ((True, clean.frequent.shape[0]), (False, clean.rare.shape[0]))
    )
    for start in range(0, len(words), _ROWS):
        cosines = frequent[start : start + _ROWS] @ clean.frequent
        few = rare[start : start + _ROWS] @ clean.rare
        cosines[np.repeat(np.arange(few.shape[0]), np.diff(few.indptr)), few.indices] += few.data
        own = mine[start : start + _ROWS]
        cosines[np.flatnonzero(own >= 0), own[own >= 0]] = 0.0
        near[start : start + _ROWS] = _largest(cosines)
    is_clean = mine >= 0
    others = clean.size - is_clean
    mean = np.divide(near, np.minimum(others, NEIGHBOURS), out=np.zeros_like(near), where=others > 0)
    # the centroid without the text itself, from |T - x|^2 = |T|^2 - 2 Tx + |x|^2 with T the sum of all
    with_all = terms.sums(np.where(known, values * clean.total[at], 0.0))
    norm = np.sqrt(np.maximum(clean.total @ clean.total + is_clean * (1 - 2 * with_all), 0.0))
    dot = with_all - is_clean
    centroid = np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 1e-9)
    return np.clip(1 - (mean + centroid) / 2, 0.0, 1.0)


def _rows(terms: Ragged, chosen: np.ndarray, values: np.ndarray, column: np.ndarray, width: int) -> csr_array:
    """The chosen terms of each text as rows of a sparse array, in the order of their hashes."""
    from scipy.sparse import csr_array

    starts = np.concatenate([[0], np.cumsum(chosen)])[terms.starts]
    return csr_array((values[chosen], column[chosen], starts), shape=(len(terms), width))


def _largest(cosines: np.ndarray) -> np.ndarray:
    """Sum of the NEIGHBOURS largest of each row; overwrites them with 0."""
    rows, total = np.arange(len(cosines)), np.zeros(len(cosines))
    for _ in range(NEIGHBOURS):
        at = cosines.argmax(axis=1)
        total += cosines[rows, at]
        cosines[rows, at] = 0.0
    return total


def score_part(part: Blinded, reference: Blinded, shared: None, *, first_row: int, lexicon: pd.DataFrame) -> Scores:
    """`distances` to the reference, from 0 (like it in every word) to 1.

    Vectors: words and word pairs, term frequency x (ln((1+n) / (1+df)) + 1) with n and df from the reference's
    distinct texts (scikit-learn's TfidfTransformer), scaled to length 1. Words that the reference does not have keep
    the weight of df = 0: dropping them, as a vectoriser fitted on the reference alone does, would bring a text of
    unknown words nearer.

    The rule for the reference: a reference text is compared with the others, itself left out of neighbours and
    centroid. So that the same holds for the stream, a text of the stream with the words of a reference text is not
    compared with that one either. An empty text is at distance 1.
    """
    clean = learn(reference)

    def measure(first: int, words: Words) -> Found:
        found = distances(words, clean)
        return found, found, lambda row: f"unlike the reference texts: TF-IDF distance {found[row]:.2f}"

    known = np.concatenate([distances(words, clean) for _, words in blocks(reference.texts)])
    return score_blocks(part.texts, known, measure)
