"""Near duplicates: MinHash signatures and LSH find pairs of texts, and their exact Jaccard similarity judges them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded
from quorum.defenses.calibration import Scores
from quorum.defenses.words import ngrams, normalise, words

SHINGLE = 3
BANDS = 42
ROWS = 3
"""A pair of similarity s shares a band with probability 1 - (1 - s^3)^42: 0.35 at s = .2, 0.94 at .4, 0.999 at .55."""
WINDOW = 16
PARTNERS = 16


def signatures(shingles: Sequence[Sequence[str]], seed: int) -> np.ndarray:
    """MinHash signatures (documents x BANDS * ROWS); two agree in a share of columns that estimates their Jaccard."""
    from rensa import RMinHash

    rows = RMinHash.digests_from_token_sets(shingles, BANDS * ROWS, seed)
    return np.array(rows, dtype=np.uint64).reshape(len(shingles), BANDS * ROWS)


def candidates(signature: np.ndarray) -> np.ndarray:
    """Pairs (i < j) of documents that share at least one band: rows of i, j and the number of bands shared.

    In a bucket of many documents, each is paired with the WINDOW next ones alone, so that the pairs grow with the
    number of documents, not with its square, even if all are alike. With documents in alphabetical order those share
    a beginning.
    """
    size = len(signature)
    codes = [np.zeros(0, dtype=np.int64)]
    for band in range(BANDS):
        key = np.zeros(size, dtype=np.uint64)
        for column in range(band * ROWS, (band + 1) * ROWS):
            key = (key ^ signature[:, column]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        for step in range(1, min(WINDOW, size - 1) + 1):
            same = np.flatnonzero(ordered[step:] == ordered[:-step])
            codes.append(order[same] * size + order[same + step])
    pairs, shared = np.unique(np.concatenate(codes), return_counts=True)
    return np.column_stack([pairs // max(1, size), pairs % max(1, size), shared])


def _closest(pairs: np.ndarray) -> np.ndarray:
    """The pairs that are among the PARTNERS with most shared bands of one of their two documents."""
    ends = np.concatenate([pairs[:, 0], pairs[:, 1]])
    shared = np.concatenate([pairs[:, 2], pairs[:, 2]])
    order = np.lexsort((-shared, ends))
    first = np.searchsorted(ends[order], ends[order], side="left")
    chosen = order[np.arange(len(order)) - first < PARTNERS]
    return pairs[np.unique(chosen % max(1, len(pairs)))]


def jaccard(one: frozenset, other: frozenset) -> float:
    """Shared / all shingles of two sets, not both empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def merging_levels(pairs: np.ndarray, similarity: np.ndarray, arrival: np.ndarray) -> np.ndarray:
    """For every node the largest similarity at which it is joined with a node that arrived before; 0 if it never is.

    pairs: (m, 2) nodes, similarity: (m,) in 0..1, arrival: (n,) place of each node in the stream, infinite for nodes
    that are not in it (they join others, and are first of nothing). Joined at a threshold t are nodes that a path of
    similarities above t connects (single linkage). As t falls, groups merge, and of two that do the one whose first
    node came later loses it as a first: its level is the similarity at which they merge (the elder rule). So at every
    threshold t the first of each group are exactly the nodes with a level of at most t.
    """
    first = np.arange(len(arrival))
    level = np.zeros(len(arrival))

    def root(node: int) -> int:
        while first[node] != node:
            first[node] = node = first[first[node]]
        return node

    for edge in np.argsort(-similarity, kind="stable"):
        one, other = root(pairs[edge, 0]), root(pairs[edge, 1])
        if one != other:
            elder, younger = (one, other) if arrival[one] <= arrival[other] else (other, one)
            first[younger] = elder
            if np.isfinite(arrival[younger]):
                level[younger] = similarity[edge]
    return level


def score(stream: Blinded, reference: Blinded, *, seed: int, lexicon: pd.DataFrame) -> Scores:
    """Largest verified Jaccard similarity (word 3-shingles) to any other text of stream and reference, in 0..1.

    Candidates share an LSH band (Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3); of
    each document the PARTNERS candidates that share most bands are verified exactly, so the score is never above the
    true value, and below it only where the nearest text was not a candidate.

    The score is symmetric: of two near duplicates both have it. The verdict keeps the first: texts joined, directly or
    through others, by similarities above the threshold form a group, and the first of each group in the order of the
    stream stays, as deduplication keeps one copy of what it finds many times. Which one stays depends on the order; how
    many, and all other verdicts, do not.

    The rule for the reference: its texts are sought in the same corpus, stream and reference together, since the
    nearest of many texts is nearer than the nearest of few. Texts with the same words are one document; that a
    reference text also stands in the stream counts for neither, that a text stands in the stream twice gives both
    score 1.
    """
    documents = [words(normalise(text)) for text in (*stream.texts, *reference.texts)]
    distinct = sorted(set(documents))  # an order that does not depend on that of the rows
    place = {document: index for index, document in enumerate(distinct)}
    node = np.array([place[document] for document in documents], dtype=np.int64)
    shingles = [frozenset(map(" ".join, ngrams(document, SHINGLE))) for document in distinct]
    pairs = _closest(candidates(signatures([sorted(s) for s in shingles], seed)))
    similarity = np.array([jaccard(shingles[i], shingles[j]) for i, j, _ in pairs])

    nearest, partner = np.zeros(len(distinct)), np.full(len(distinct), -1)
    for (i, j, _), value in zip(pairs, similarity, strict=True):
        for one, other in ((i, j), (j, i)):
            if value > nearest[one]:
                nearest[one], partner[one] = value, other
    size = len(stream)
    rows = node[:size]
    in_stream = Counter(rows.tolist())
    own = np.array([1.0 if in_stream[n] > 1 else nearest[n] for n in rows.tolist()])
    arrival = np.full(len(distinct), np.inf)
    came, first_row = np.unique(rows, return_index=True)
    arrival[came] = first_row
    is_first = arrival[rows] == np.arange(size)
    accepted_from = np.where(is_first, merging_levels(pairs[:, :2], similarity, arrival)[rows], 1.0)

    def explain(row: int, ids: Sequence[str]) -> str:
        twin = node[row] if in_stream[int(node[row])] > 1 else partner[node[row]]
        if twin < 0:
            return "no near duplicate"
        other = next((r for r in np.flatnonzero(rows == twin) if r != row), None)
        name = "a reference text" if other is None else ids[other]
        return f"near duplicate of {name}: Jaccard {own[row]:.2f}"

    return Scores(own, nearest[node[size:]], accepted_from, explain)
