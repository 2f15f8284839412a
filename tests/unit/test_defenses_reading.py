"""How filters read texts: one spelling, words, and rows of different lengths treated at once."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum.defenses.ragged import Ragged, runs, side_by_side, starts_of
from quorum.defenses.words import MAX_CHARACTERS, _look_alikes, blocks, normalise, read, shorten

ROWS = st.lists(st.lists(st.integers(0, 5), max_size=9), max_size=12)
ANY_TEXT = st.text(st.characters(), max_size=60) | st.text(st.sampled_from("aB é-_\n.?🩺שа\u200b"), max_size=60)


def ragged(rows: list[list[int]]) -> Ragged:
    values = np.array([value for row in rows for value in row], dtype=np.uint64)
    return Ragged(values, starts_of(np.array([len(row) for row in rows], dtype=np.int64)))


def listed(found: Ragged) -> list[list[int]]:
    return [found.values[a:b].tolist() for a, b in pairwise(found.starts.tolist())]


# ---- rows of different lengths ---------------------------------------------------------------------------------------


@given(ROWS)
def test_rows_come_back_as_they_are(rows: list[list[int]]) -> None:
    found = ragged(rows)
    assert listed(found) == rows
    assert len(found) == len(rows)
    assert found.rows.tolist() == [number for number, row in enumerate(rows) for _ in row]
    order = list(range(len(rows)))[::-2]
    assert listed(found.take(np.array(order, dtype=np.int64))) == [rows[number] for number in order]
    assert found.sums(found.values.astype(float)).tolist() == [sum(row) for row in rows]


@given(ROWS)
def test_counted_rows(rows: list[list[int]]) -> None:
    found, times = ragged(rows).counted()
    assert listed(found) == [sorted(set(row)) for row in rows]
    assert times.tolist() == [row.count(value) for row in rows for value in sorted(set(row))]


@given(ROWS, ROWS)
def test_rows_side_by_side(one: list[list[int]], other: list[list[int]]) -> None:
    size = min(len(one), len(other))
    found = side_by_side(ragged(one[:size]), ragged(other[:size]))
    assert listed(found) == [a + b for a, b in zip(one[:size], other[:size], strict=True)]


def test_matrices_are_bounded_and_hold_every_value_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorum.defenses.ragged._CELLS", 10)
    rows = [[1] * size for size in (3, 0, 3, 12, 3, 3, 3, 1)]
    seen = []
    for numbers, places in ragged(rows).matrices():
        assert places.size <= 10 or len(numbers) == 1
        seen += places.ravel().tolist()
    assert sorted(seen) == list(range(sum(map(len, rows))))


@given(ROWS, st.integers(1, 5), st.booleans())
def test_runs_are_equal_exactly_where_their_values_are(rows: list[list[int]], size: int, short: bool) -> None:
    expected = [
        [tuple(row[i : i + size]) for i in range(len(row) - size + 1)] or ([tuple(row)] if row and short else [])
        for row in rows
    ]
    found = runs(ragged(rows), size, short)
    assert found.sizes.tolist() == [len(row) for row in expected]
    hashes: dict[tuple[int, ...], set[int]] = {}
    for row, values in zip(expected, listed(found), strict=True):
        for run, value in zip(row, values, strict=True):
            hashes.setdefault(run, set()).add(value)
    assert all(len(values) == 1 for values in hashes.values())
    assert len(set().union(*hashes.values())) == len(hashes)
    assert not len(found.values) or found.values.max() < 2**63


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Who was",
        "who\u200b was",
        "W\u00adHO WAS",
        "\uff57\uff48\uff4f was",
        "w\u0338ho\u202e was",
        "who\x00 was",
        "wh\u043e w\u0430\u0455",  # Cyrillic
        "W\u041d\u039f W\u0391S",  # Cyrillic and Greek capitals
        "\U0001d430\U0001d421\U0001d428 was",  # mathematical bold
        "wh\u1d0f was",  # small capital
        "who_was",
    ],
)
def test_one_spelling(text: str) -> None:
    assert read([text]).of(0) == ["who", "was"]


def test_spellings_that_are_not_the_same() -> None:
    assert read(["ẅho was"]).of(0) == ["ẅho", "was"]
    assert normalise("Straße ﬁn") == "strasse fin"
    assert normalise("TNF-\u03b1 and \u00b5g, 5 \u03bcm") == "tnf-a and \u03bcg, 5 \u03bcm"


def test_look_alikes_are_letters_that_become_one_latin_letter() -> None:
    found = _look_alikes()
    assert len(found) > 500
    assert all(not letter.isascii() and letter.isalpha() for letter in found)
    assert all(len(latin) == 1 and latin.isascii() and latin.isalpha() for latin in found.values())
    cyrillic = dict(zip("\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0455\u0456", "aeopcxysi", strict=True))
    assert cyrillic.items() <= found.items()


@given(ANY_TEXT)
def test_normalising_is_bounded_and_leaves_nothing_invisible(text: str) -> None:
    found = normalise(text)
    assert len(found) <= MAX_CHARACTERS
    assert not any("\ud800" <= c <= "\udfff" or c in "\u200b\u202e\x00" for c in found)
    found.encode()


@given(st.lists(ANY_TEXT, max_size=8))
def test_words_as_a_regular_expression_finds_them(texts: list[str]) -> None:
    found = read(texts)
    assert len(found) == len(texts)
    spelt = {}
    for row, text in enumerate(texts):
        clean = normalise(text)
        expected = re.findall(r"[^\W_]+", clean) or list("".join(clean.split()))
        assert found.of(row) == expected
        assert found.of(row, 1, 2) == expected[1:3]
        first, last = found.hashes.starts[row], found.hashes.starts[row + 1]
        assert found.lengths[first:last].tolist() == [len(word) for word in expected]
        spelt.update(zip(expected, found.hashes.values[first:last].tolist(), strict=True))
    assert len(set(spelt.values())) == len(spelt)


@given(st.lists(st.lists(st.sampled_from(["a", "b", "ab"]), max_size=5), max_size=10))
def test_fingerprints_are_of_words_in_their_order(rows: list[list[str]]) -> None:
    found = read([", ".join(words) for words in rows]).fingerprints().tolist()
    again = read([" ".join(words).upper() + "!" if words else "" for words in rows[::-1]]).fingerprints().tolist()[::-1]
    assert found == again
    for one in range(len(rows)):
        for other in range(len(rows)):
            assert (found[one] == found[other]) == (rows[one] == rows[other])


def test_blocks_are_bounded_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorum.defenses.words._BLOCK", 10)
    texts = ["one two", "", "x" * 3_000, "three", "four five six seven", "🩺", ""]
    found, expected = list(blocks(texts)), read(texts)
    assert len(found) > 2
    assert [text for _, words in found for text in words.texts] == list(expected.texts)
    assert np.concatenate([words.hashes.values for _, words in found]).tolist() == expected.hashes.values.tolist()
    assert [first for first, _ in found] == np.cumsum([0] + [len(words) for _, words in found])[:-1].tolist()
    assert list(blocks([])) == []


def test_reasons_quote_briefly() -> None:
    assert shorten("x" * 60) == "x" * 60
    assert shorten("x" * 61) == "x" * 59 + "…"
