"""Near duplicates: MinHash signatures and LSH find pairs of texts, and their exact Jaccard similarity judges them.

Texts with the same words are one *document*. `digest` is what a part of a stream tells of its documents, `link`
compares those of all parts, and `score_part` looks a part's texts up in the outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded
from quorum.defenses.calibration import Found, Scores, score_blocks
from quorum.defenses.groups import merging_levels
from quorum.defenses.ragged import Ragged, mixed, runs, starts_of
from quorum.defenses.words import Words, blocks
from quorum.logbook import progress

SHINGLE = 3
BANDS = 42
ROWS = 3
"""A pair of similarity s shares a band with probability 1 - (1 - s^3)^42: 0.35 at s = .2, 0.94 at .4, 0.999 at .55."""
WINDOW = 4
NOT_IN_STREAM = -1
_CHUNK = 2_048
_PAIRS = 100_000

Digest = tuple[pd.DataFrame, pd.DataFrame]


# ---- a part of the stream --------------------------------------------------------------------------------------------


def digest(part: Blinded, first_row: int = 0) -> Digest:
    """The documents of a part, sorted, and their shingles: frames of the tables `documents` and `shingles`.

    first_row: number of the part's first text in the whole stream, from 0.
    """
    every, keys, shingles = ([np.zeros(0, dtype=np.uint64)] for _ in range(3))
    sizes = [np.zeros(0, dtype=np.int64)]
    for _, words in blocks(part.texts):
        every.append(words.fingerprints())
        found, at = np.unique(every[-1], return_index=True)
        own = runs(words.hashes, SHINGLE).take(at).distinct()
        keys.append(found)
        shingles.append(own.values)
        sizes.append(own.sizes)
    document, first, copies = np.unique(np.concatenate(every), return_index=True, return_counts=True)
    _, chosen = np.unique(np.concatenate(keys), return_index=True)
    own = Ragged(np.concatenate(shingles), starts_of(np.concatenate(sizes))).take(chosen)
    documents = {
        "document": document.view(np.int64),
        "first_row": first + first_row,
        "copies": copies,
        "shingles": own.sizes,
    }
    return pd.DataFrame(documents), pd.DataFrame({"shingle": own.values.view(np.int64)})


def digest_reference(reference: Blinded) -> Digest:
    """`digest` of the reference, whose documents are compared with the stream's, and are no copies of anything."""
    documents, shingles = digest(reference)
    return documents.assign(first_row=NOT_IN_STREAM, copies=0), shingles


# ---- all parts together ----------------------------------------------------------------------------------------------


def link(digests: Sequence[Digest], seed: int) -> pd.DataFrame:
    """What is near what, over all parts of the stream and the reference: a frame of table `duplicates`, sorted.

    Per document: its copies and the row of the first of them, its largest verified similarity to another document, the
    row of that one, and the similarity from which on it is no first of its group (see `groups.merging_levels`).
    The same for any division into parts, and for any order of the rows but for first_row, nearest_row and joined_at.
    """
    documents = pd.concat([found for found, _ in digests], ignore_index=True)
    values = np.concatenate([shingles["shingle"].to_numpy() for _, shingles in digests]).view(np.uint64)
    key, at, where = np.unique(documents["document"].to_numpy(), return_index=True, return_inverse=True)
    shingles = Ragged(values, starts_of(documents["shingles"].to_numpy())).take(at)
    copies = np.zeros(len(key), dtype=np.int64)
    np.add.at(copies, where, documents["copies"].to_numpy())
    arrival = np.full(len(key), np.inf)
    came = documents["first_row"].to_numpy()
    np.minimum.at(arrival, where[came >= 0], came[came >= 0])
    one, other, similarity = near_pairs(shingles, seed)
    nearest, partner = np.zeros(len(key)), np.full(len(key), len(key))
    for mine in (one, other):
        np.maximum.at(nearest, mine, similarity)
    for mine, theirs in ((one, other), (other, one)):
        best = (similarity == nearest[mine]) & (similarity > 0)
        np.minimum.at(partner, mine[best], theirs[best])
    rows = np.append(np.where(np.isfinite(arrival), arrival, NOT_IN_STREAM), NOT_IN_STREAM).astype(np.int64)
    return pd.DataFrame(
        {
            "document": key,
            "copies": copies,
            "first_row": rows[:-1],
            "nearest": nearest,
            "nearest_row": rows[partner],
            "joined_at": merging_levels(one, other, similarity, arrival),
        }
    )


def near_pairs(shingles: Ragged, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of documents that share a band (first < second), and the exact similarity of each."""
    one, other = candidates(band_keys(shingles, seed))
    return one, other, jaccard(shingles, one, other)


def signatures(shingles: Ragged, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """MinHash signatures in chunks: (document numbers, BANDS * ROWS x documents); none of documents without shingles.

    Two agree in a share of rows that estimates their Jaccard similarity (Broder 1997). A permutation of 32-bit numbers
    is x -> ax + b modulo 2^32 with a odd.
    """
    draw = np.random.default_rng([seed, 5])
    factors, terms = draw.integers(2**32, size=(2, BANDS * ROWS), dtype=np.uint32)
    factors |= np.uint32(1)
    hashes = (mixed(shingles.values) >> np.uint64(32)).astype(np.uint32)
    for documents, places in shingles.matrices():
        for start in range(0, len(documents), _CHUNK):
            values = np.ascontiguousarray(hashes[places[start : start + _CHUNK]].T)
            permuted, found = np.empty_like(values), np.empty((BANDS * ROWS, values.shape[1]), dtype=np.uint32)
            for row in range(BANDS * ROWS):
                np.multiply(values, factors[row], out=permuted)
                permuted += terms[row]
                np.minimum.reduce(permuted, axis=0, out=found[row])
            yield documents[start : start + _CHUNK], found


def band_keys(shingles: Ragged, seed: int) -> np.ndarray:
    """A number for each band of each document's signature (BANDS x documents, uint32)."""
    keys = np.zeros((BANDS, len(shingles)), dtype=np.uint32)
    for documents, found in signatures(shingles, seed):
        for band in range(BANDS):
            key = np.full(len(documents), band, dtype=np.uint64)
            for row in found[band * ROWS : (band + 1) * ROWS]:
                key = mixed(key ^ row)
            keys[band, documents] = key >> np.uint64(32)
    return keys


def candidates(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of documents (first < second) that share at least one band, each pair once.

    In a bucket of many documents each is paired with the WINDOW next ones alone, so that the pairs grow with the number
    of documents, not with its square, even if all are alike. Documents of a bucket stand in the order of their next
    band, as in an LSH forest (Bawa, Condie and Ganesan 2005), so that those that share that band too are next to each
    other: over all bands a document meets its nearest ones first.
    """
    bands, size = keys.shape
    codes = [np.zeros(0, dtype=np.int64)]
    for band in progress(range(bands), "bands"):
        key = (keys[band].astype(np.uint64) << np.uint64(32)) | keys[(band + 1) % bands]
        order = np.argsort(key, kind="stable")
        ordered = key[order] >> np.uint64(32)
        for step in range(1, min(WINDOW, size - 1) + 1):
            same = np.flatnonzero(ordered[step:] == ordered[:-step])
            one, other = order[same], order[same + step]
            codes.append(np.minimum(one, other) * size + np.maximum(one, other))
    pairs = np.concatenate(codes)
    codes.clear()
    pairs.sort()
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return pairs // max(1, size), pairs % max(1, size)


def jaccard(shingles: Ragged, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Shared / all shingles of each pair of documents; shingles are distinct and sorted in each document."""
    from scipy.sparse import csr_array

    sets = csr_array(
        (np.ones(len(shingles.values), dtype=np.int8), shingles.values.view(np.int64), shingles.starts),
        shape=(len(shingles), 2**63 - 1),
    )
    shared = np.zeros(len(one), dtype=np.int64)
    for start in progress(range(0, len(one), _PAIRS), "blocks of pairs"):
        part = slice(start, start + _PAIRS)
        mine, theirs = sets[one[part]], sets[other[part]]
        mine.has_canonical_format = theirs.has_canonical_format = True  # or the width would be allocated
        shared[part] = np.diff(mine.multiply(theirs).indptr)
    return shared / np.maximum(1, shingles.sizes[one] + shingles.sizes[other] - shared)


# ---- scores ----------------------------------------------------------------------------------------------------------


def share(stream: Blinded, reference: Blinded, seed: int) -> pd.DataFrame:
    """The linked documents of a stream in one part."""
    return link([digest(stream), digest_reference(reference)], seed)


def score_part(
    part: Blinded, reference: Blinded, shared: pd.DataFrame, *, first_row: int, lexicon: pd.DataFrame
) -> Scores:
    """Largest verified Jaccard similarity (word 3-shingles) to any other text of stream and reference, in 0..1.

    Candidates share an LSH band (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3), and each is
    verified exactly, so the score is never above the true value, and below it only where the nearest text was not a
    candidate. part: the stream or a part of it, whose first text is number first_row of the stream; shared: `link`
    of all parts and the reference.

    The score is symmetric: of two near duplicates both have it. The verdict keeps the first: texts joined, directly or
    through others, by similarities above the threshold form a group, and the first of each group in the order of the
    stream stays, as deduplication keeps one copy of what it finds many times. Which one stays depends on the order; how
    many, and all other verdicts, do not.

    The rule for the reference: its texts are sought in the same corpus, stream and reference together, since the
    nearest of many texts is nearer than the nearest of few. Texts with the same words are one document; that a
    reference text also stands in the stream counts for neither, that a text stands in the stream twice gives both
    score 1.
    """
    key, copies, came, nearest, nearest_row, joined_at = (
        shared[column].to_numpy()
        for column in ("document", "copies", "first_row", "nearest", "nearest_row", "joined_at")
    )

    def found(words: Words) -> np.ndarray:
        return np.searchsorted(key, words.fingerprints().view(np.int64))

    def measure(first: int, words: Words) -> Found:
        at = found(words)
        scores = np.where(copies[at] > 1, 1.0, nearest[at])
        is_first = came[at] == first_row + first + np.arange(len(words))

        def explain(row: int) -> str:
            document = at[row]
            if copies[document] > 1:
                return f"one of {copies[document]} texts with the same words"
            other = nearest_row[document]
            name = "a reference text" if other == NOT_IN_STREAM else f"row {other + 1} of the stream"
            return f"near duplicate of {name}: Jaccard {nearest[document]:.2f}"

        return scores, np.where(is_first, joined_at[at], 1.0), explain

    clean = np.concatenate([nearest[found(words)] for _, words in blocks(reference.texts)])
    return score_blocks(part.texts, clean, measure)
