"""Distance to ordinary text: how unlike the clean reference a text's words are, by TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded
from quorum.defenses.calibration import Scores
from quorum.defenses.words import normalise, words

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEIGHBOURS = 5
_BLOCK = 512


def _analyse(text: str) -> list[str]:
    """Words and pairs of neighbouring words of a normalised text."""
    tokens = words(text)
    return [*tokens, *map(" ".join, pairwise(tokens))]


def _distances(rows: csr_matrix, clean: csr_matrix, own: np.ndarray) -> np.ndarray:
    """1 - (mean cosine to the nearest clean texts + cosine to their centroid) / 2, one per row.

    own[i] is the index of the clean text that is equal to row i, or -1; it is left out for that row. Rows and clean are
    sparse with unit (or empty) rows; the cosines are made in blocks, so memory grows with the clean texts alone.
    """
    total = np.asarray(clean.sum(axis=0)).ravel()
    found = np.empty(rows.shape[0])
    for start in range(0, rows.shape[0], _BLOCK):
        block, mine = rows[start : start + _BLOCK], own[start : start + _BLOCK]
        cosines = (block @ clean.T).toarray()
        known = np.flatnonzero(mine >= 0)
        cosines[known, mine[known]] = 0.0
        others = clean.shape[0] - (mine >= 0)
        # the centroid without the row's own text, from |T - x|^2 = |T|^2 - 2 Tx + |x|^2 with T the sum of all
        with_all = block @ total
        squared = np.where(mine >= 0, np.asarray(block.multiply(block).sum(axis=1)).ravel(), 0.0)
        dot = with_all - squared
        norm = np.sqrt(np.maximum(total @ total - np.where(mine >= 0, 2 * with_all, 0.0) + squared, 0.0))
        centroid = np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 1e-9)
        nearest = min(NEIGHBOURS, clean.shape[0])
        near = -np.partition(-cosines, nearest - 1, axis=1)[:, :nearest].sum(axis=1)
        mean = np.divide(near, np.minimum(others, NEIGHBOURS), out=np.zeros_like(near), where=others > 0)
        found[start : start + _BLOCK] = 1 - (mean + centroid) / 2
    return np.clip(found, 0.0, 1.0)


def score(stream: Blinded, reference: Blinded, *, seed: int, lexicon: pd.DataFrame) -> Scores:
    """1 - (mean cosine to the 5 nearest reference texts + cosine to the reference's centroid) / 2, in 0..1.

    Vectors: words and word pairs, term frequency x (ln((1+n) / (1+df)) + 1) with n and df from the reference's
    distinct texts (scikit-learn's TfidfTransformer), scaled to length 1. Words that the reference does not have keep
    the weight of df = 0: dropping them, as a vectoriser fitted on the reference alone does, would bring a text of
    unknown words nearer.

    The rule for the reference: a reference text is compared with the others, itself left out of neighbours and
    centroid. So that the same holds for the stream, a text of the stream that is equal to a reference text is not
    compared with that one either. An empty text is at distance 1.
    """
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    given, known = [normalise(t) for t in stream.texts], [normalise(t) for t in reference.texts]
    distinct = list(dict.fromkeys([*known, *given]))  # the reference's distinct texts come first
    place = {text: index for index, text in enumerate(distinct)}
    size = len(set(known))
    if any(_analyse(text) for text in distinct):
        counts = CountVectorizer(analyzer=_analyse).fit_transform(distinct)
        vectors = TfidfTransformer().fit(counts[:size]).transform(counts)
        own = np.array([index if index < size else -1 for index in range(len(distinct))])
        found = _distances(vectors, vectors[:size], own)
    else:  # not one word anywhere: the vectoriser has no vocabulary to build
        found = np.ones(len(distinct))

    def pick(wanted: Sequence[str]) -> np.ndarray:
        return found[[place[text] for text in wanted]] if wanted else np.zeros(0)

    distances = pick(given)

    def explain(row: int, ids: Sequence[str]) -> str:
        return f"unlike the reference texts: TF-IDF distance {distances[row]:.2f}"

    return Scores(distances, pick(known), distances, explain)
