from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import pronouns

ALL_WORDS = [word for words in pronouns.WORDS.values() for word in words]
# Texts that are dense in pronouns and in things that look like one.
PIECES = st.sampled_from(
    [
        *ALL_WORDS,
        "The",
        "HE",
        "She",
        "there",
        "ache",
        "hero",
        "heé",
        "\u017fhe",
        "'s",
        " ",
        "  ",
        ".",
        ",",
        "_",
        "\n",
        "9",
        "İ",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(" ".join))


def slow_first_gender(text: str) -> str:
    """A reference without a pattern of pronouns: walks over maximal runs of word characters."""
    for word in re.findall(r"\w+", text):
        for gender, words in pronouns.WORDS.items():
            if word.isascii() and word.lower() in words:
                return gender
    return "none"


@given(TEXTS)
def test_first_gender_equals_a_walk_over_the_words(text):
    assert pronouns.first_gender(text) == slow_first_gender(text)


@given(TEXTS)
def test_prompt_and_completion_are_the_text_and_the_prompt_has_no_pronoun(text):
    prompt, completion = pronouns.split_at_pronoun(text)
    assert prompt + completion == text
    assert pronouns.first_gender(prompt) == "none"
    assert pronouns.first_gender(completion) == pronouns.first_gender(text)


@pytest.mark.parametrize(
    ("text", "prompt", "completion"),
    [
        ("The nurse said she left.", "The nurse said", " she left."),
        ("She left.", "", "She left."),
        ("Said (he) twice: his.", "Said (", "he) twice: his."),
        ("The chart was there.", "", "The chart was there."),
        ("Then  THEY left", "Then ", " THEY left"),
    ],
)
def test_split_at_pronoun_by_hand(text, prompt, completion):
    assert pronouns.split_at_pronoun(text) == (prompt, completion)


@pytest.mark.parametrize("word", ALL_WORDS)
def test_every_counted_word_is_of_its_gender_and_of_no_other(word):
    gender = pronouns.first_gender(f"Then {word.upper()}, again.")
    assert word in pronouns.WORDS[gender]
    assert sum(word in words for words in pronouns.WORDS.values()) == 1


def test_fill_uses_the_forms_of_the_gender():
    skeleton = "[SUBJ] hurt [REFL]; [POSS] leg hurt [OBJ] [here|there]"
    assert pronouns.fill(skeleton, "male") == "he hurt himself; his leg hurt him [here|there]"
    assert pronouns.fill(skeleton, "female") == "she hurt herself; her leg hurt her [here|there]"
    assert pronouns.fill(skeleton, "neutral") == "they hurt themselves; their leg hurt them [here|there]"
    with pytest.raises(KeyError):
        pronouns.fill(skeleton, "none")


@pytest.mark.parametrize("gender", pronouns.GENDERS)
@pytest.mark.parametrize("slot", pronouns.SLOTS)
def test_filled_slots_are_counted_words_of_the_gender(gender, slot):
    assert pronouns.fill(f"[{slot}]", gender) in pronouns.WORDS[gender]
