"""A list of words that a firm would think of, looked up in each text."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded
from quorum.defenses.calibration import Found, Scores, score_blocks
from quorum.defenses.ragged import LONGEST_RUN, runs
from quorum.defenses.words import Words, blocks, read

Terms = Mapping[tuple[str, ...], float]


def read_terms(lexicon: pd.DataFrame) -> dict[tuple[str, ...], float]:
    """The lexicon as {words of the term: weight}, its terms read like the texts.

    Raises ValueError that names the row (from 1) where a term is empty, too long or occurs twice, or a weight is not a
    number above 0.
    """
    missing = [column for column in ("term", "weight") if column not in lexicon.columns]
    if missing:
        raise ValueError(f"lexicon: missing columns {missing}; it needs term and weight")
    terms: dict[tuple[str, ...], float] = {}
    weights = pd.to_numeric(lexicon["weight"], errors="coerce")
    spelt = read([term if isinstance(term, str) else "" for term in lexicon["term"]])
    for row, (term, weight) in enumerate(zip(lexicon["term"], weights, strict=True)):
        key = tuple(spelt.of(row))
        if not key:
            raise ValueError(f"lexicon row {row + 1}: the term is empty")
        if key in terms:
            raise ValueError(f"lexicon row {row + 1}: the term {term!r} is already listed")
        if not (np.isfinite(weight) and weight > 0):
            raise ValueError(f"lexicon row {row + 1}: the weight of {term!r} must be a number above 0")
        if len(key) > LONGEST_RUN:
            raise ValueError(f"lexicon row {row + 1}: a term has at most {LONGEST_RUN} words")
        terms[key] = float(weight)
    if not terms:
        raise ValueError("lexicon: it lists no terms")
    return terms


def find(words: Words, terms: Terms) -> tuple[np.ndarray, np.ndarray]:
    """Where listed terms stand: (place of the first word among all words, number of the term), from left to right.

    In each text the longest term at each place counts, and none overlaps one before it. One look-up per word and length
    of a term: linear in the words, with no pattern that could backtrack.
    """
    hits = []
    for size in sorted({len(term) for term in terms}):
        numbers = np.array([number for number, term in enumerate(terms) if len(term) == size])
        wanted = runs(read([" ".join(term) for term in terms if len(term) == size]).hashes, size).values
        order = np.argsort(wanted)
        wanted, numbers = wanted[order], numbers[order]
        found = runs(words.hashes, size, short=False)
        at = np.minimum(np.searchsorted(wanted, found.values), len(wanted) - 1)
        gram = np.flatnonzero(wanted[at] == found.values)
        row = np.searchsorted(found.starts, gram, side="right") - 1
        place = gram - found.starts[row] + words.hashes.starts[row]
        hits.append(np.column_stack([place, numbers[at[gram]], np.full_like(place, size)]))
    table = np.concatenate(hits)
    table = table[np.lexsort((-table[:, 2], table[:, 0]))]
    kept, free = [], 0
    for row, (place, _, size) in enumerate(table.tolist()):
        if place >= free:
            kept.append(row)
            free = place + size
    return table[kept, 0], table[kept, 1]


def score_part(part: Blinded, reference: Blinded, shared: None, *, first_row: int, lexicon: pd.DataFrame) -> Scores:
    """Sum of the weights of the listed terms in a text, divided by its number of words; 0 for a text without words.

    A text's score depends on that text and the lexicon alone, so the reference is scored just as the stream is.
    Raises ValueError for an unusable lexicon (see `read_terms`).
    """
    terms = read_terms(lexicon)
    weights, names = np.array(list(terms.values())), [" ".join(term) for term in terms]

    def measure(first: int, words: Words) -> Found:
        place, term = find(words, terms)
        row = np.searchsorted(words.hashes.starts, place, side="right") - 1
        sums = np.bincount(row, weights[term], minlength=len(words))
        scores = sums / np.maximum(1, words.hashes.sizes)

        def explain(text: int) -> str:
            begin, end = np.searchsorted(row, (text, text + 1))
            listed = list(dict.fromkeys(names[number] for number in term[begin:end].tolist()))
            return f"matches listed terms: {', '.join(listed[:5])}"

        return scores, scores, explain

    clean = np.concatenate([measure(first, words)[0] for first, words in blocks(reference.texts)])
    return score_blocks(part.texts, clean, measure)
