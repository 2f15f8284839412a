"""How a filter reads a text: normalised, cut to a stated length, as words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

MAX_CHARACTERS = 2_000
"""Characters of a text that a filter reads. A contribution is a sentence; this bounds what a hostile one can cost."""

_WORD = re.compile(r"[^\W_]+")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Mn", "Me"})


@lru_cache(maxsize=65_536)
def _kept(character: str) -> str:
    return character if character.isspace() or unicodedata.category(character) not in _INVISIBLE else ""


def normalise(text: str) -> str:
    """The first MAX_CHARACTERS of the text in one spelling: NFKC, casefold, nothing invisible.

    Removed are control and format characters (zero-width, direction marks), lone surrogates and combining marks that
    NFKC could not compose, which all serve to break a word apart without showing; white space stays.
    """
    text = text[:MAX_CHARACTERS]
    if text.isascii() and text.isprintable():
        return text.casefold()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(map(_kept, folded))[:MAX_CHARACTERS]


def words(text: str) -> tuple[str, ...]:
    """The words of a normalised text: runs of letters and digits. A text of symbols alone gives its symbols."""
    return tuple(_WORD.findall(text)) or tuple("".join(text.split()))


def ngrams(tokens: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """All runs of `size` words, in order; a shorter text is one run of all its words, an empty one has none."""
    if tokens:
        for start in range(max(1, len(tokens) - size + 1)):
            yield tuple(tokens[start : start + size])


def shorten(text: str, limit: int = 60) -> str:
    """The text, cut where it is longer than the limit; for reasons that quote it."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
