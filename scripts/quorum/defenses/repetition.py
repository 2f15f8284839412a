"""Repetition inside a text (the Gopher rules) and wordings that many texts of the corpus share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded
from quorum.defenses.calibration import Scores, rank
from quorum.defenses.words import ngrams, normalise, shorten, words

GOPHER_LIMITS = {
    "duplicate lines": 0.30,
    "duplicate paragraphs": 0.30,
    "characters in duplicate lines": 0.20,
    "characters in duplicate paragraphs": 0.20,
    "characters in the top 2-gram": 0.20,
    "characters in the top 3-gram": 0.18,
    "characters in the top 4-gram": 0.16,
    "characters in duplicate 5-grams": 0.15,
    "characters in duplicate 6-grams": 0.14,
    "characters in duplicate 7-grams": 0.13,
    "characters in duplicate 8-grams": 0.12,
    "characters in duplicate 9-grams": 0.11,
    "characters in duplicate 10-grams": 0.10,
}
"""Measure -> the share above which Gopher drops a document: Rae et al. 2021 (arXiv 2112.11446), Table A1."""

WORDING = 4
"""Length in words of a wording that texts share; shorter runs are ordinary English, longer ones rarely span a slot."""


def _duplicates(parts: Sequence[str]) -> tuple[float, float]:
    """Share of the parts, and of their characters, that repeat an earlier part."""
    seen: set[str] = set()
    repeated = []
    for part in parts:
        if part in seen:
            repeated.append(part)
        seen.add(part)
    return len(repeated) / max(1, len(parts)), sum(map(len, repeated)) / max(1, sum(map(len, parts)))


def _covered(lengths: Sequence[int], starts: Sequence[int], size: int) -> int:
    """Characters of the words in the n-grams that start there, each word counted once."""
    return sum(lengths[i] for i in {start + step for start in starts for step in range(size)})


def gopher(text: str) -> np.ndarray:
    """The 13 measures of Table A1 of a normalised text, in the order of GOPHER_LIMITS, each in 0..1.

    Characters are those of words (or of lines and paragraphs), each counted once. Two things that the paper leaves
    open are settled for texts as short as a sentence: an n-gram that occurs once is no repetition (the measure is 0),
    and all occurrences of a repeated n-gram count, the first included.
    """
    lines = [line.strip() for line in text.splitlines()]
    paragraphs = [block for block in "\n".join(lines).split("\n\n") if block.strip()]
    by_line, by_paragraph = _duplicates([line for line in lines if line]), _duplicates([p.strip() for p in paragraphs])
    measures = [by_line[0], by_paragraph[0], by_line[1], by_paragraph[1], *[0.0] * 9]
    tokens = words(text)
    lengths = [len(word) for word in tokens]
    total = max(1, sum(lengths))
    for size in range(2, 11):
        places: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for start in range(len(tokens) - size + 1):
            places[tokens[start : start + size]].append(start)
        repeated = [starts for starts in places.values() if len(starts) > 1]
        if not repeated:  # then no longer n-gram occurs twice either
            break
        if size <= 4:
            most = max(map(len, repeated))
            covered = max(_covered(lengths, starts, size) for starts in repeated if len(starts) == most)
        else:
            covered = _covered(lengths, [start for starts in repeated for start in starts], size)
        measures[2 + size] = covered / total
    return np.array(measures)


def shared_wording(documents: Sequence[Sequence[str]]) -> tuple[np.ndarray, Counter[tuple[str, ...]]]:
    """Per document (its words): the mean, over its distinct 4-grams, of the share of *other* documents that contain it.

    In 0..1; 0 for an empty or a lone document. Second: in how many documents each 4-gram occurs.
    """
    occurs: Counter[tuple[str, ...]] = Counter()
    wordings = {document: set(ngrams(document, WORDING)) for document in set(documents)}
    for document, times in Counter(documents).items():
        for wording in wordings[document]:
            occurs[wording] += times
    others = max(1, len(documents) - 1)
    value = {
        document: (sum(occurs[w] for w in found) - len(found)) / (len(found) * others) if found else 0.0
        for document, found in wordings.items()
    }
    return np.array([value[document] for document in documents]), occurs


def score(stream: Blinded, reference: Blinded, *, seed: int, lexicon: pd.DataFrame) -> Scores:
    """The larger of two ranks in the reference: repetition inside the text, and wordings that it shares with others.

    Inside: the largest of the 13 Gopher measures, each divided by its limit, so that Gopher drops a text above 1.
    Shared: `shared_wording` over stream and reference together. Each is turned into its empirical quantile in the
    reference (`calibration.rank`), because the two have no common unit.

    The rule for the reference: its texts are counted in the same corpus (stream and reference together, without the
    text itself) as the stream's. A reference stream of its own would be smaller and of another make-up, and its
    shares those of another corpus; like this an ordinary text has the same score whether it stands in the stream or
    in the reference.
    """
    cleaned = [normalise(text) for text in (*stream.texts, *reference.texts)]
    inside = {text: gopher(text) / np.array(list(GOPHER_LIMITS.values())) for text in set(cleaned)}
    documents = [words(text) for text in cleaned]
    own = np.array([inside[text].max() for text in cleaned])
    shared, occurs = shared_wording(documents)
    size = len(stream)
    own_rank, shared_rank = rank(own, own[size:]), rank(shared, shared[size:])
    combined = np.maximum(own_rank, shared_rank)

    def explain(row: int, ids: Sequence[str]) -> str:
        if own_rank[row] > shared_rank[row]:
            worst = int(inside[cleaned[row]].argmax())
            name, limit = list(GOPHER_LIMITS.items())[worst]
            return f"repeats itself: {name} {own[row] * limit:.2f} of the text"
        if not documents[row]:
            return "no wording"
        # the wording itself breaks ties, since the order of a set does not repeat between runs
        phrase = max(ngrams(documents[row], WORDING), key=lambda w: (occurs[w], w))
        return f"shares the wording “{shorten(' '.join(phrase))}” with {occurs[phrase] - 1} other texts"

    return Scores(combined[:size], combined[size:], combined[:size], explain)
