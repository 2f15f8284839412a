"""How a filter reads a text: in one spelling, cut to a stated length, as words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa

from quorum import logbook
from quorum.defenses.ragged import Ragged, mixed, starts_of

MAX_CHARACTERS = 2_000
"""Characters of a text that a filter reads. A contribution is a sentence; this bounds what a hostile one can cost."""

_WORD = re.compile(r"[^\W_]")
_BETWEEN = re.compile(r"[\W_]+")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Mn", "Me"})
_BLOCK = 1 << 21
# After `_BETWEEN` is blanked in them, other texts than plain ASCII hold no byte above 127 outside of a word.
_IN_WORD = np.array([byte > 127 or chr(byte).isalnum() for byte in range(256)])


@dataclass(frozen=True)
class Words:
    """The words of texts, laid end to end.

    texts: normalised. hashes: a row of 64-bit hashes per text, one a word. lengths: characters of each word. letters:
    the UTF-8 bytes of all words without what stands between them, word k in letters[ends[k]:ends[k + 1]].
    """

    texts: tuple[str, ...]
    hashes: Ragged
    lengths: np.ndarray
    letters: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def fingerprints(self) -> np.ndarray:
        """A 63-bit hash of each text's words in their order, whatever stands between them."""
        place = np.arange(len(self.lengths), dtype=np.uint64) - np.repeat(
            self.hashes.starts[:-1].astype(np.uint64), self.hashes.sizes
        )
        found = np.zeros(len(self), dtype=np.uint64)
        some = self.hashes.sizes > 0
        if some.any():
            found[some] = np.add.reduceat(mixed(self.hashes.values ^ mixed(place)), self.hashes.starts[:-1][some])
        return mixed(found) >> np.uint64(1)

    def of(self, row: int, place: int = 0, number: int = MAX_CHARACTERS) -> list[str]:
        """The words of one text, or so many of them from a place on."""
        end = self.hashes.starts[row + 1]
        first = min(self.hashes.starts[row] + place, end)
        last = min(first + number, end)
        own = self.letters[self.ends[first] : self.ends[last]].tobytes()
        places = self.ends[first : last + 1] - self.ends[first]
        return [own[a:b].decode() for a, b in pairwise(places.tolist())]


class _OneSpelling(dict[int, str]):
    """Replacement of every character, as str.translate asks for it: nothing for an invisible one, and the Latin letter
    that another one passes for."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        gone = unicodedata.category(character) in _INVISIBLE and not character.isspace()
        self[code] = "" if gone else _look_alikes().get(character, character)
        return self[code]


@cache
def _look_alikes() -> dict[str, str]:
    """Letter -> the one ASCII letter that Unicode's security data (UTS 39, confusables.txt) says it looks like."""
    from confusable_homoglyphs.confusables import confusables_data

    return {
        letter: found[0]["c"]
        for letter, found in confusables_data.items()
        if len(letter) == 1 and letter.isalpha() and not letter.isascii()
        and len(found) == 1 and len(found[0]["c"]) == 1 and found[0]["c"].isascii() and found[0]["c"].isalpha()
    }  # fmt: skip


_SPELLING = _OneSpelling()


def normalise(text: str) -> str:
    """The first MAX_CHARACTERS of the text in one spelling: NFKC, look-alike letters as the Latin ones that they pass
    for, casefold, nothing invisible.

    Removed are control and format characters (zero-width, direction marks), lone surrogates and combining marks that
    NFKC could not compose, which all serve to break a word apart without showing; white space stays. Look-alikes are
    those of Unicode's security data with one ASCII letter; words of other scripts lose some of their letters to it, in
    every text alike.
    """
    text = text[:MAX_CHARACTERS]
    if text.isascii() and text.isprintable():
        return text.lower()
    shown = unicodedata.normalize("NFKC", text)[:MAX_CHARACTERS].translate(_SPELLING)
    folded = unicodedata.normalize("NFKC", shown.casefold())
    return folded.translate(_SPELLING)[:MAX_CHARACTERS]


def hash_words(words: Sequence[str]) -> np.ndarray:
    """64-bit hashes (SipHash), the same in every process."""
    return pd.util.hash_array(np.array(words, dtype=object), categorize=False)


def blocks(texts: Sequence[str]) -> Iterator[tuple[int, Words]]:
    """The texts read in parts of bounded size, each with the number of its first text."""
    tell = logbook.teller(len(texts), "texts")
    first, room = 0, _BLOCK
    for row, text in enumerate(texts):
        room -= min(len(text), MAX_CHARACTERS) + 1
        if room < 0:
            yield first, read(texts[first : row + 1])
            tell(row + 1)
            first, room = row + 1, _BLOCK
    if first < len(texts):
        yield first, read(texts[first:])


def read(texts: Sequence[str]) -> Words:
    """The words of every text: runs of letters and digits. A text of symbols alone has its symbols as words.

    Time and memory are linear in the characters read, whatever they are.
    """
    cleaned = [normalise(text) for text in texts]
    spaced = [text if text.isascii() else _BETWEEN.sub(" ", text) for text in cleaned]
    wordless = [row for row, text in enumerate(cleaned) if not _WORD.search(text)]
    for row in wordless:
        spaced[row] = " ".join("".join(cleaned[row].split()))
    lines = [text.encode() for text in spaced]
    # a line break before and after every text: no word goes from one into the next
    content = np.frombuffer(b"\n".join([b"", *lines, b""]), dtype=np.uint8)
    starts = starts_of(np.array([len(line) + 1 for line in lines], dtype=np.int64)) + 1
    inside = _IN_WORD[content]
    for row in wordless:
        inside[starts[row] : starts[row + 1] - 1] = content[starts[row] : starts[row + 1] - 1] != ord(" ")
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    first, last = edges[::2], edges[1::2]
    letters, ends = content[inside], starts_of(last - first)
    spelt = pa.StringArray.from_buffers(
        len(first), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(letters)
    ).dictionary_encode()
    vocabulary, which = spelt.dictionary.to_pylist(), spelt.indices.to_numpy()
    # SipHash: the same in every process, and nobody finds a word with the hash of another
    hashes = pd.util.hash_array(np.array(vocabulary, dtype=object), categorize=False)[which]
    lengths = np.array([len(word) for word in vocabulary], dtype=np.int64)[which]
    return Words(tuple(cleaned), Ragged(hashes, np.searchsorted(first, starts)), lengths, letters, ends)


def shorten(text: str, limit: int = 60) -> str:
    """The text, cut where it is longer than the limit; for reasons that quote it."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
