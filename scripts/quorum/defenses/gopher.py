"""How much a text repeats itself: the measures of Gopher's repetition rules (Rae et al. 2021, arXiv 2112.11446)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from quorum.defenses.ragged import Ragged, runs, starts_of
from quorum.defenses.words import Words

LIMITS = {
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
"""Measure -> the share above which Gopher drops a document: Table A1 of the paper."""

_LINE, _PARAGRAPH = re.compile(r"\n+"), re.compile(r"\n{2,}")
_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))


def measures(words: Words) -> tuple[np.ndarray, np.ndarray]:
    """The 13 measures of LIMITS for each text (texts x 13), shares of its characters (of its lines, of its paragraphs),
    and whether anything is repeated in a measure (texts x 13, bool).

    Defined as in datatrove's GopherRepetitionFilter, on the words of `words.read` and the normalised text: a repeated
    line, paragraph or n-gram counts from its second occurrence on, n-grams of 5 to 10 words without overlaps and by
    their letters alone. The top n-gram is the first of the most frequent ones, and all of its occurrences count; so
    its measure is above 1 where many overlap, and above 0 where the most frequent one occurs once, which in a web page
    is next to nothing, and in a short sentence is much. A text without words has measures 0.
    """
    found, repeated = np.zeros((len(words), len(LIMITS))), np.ones((len(words), len(LIMITS)), dtype=bool)
    characters = np.maximum(1, np.array([len(text) for text in words.texts], dtype=np.int64))
    for row, text in enumerate(words.texts):
        if "\n" in text:
            lines, blocks = _duplicates(_LINE.split(text)), _duplicates(_PARAGRAPH.split(text.strip()))
            found[row, :4] = lines[0], blocks[0], lines[1] / len(text), blocks[1] / len(text)
    for column, size in enumerate((2, 3, 4), start=4):
        letters, times = _top(words, size)
        found[:, column], repeated[:, column] = letters / characters, times > 1
    sums, inverse = _sums(words.letters)
    known: dict[tuple[str, int], int] = {}  # what repeats itself is often sent many times
    for column, size in enumerate(range(5, 11), start=7):
        for row in _repeating(words, size, sums, inverse).tolist():
            key = words.texts[row], size
            if key not in known:
                known[key] = _repeated_letters(words.of(row), size)
            found[row, column] = known[key] / characters[row]
    return found, repeated & (found > 0)


def _duplicates(parts: Sequence[str]) -> tuple[float, int]:
    """Share of the parts that repeat an earlier one, and the characters of those."""
    seen: set[str] = set()
    repeated, letters = 0, 0
    for part in parts:
        if part in seen:
            repeated += 1
            letters += len(part)
        seen.add(part)
    return repeated / len(parts), letters


def _top(words: Words, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Characters (spaces between words included) of the first of the most frequent n-grams, times its frequency; and
    that frequency. Both 0 without n-grams."""
    grams = runs(words.hashes, size, short=False)
    until = np.concatenate([[0], np.cumsum(words.lengths)])
    found, frequency = (np.zeros(len(words), dtype=np.int64) for _ in range(2))
    for rows, places in grams.matrices():
        order = np.argsort(grams.values[places], axis=1, kind="stable")
        ordered = np.take_along_axis(grams.values[places], order, axis=1)
        begins = np.ones(places.shape, dtype=bool)
        begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        at = np.flatnonzero(begins)
        times, first = np.diff(at, append=places.size), order.ravel()[at]
        # the most frequent, and of those the first: both in one number
        rank = times * places.shape[1] - first
        best = np.maximum.reduceat(rank, starts_of(begins.sum(axis=1))[:-1])
        times = -(-best // places.shape[1])
        place = words.hashes.starts[rows] + times * places.shape[1] - best
        found[rows], frequency[rows] = times * (until[place + size] - until[place] + size - 1), times
    return found, frequency


def _sums(letters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Up to each letter the sum of letter x BASE^place, and the inverse of BASE^place, all modulo 2^64."""
    power, inverse = (np.full(len(letters) + 1, base) for base in (_BASE, _INVERSE))
    power[0] = inverse[0] = 1
    values = (letters.astype(np.uint64) + np.uint64(1)) * np.cumprod(power)[:-1]
    return np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(values)]), np.cumprod(inverse)


def _repeating(words: Words, size: int, sums: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Texts in which two n-grams have the same letters, wherever their words end; rarely one that has not.

    A hash of letters a to b, a polynomial in them, follows from the sums up to a and up to b.
    """
    counts = np.maximum(words.hashes.sizes - size + 1, 0)
    left = np.repeat(words.hashes.starts[1:], words.hashes.sizes) - np.arange(len(words.lengths))
    begin = np.flatnonzero(left >= size)
    first, last = words.ends[begin], words.ends[begin + size]
    grams = Ragged((sums[last] - sums[first]) * inverse[first], starts_of(counts))
    return np.flatnonzero(grams.distinct().sizes < counts)


def _repeated_letters(tokens: Sequence[str], size: int) -> int:
    """Letters of the n-grams that repeat an earlier one, from left to right and without overlaps."""
    seen: set[str] = set()
    letters, place = 0, 0
    while place <= len(tokens) - size:
        gram = "".join(tokens[place : place + size])
        if gram in seen:
            letters += len(gram)
            place += size
        else:
            seen.add(gram)
            place += 1
    return letters
