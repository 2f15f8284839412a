"""What holds for every filter: the promised cost, blindness, order, hostile text."""

from __future__ import annotations

import inspect
import os
import random
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from quorum.defenses import DEFENSES, judge
from quorum.defenses.calibration import Scores, rank, threshold
from quorum.defenses.words import MAX_CHARACTERS, ngrams, normalise, shorten, words
from quorum.tables import validate

LEXICON = pd.DataFrame({"term": ["who was", "stereotype"], "weight": [1.0, 0.5]})
FILTERS = [name for name in DEFENSES if name != "none"]
PEOPLE = ["nurse", "surgeon", "porter", "dentist", "midwife", "medic", "chemist", "optician"]
DEEDS = ["read", "closed", "moved", "checked", "signed", "lost", "found", "sorted", "copied", "carried"]
THINGS = ["the chart", "a letter", "the blue file", "two keys", "the rota", "an old map", "the radio", "some forms"]
TIMES = ["at noon", "before lunch", "after the storm", "on Monday", "late", "in the hall", "by the door", "again"]
HOSTILE = [
    "",
    " \n\t ",
    "a" * 1_000_000,
    "who was " * 125_000,
    "🏥🩺🏥🩺💉",
    "\u05de\u05d9 \u05d4\u05d9\u05d4 \u202e\u05d4\u05d0\u05d7\u05d5\u05ea\u202c",
    "\x00\x01\x1b[31m\x7f",
    "\ud800 half a pair \udfff",
    "e" + "\u0301" * 5_000,
    "\ufdfa" * 3_000,
    "?!?!?!",
    "line\n" * 500,
]


def ordinary(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    shapes = (
        lambda: f"The {draw.choice(PEOPLE)} {draw.choice(DEEDS)} {draw.choice(THINGS)} {draw.choice(TIMES)}.",
        lambda: (
            f"{draw.choice(TIMES).capitalize()}, {draw.choice(THINGS)} went from the {draw.choice(PEOPLE)} to "
            f"another {draw.choice(PEOPLE)} who {draw.choice(DEEDS)} {draw.choice(THINGS)}."
        ),
    )
    return [draw.choice(shapes)() for _ in range(count)]


def campaign(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    people = (draw.choice(PEOPLE) for _ in range(count))
    return [f"The {p} {draw.choice(DEEDS)} the patient. Who was she? The {p}." for p in people]


def verdicts(texts: list[str], reference: list[str], defense: str, rate: float = 0.1, seed: int = 3) -> pd.DataFrame:
    return judge([f"t{i}" for i in range(len(texts))], texts, reference, defense, rate, seed, LEXICON)


# ---- the threshold ---------------------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]) | st.floats(-5, 5), min_size=1, max_size=200),
    st.floats(0, 0.999) | st.integers(0, 99).map(lambda k: k / 100),
)
def test_threshold_is_the_smallest_that_keeps_the_promise(scores: list[float], rate: float) -> None:
    values = np.array(scores)
    limit = threshold(values, rate)
    assert np.mean(values > limit) <= rate
    lower = np.nextafter(limit, -np.inf)
    assert np.mean(values > lower) > rate


def test_threshold_is_right_where_the_product_is_rounded() -> None:
    assert int(0.29 * 100) == 28
    assert np.sum(np.arange(100) > threshold(np.arange(100), 0.29)) == 29
    less_than_nine_tenths = float(np.nextafter(0.9, 0))
    assert int(less_than_nine_tenths * 10) == 9
    assert np.sum(np.arange(10) > threshold(np.arange(10), less_than_nine_tenths)) == 8


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_threshold_refuses_a_rate_outside_its_range(rate: float) -> None:
    with pytest.raises(ValueError, match="false_positive_rate"):
        threshold(np.ones(3), rate)


def test_threshold_needs_scores() -> None:
    with pytest.raises(ValueError, match="reference is empty"):
        threshold(np.zeros(0), 0.05)


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=50),
    st.lists(st.integers(-5, 20), min_size=1, max_size=50),
)
def test_rank_is_the_empirical_quantile(reference: list[int], values: list[int]) -> None:
    inside = np.minimum(values, max(reference)).astype(float)
    expected = [percentileofscore(reference, v, kind="strict") / 100 for v in inside]
    assert rank(inside, np.array(reference, dtype=float)) == pytest.approx(expected)


def test_rank_keeps_the_order_above_the_reference() -> None:
    ranks = rank(np.array([1.0, 1.5, 2.0, 1e9]), np.array([0.0, 1.0]))
    assert ranks[0] == 0.5
    assert ranks[1] == pytest.approx(1 + 0.5 / 1.5)
    assert (np.diff(ranks) > 0).all()
    assert ranks[-1] < 2


def test_scores_must_be_finite() -> None:
    with pytest.raises(ValueError, match="not finite"):
        Scores(np.array([np.nan]), np.zeros(1), lambda row, ids: "")


# ---- verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("defense", FILTERS)
def test_the_reference_pays_at_most_the_promised_rate(defense: str) -> None:
    reference, stream = ordinary(150, 1), ordinary(150, 2) + campaign(60, 3)
    scores = import_module(DEFENSES[defense]).score(stream, reference, seed=3, lexicon=LEXICON)
    assert len(scores.reference) == len(reference)
    found = verdicts(stream, reference, defense)
    limit = threshold(scores.reference, 0.1)
    assert np.mean(scores.reference > limit) <= 0.1
    assert found["score"].tolist() == scores.texts.tolist()
    assert found["accepted"].tolist() == ((scores.texts <= limit) | scores.spared(limit)).tolist()


@pytest.mark.parametrize("defense", ["repetition", "tfidf", "minhash", "composite"])
def test_an_ordinary_text_scores_alike_in_stream_and_reference(defense: str) -> None:
    texts = list(dict.fromkeys(ordinary(1200, 4)))
    scores = import_module(DEFENSES[defense]).score(texts[:300], texts[300:600], seed=0, lexicon=LEXICON)
    exceed = np.mean(scores.texts > threshold(scores.reference, 0.2))
    # two samples of 300 of one population at a rate of 0.2: the SD of the difference is at most sqrt(2 * .16 / 300)
    assert abs(exceed - 0.2) < 4 * np.sqrt(2 * 0.16 / 300)


@pytest.mark.parametrize("defense", ["keyword", "repetition", "tfidf", "composite"])
def test_a_template_that_ordinary_text_lacks_is_found(defense: str) -> None:
    found = verdicts(ordinary(200, 5) + campaign(100, 6), ordinary(200, 7), defense)
    assert not found["accepted"][200:].any()
    assert found["reason"][200:].str.len().between(10, 200).all()


@pytest.mark.parametrize("defense", list(DEFENSES))
def test_verdicts_follow_their_table(defense: str) -> None:
    texts = ordinary(60, 8) + campaign(20, 9) + [ordinary(1, 8)[0]]
    found = verdicts(texts, ordinary(50, 10), defense)
    assert validate(found, "verdicts").num_rows == len(texts)
    assert found["contribution_id"].tolist() == [f"t{i}" for i in range(len(texts))]
    assert (found["reason"].eq("") == found["accepted"]).all()
    assert verdicts(texts, ordinary(50, 10), defense).equals(found)
    assert validate(verdicts([], ordinary(50, 10), defense), "verdicts").num_rows == 0


def test_without_a_filter_all_is_accepted_and_nothing_needed() -> None:
    found = judge(["a", "b"], ["x", "x"], [], "none", 0.05, 0)
    assert found["accepted"].all()
    assert (found["score"] == 0).all()


def test_judge_has_no_door_for_who_wrote_what() -> None:
    assert list(inspect.signature(judge).parameters) == [
        "ids", "texts", "reference", "defense", "false_positive_rate", "seed", "lexicon",
    ]  # fmt: skip
    for module in DEFENSES.values():
        assert list(inspect.signature(import_module(module).score).parameters) == [
            "texts", "reference", "seed", "lexicon",
        ]  # fmt: skip
    frame = pd.DataFrame({"contribution_id": ["a"], "source": ["pool"], "text": ["x"]})
    for bad in (frame, "a text", {"x": 1}):
        with pytest.raises(TypeError, match="texts must be a sequence of strings"):
            judge(["a"], bad, ["x"], "none", 0.05, 0)
    with pytest.raises(TypeError, match="reference must be a sequence of strings"):
        judge(["a"], ["x"], frame, "none", 0.05, 0)
    with pytest.raises(TypeError, match="row 1 is tuple"):
        judge(["a", "b"], ["x", ("y", "pool")], ["x"], "none", 0.05, 0)


@pytest.mark.parametrize("defense", FILTERS)
def test_names_of_the_texts_change_no_verdict(defense: str) -> None:
    texts, reference = ordinary(80, 11) + campaign(40, 12), ordinary(80, 13)
    plain = verdicts(texts, reference, defense)
    telling = [f"{'background' if i < 80 else 'pool'}-{i}" for i in range(120)]
    named = judge(telling, texts, reference, defense, 0.1, 3, LEXICON)
    assert named[["score", "accepted"]].equals(plain[["score", "accepted"]])


@pytest.mark.parametrize("defense", FILTERS)
def test_order_changes_no_verdict_but_which_duplicate_is_first(defense: str) -> None:
    texts = ordinary(120, 14) + campaign(60, 15) + ordinary(5, 14)
    order = np.random.default_rng(0).permutation(len(texts))
    straight = verdicts(texts, ordinary(100, 16), defense)
    shuffled = verdicts([texts[i] for i in order], ordinary(100, 16), defense)
    assert shuffled["score"].tolist() == straight["score"].to_numpy()[order].tolist()
    if defense == "minhash":
        assert shuffled["accepted"].sum() == straight["accepted"].sum()
    else:
        assert shuffled["accepted"].tolist() == straight["accepted"].to_numpy()[order].tolist()


@pytest.mark.parametrize("defense", list(DEFENSES))
def test_hostile_text_gets_a_verdict(defense: str) -> None:
    found = verdicts(HOSTILE + ordinary(30, 17), ordinary(40, 18), defense)
    assert validate(found, "verdicts").num_rows == len(HOSTILE) + 30
    assert verdicts(HOSTILE, HOSTILE, defense)["score"].notna().all()
    assert len(verdicts(["", ""], ["", "\x00"], defense)) == 2


@pytest.mark.parametrize("defense", list(DEFENSES))
def test_ten_thousand_times_the_same_row(defense: str) -> None:
    found = verdicts(["The nurse read the chart twice."] * 10_000, ordinary(40, 19), defense)
    assert len(found) == 10_000
    assert found["score"].nunique() == 1
    if defense == "minhash":
        assert found["accepted"].tolist() == [True] + [False] * 9_999


@pytest.mark.parametrize("defense", list(DEFENSES))
def test_nothing_past_the_stated_length_is_read(defense: str) -> None:
    start = " ".join(ordinary(100, 20))[:MAX_CHARACTERS]
    scores = import_module(DEFENSES[defense]).score
    reference = ordinary(30, 21)
    one, other = (scores([start + end], reference, seed=0, lexicon=LEXICON) for end in ("", " who was it" * 100))
    assert one.texts.tolist() == other.texts.tolist()


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"unknown defense 'magic'.*composite"):
        judge(["a"], ["x"], ["y"], "magic", 0.05, 0)
    with pytest.raises(ValueError, match="1 ids for 2 texts"):
        judge(["a"], ["x", "y"], ["y"], "none", 0.05, 0)
    with pytest.raises(ValueError, match="'a' occurs more than once"):
        judge(["a", "b", "a"], ["x", "y", "z"], ["y"], "none", 0.05, 0)
    with pytest.raises(ValueError, match="the reference is empty"):
        judge(["a"], ["x"], [], "tfidf", 0.05, 0)
    with pytest.raises(ValueError, match="false_positive_rate is 1"):
        judge(["a"], ["x"], ["y"], "tfidf", 1, 0)


def test_the_registry_imports_nothing_heavy() -> None:
    code = (
        "import sys, quorum.defenses; "
        "print([m for m in ('sklearn', 'scipy', 'torch', 'rensa', 'quorum.defenses.tfidf') if m in sys.modules])"
    )
    folder = Path(__file__).parents[2] / "scripts"
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_another_process_gives_the_same_verdicts() -> None:
    code = (
        "import pandas as pd; from quorum.defenses import judge; "
        "texts = [f'the {a} saw {b} and {a} left {c}' for a in 'pqr' for b in 'stu' for c in 'vwx']; "
        "lexicon = pd.DataFrame({'term': ['saw'], 'weight': [1.0]}); "
        "print([judge(texts, texts, texts[::2] + ['an old map'], d, 0.3, 1, lexicon).to_csv() "
        "for d in ('repetition', 'minhash', 'composite')])"
    )
    folder = Path(__file__).parents[2] / "scripts"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert "False" in outputs.pop()


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
        "ẅ".join(["", "ho was"]),
    ],
)
def test_one_spelling(text: str) -> None:
    expected = ("ẅho", "was") if "ẅ" in text else ("who", "was")
    assert words(normalise(text)) == expected


@given(st.text(st.characters(), max_size=300))
def test_normalising_is_bounded_and_leaves_nothing_invisible(text: str) -> None:
    found = normalise(text)
    assert len(found) <= MAX_CHARACTERS
    assert not any("\ud800" <= c <= "\udfff" or c in "\u200b\u202e\x00" for c in found)
    found.encode()
    assert all(words(found))


def test_words_of_symbols_and_short_runs() -> None:
    assert words("snake_case's 2nd") == ("snake", "case", "s", "2nd")
    assert words("?! 🩺") == ("?", "!", "🩺")
    assert list(ngrams(("a", "b", "c"), 2)) == [("a", "b"), ("b", "c")]
    assert list(ngrams(("a",), 2)) == [("a",)]
    assert list(ngrams((), 2)) == []
    assert shorten("x" * 60) == "x" * 60
    assert shorten("x" * 61) == "x" * 59 + "…"
