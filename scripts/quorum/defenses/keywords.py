"""A list of words that a firm would think of, looked up in each text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded
from quorum.defenses.calibration import Scores
from quorum.defenses.words import normalise, words

Terms = Mapping[tuple[str, ...], float]


def read_terms(lexicon: pd.DataFrame) -> dict[tuple[str, ...], float]:
    """The lexicon as {words of the term: weight}, its terms normalised like the texts.

    Raises ValueError that names the row (from 1) where a term is empty or occurs twice, or a weight is not a number
    above 0.
    """
    missing = [column for column in ("term", "weight") if column not in lexicon.columns]
    if missing:
        raise ValueError(f"lexicon: missing columns {missing}; it needs term and weight")
    terms: dict[tuple[str, ...], float] = {}
    weights = pd.to_numeric(lexicon["weight"], errors="coerce")
    for row, (term, weight) in enumerate(zip(lexicon["term"], weights, strict=True), start=1):
        key = words(normalise(term)) if isinstance(term, str) else ()
        if not key:
            raise ValueError(f"lexicon row {row}: the term is empty")
        if key in terms:
            raise ValueError(f"lexicon row {row}: the term {term!r} is already listed")
        if not (np.isfinite(weight) and weight > 0):
            raise ValueError(f"lexicon row {row}: the weight of {term!r} must be a number above 0")
        terms[key] = float(weight)
    if not terms:
        raise ValueError("lexicon: it lists no terms")
    return terms


def matches(tokens: Sequence[str], terms: Terms) -> list[tuple[str, ...]]:
    """The listed terms in the text, from left to right, the longest at each place, none overlapping.

    One look-up per word and length of a term: linear in the words, with no pattern that could backtrack.
    """
    lengths = sorted({len(term) for term in terms}, reverse=True)
    found: list[tuple[str, ...]] = []
    place = 0
    while place < len(tokens):
        hit = next((t for n in lengths if (t := tuple(tokens[place : place + n])) in terms), None)
        if hit:
            found.append(hit)
        place += len(hit) if hit else 1
    return found


def score(stream: Blinded, reference: Blinded, *, seed: int, lexicon: pd.DataFrame) -> Scores:
    """Sum of the weights of the listed terms in the text, divided by its number of words; 0 for a text without words.

    A text's score depends on that text and the lexicon alone, so the reference is scored just as the stream is.
    Raises ValueError for an unusable lexicon (see `read_terms`).
    """
    terms = read_terms(lexicon)

    def one(text: str) -> float:
        tokens = words(normalise(text))
        return sum(terms[hit] for hit in matches(tokens, terms)) / max(1, len(tokens))

    def explain(row: int, ids: Sequence[str]) -> str:
        listed = dict.fromkeys(" ".join(hit) for hit in matches(words(normalise(stream.texts[row])), terms))
        return f"matches listed terms: {', '.join(list(listed)[:5])}"

    found = np.array([one(text) for text in stream.texts])
    return Scores(found, np.array([one(text) for text in reference.texts]), found, explain)
