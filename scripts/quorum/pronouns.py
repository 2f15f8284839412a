"""The pronouns that are counted, and what follows from them: the gender of a text, its prompt and its completion.

The lists are those of the measure (DESIGN.md, section 2): they stand here once, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "male": ("he", "him", "his", "himself"),
        "female": ("she", "her", "hers", "herself"),
        "neutral": ("they", "them", "their", "theirs", "themself", "themselves"),
    }
)
GENDERS = tuple(WORDS)
NONE = "none"

SLOTS = ("SUBJ", "OBJ", "POSS", "REFL")
_FORMS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "male": {"SUBJ": "he", "OBJ": "him", "POSS": "his", "REFL": "himself"},
        "female": {"SUBJ": "she", "OBJ": "her", "POSS": "her", "REFL": "herself"},
        "neutral": {"SUBJ": "they", "OBJ": "them", "POSS": "their", "REFL": "themselves"},
    }
)

_GENDER_OF = {word: gender for gender, words in WORDS.items() for word in words}
# A pronoun is a whole word: "he" is none in "the", "ache" or "he2", but one in "he's" and "(s)he".
# Letter case is ignored in ASCII only: else the long s of Unicode would make a "she" that is in no list.
_PRONOUN = re.compile(r"(?<!\w)(?ai:" + "|".join(sorted(_GENDER_OF, key=len, reverse=True)) + r")(?!\w)")
_SLOT = re.compile(r"\[(" + "|".join(SLOTS) + r")\]")


def first_gender(text: str) -> str:
    """Gender of the first counted pronoun of the text: male, female or neutral; none if it has no counted pronoun."""
    found = _PRONOUN.search(text)
    return NONE if found is None else _GENDER_OF[found[0].lower()]


def split_at_pronoun(text: str) -> tuple[str, str]:
    """(prompt, completion) with prompt + completion == text; the completion starts at the first counted pronoun.

    One space before the pronoun belongs to the completion, since language models spell a word with the space before it.
    A text without a counted pronoun is all completion.
    """
    found = _PRONOUN.search(text)
    if found is None:
        return "", text
    start = found.start()
    if text[:start].endswith(" "):
        start -= 1
    return text[:start], text[start:]


def fill(skeleton: str, gender: str) -> str:
    """The skeleton with its pronoun slots ([SUBJ], [OBJ], [POSS], [REFL]) in the forms of the gender.

    Raises KeyError for a gender without forms.
    """
    forms = _FORMS[gender]
    return _SLOT.sub(lambda slot: forms[slot[1]], skeleton)
