"""What holds for every filter: the promised cost, blindness, order, hostile text."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
import typing
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from quorum.defenses import COMPOSITE, FILTERS, judge, score
from quorum.defenses.blinded import Blinded, blind, blind_contributions
from quorum.defenses.calibration import Scores, rank, threshold
from quorum.defenses.words import MAX_CHARACTERS, ngrams, normalise, shorten, words
from quorum.tables import validate

LEXICON = pd.DataFrame({"term": ["who was", "stereotype"], "weight": [1.0, 0.5]})
SCORED = [*FILTERS, COMPOSITE]
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


def scores(texts: list[str], reference: list[str], seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    return score([f"t{i}" for i in range(len(texts))], blind(texts), blind(reference), seed, LEXICON)


def verdicts(texts: list[str], reference: list[str], defense: str, rate: float = 0.1) -> pd.DataFrame:
    return judge(*scores(texts, reference), defense, rate)


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
    for bad in range(3):
        parts = [np.array([np.nan if part == bad else 0.0]) for part in range(3)]
        with pytest.raises(ValueError, match="not finite"):
            Scores(*parts, lambda row, ids: "")


# ---- what a filter sees ----------------------------------------------------------------------------------------------


def test_the_type_has_no_room_for_who_wrote_what() -> None:
    assert [field.name for field in dataclasses.fields(Blinded)] == ["texts", "agents"]
    for module in FILTERS.values():
        assert typing.get_type_hints(import_module(module).score) == {
            "stream": Blinded, "reference": Blinded, "seed": int, "lexicon": pd.DataFrame, "return": Scores,
        }  # fmt: skip
    codes = np.zeros(1, dtype=np.uint64)
    with pytest.raises(TypeError, match="tuple of strings"):
        Blinded(pd.DataFrame({"text": ["x"], "source": ["pool"]}), codes)
    with pytest.raises(TypeError, match="tuple of strings"):
        Blinded((("x", "pool"),), codes)
    with pytest.raises(TypeError, match="pseudonyms, not names"):
        Blinded(("x",), np.array(["pool"]))
    with pytest.raises(ValueError, match=r"agents of shape \(1,\) for 2 texts"):
        Blinded(("x", "y"), codes)


def test_blinding_refuses_what_could_carry_more() -> None:
    frame = pd.DataFrame({"source": ["pool"], "text": ["x"]})
    for bad in (frame, "a text", {"x": 1}):
        with pytest.raises(TypeError, match="texts must be a sequence of strings"):
            blind(bad)
    with pytest.raises(TypeError, match="texts: row 1 is tuple"):
        blind(["x", ("y", "pool")])
    with pytest.raises(TypeError, match="agents: row 0 is int"):
        blind(["x"], [1])


def test_pseudonyms_tell_agents_apart_and_nothing_else() -> None:
    names = ["Ada", "Bo", "Ada", "", "\ud800"]
    codes = blind(["x"] * 5, names).agents
    assert codes[0] == codes[2] and len(set(codes.tolist())) == 4
    assert blind(["y"], ["Bo"]).agents[0] == codes[1]
    assert len(set(blind(["x"] * 3).agents.tolist())) == 3


def written(texts: list[str], source: list[str]) -> pd.DataFrame:
    """A frame of table `contributions`."""
    return pd.DataFrame(
        {
            "contribution_id": [f"t{i}" for i in range(len(texts))],
            "agent": [f"a{i // 4}" for i in range(len(texts))],
            "source": source,
            "profession": source,
            "skeleton": source,
            "gender": source,
            "prompt": [text[:10] for text in texts],
            "completion": [text[10:] for text in texts],
        }
    )


def test_a_poisoned_source_changes_no_score() -> None:
    """The columns that would tell the sides apart are turned round, removed, or raise when anybody looks."""

    class Poison:
        def __getattribute__(self, name: str) -> object:
            raise AssertionError("a filter looked at who wrote what")

    texts, reference = ordinary(60, 11) + campaign(30, 12), blind(ordinary(60, 13))
    honest = written(texts, ["background"] * 60 + ["pool"] * 30)
    ids = honest["contribution_id"].tolist()
    poisoned = honest.copy()
    for column in ("source", "profession", "skeleton", "gender"):
        poisoned[column] = pd.Series([Poison() for _ in texts], dtype="object")
    turned = written(texts, ["pool"] * 60 + ["background"] * 30)
    expected = score(ids, blind_contributions(honest), reference, 3, LEXICON)
    for frame in (poisoned, turned, honest[["agent", "prompt", "completion"]]):
        found = score(ids, blind_contributions(frame), reference, 3, LEXICON)
        assert found[0].equals(expected[0]) and found[1].equals(expected[1])


def test_names_that_tell_change_no_score() -> None:
    texts, reference = ordinary(80, 11) + campaign(40, 12), blind(ordinary(80, 13))
    sides = ["background"] * 80 + ["pool"] * 40
    plain = score(
        [f"t{i}" for i in range(120)], blind(texts, [f"a{i // 5}" for i in range(120)]), reference, 3, LEXICON
    )
    agents = [f"{side} {i // 5}" for i, side in enumerate(sides)]
    ids = [f"{side}-{i}" for i, side in enumerate(sides)]
    telling = score(ids, blind(texts, agents), reference, 3, LEXICON)
    columns = ["defense", "score", "accepted_from"]
    assert telling[0][columns].equals(plain[0][columns])
    assert telling[1].equals(plain[1])


# ---- scores and verdicts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.4])
def test_the_reference_pays_at_most_the_promised_rate(rate: float) -> None:
    found, clean = scores(ordinary(150, 2) + campaign(60, 3), ordinary(150, 1))
    assert clean["defense"].value_counts().to_dict() == dict.fromkeys(SCORED, 150)
    for name in SCORED:
        own, of_reference = found[found["defense"] == name], clean.loc[clean["defense"] == name, "score"].to_numpy()
        limit = threshold(of_reference, rate)
        assert np.mean(of_reference > limit) <= rate
        assert judge(found, clean, name, rate)["accepted"].tolist() == (own["accepted_from"] <= limit).tolist()
        assert (own["accepted_from"] <= own["score"]).all()
        assert name == "minhash" or own["accepted_from"].equals(own["score"])


def test_an_ordinary_text_scores_alike_in_stream_and_reference() -> None:
    texts = list(dict.fromkeys(ordinary(1200, 4)))
    found, clean = scores(texts[:300], texts[300:600], seed=0)
    for name in ("repetition", "tfidf", "minhash", "composite"):
        limit = threshold(clean.loc[clean["defense"] == name, "score"].to_numpy(), 0.2)
        exceed = np.mean(found.loc[found["defense"] == name, "score"] > limit)
        # two samples of 300 of one population at a rate of 0.2: the SD of the difference is at most sqrt(2 * .16 / 300)
        assert abs(exceed - 0.2) < 4 * np.sqrt(2 * 0.16 / 300)


def test_a_template_that_ordinary_text_lacks_is_found() -> None:
    tables = scores(ordinary(200, 5) + campaign(100, 6), ordinary(200, 7))
    for name in ("keyword", "repetition", "tfidf", "composite"):
        found = judge(*tables, name, 0.1)
        assert not found["accepted"][200:].any()
        assert found["reason"][200:].str.len().between(10, 200).all()


def test_scores_and_verdicts_follow_their_tables() -> None:
    texts = ordinary(60, 8) + campaign(20, 9) + [ordinary(1, 8)[0]]
    tables = scores(texts, ordinary(50, 10))
    assert validate(tables[0], "scores").num_rows == len(SCORED) * len(texts)
    assert validate(tables[1], "reference_scores").num_rows == len(SCORED) * 50
    assert scores(texts, ordinary(50, 10))[0].equals(tables[0])
    for name in SCORED:
        found = judge(*tables, name, 0.1)
        assert validate(found, "verdicts").num_rows == len(texts)
        assert found["contribution_id"].tolist() == [f"t{i}" for i in range(len(texts))]
        assert (found["reason"].eq("") == found["accepted"]).all()
        assert validate(verdicts([], ordinary(50, 10), name), "verdicts").num_rows == 0


def test_a_stricter_filter_rejects_no_less() -> None:
    tables = scores(ordinary(100, 22) + campaign(50, 23) + ordinary(20, 22), ordinary(100, 24))
    for name in SCORED:
        accepted = [judge(*tables, name, rate)["accepted"].to_numpy() for rate in (0.01, 0.05, 0.2, 0.5)]
        assert all((less >= more).all() for less, more in pairwise(accepted))


def test_order_changes_no_verdict_but_which_duplicate_is_first() -> None:
    texts = ordinary(120, 14) + campaign(60, 15) + ordinary(5, 14)
    order = np.random.default_rng(0).permutation(len(texts))
    straight, shuffled = (scores(given, ordinary(100, 16)) for given in (texts, [texts[i] for i in order]))
    for name in SCORED:
        one, other = judge(*straight, name, 0.1), judge(*shuffled, name, 0.1)
        assert other["score"].tolist() == one["score"].to_numpy()[order].tolist()
        if name == "minhash":
            assert other["accepted"].sum() == one["accepted"].sum()
        else:
            assert other["accepted"].tolist() == one["accepted"].to_numpy()[order].tolist()


def test_hostile_text_gets_a_verdict() -> None:
    tables = scores(HOSTILE + ordinary(30, 17), ordinary(40, 18))
    for name in SCORED:
        assert validate(judge(*tables, name, 0.1), "verdicts").num_rows == len(HOSTILE) + 30
    assert scores(HOSTILE, HOSTILE)[0]["score"].notna().all()
    assert len(scores(["", ""], ["", "\x00"])[0]) == 2 * len(SCORED)


def test_ten_thousand_times_the_same_row() -> None:
    tables = scores(["The nurse read the chart twice."] * 10_000, ordinary(40, 19))
    for name in SCORED:
        found = judge(*tables, name, 0.1)
        assert len(found) == 10_000
        assert found["score"].nunique() == 1
        if name == "minhash":
            assert found["accepted"].tolist() == [True] + [False] * 9_999


def test_nothing_past_the_stated_length_is_read() -> None:
    start = " ".join(ordinary(100, 20))[:MAX_CHARACTERS]
    one, other = (scores([start + end], ordinary(30, 21))[0] for end in ("", " who was it" * 100))
    assert one.equals(other)


def test_bad_arguments_are_named() -> None:
    one, two, none = blind(["x"]), blind(["x", "y"]), blind([])
    with pytest.raises(ValueError, match="1 ids for 2 texts"):
        score(["a"], two, one, 0, LEXICON)
    with pytest.raises(ValueError, match="'a' occurs more than once"):
        score(["a", "a"], two, one, 0, LEXICON)
    with pytest.raises(ValueError, match="the reference is empty"):
        score(["a"], one, none, 0, LEXICON)
    tables = score(["a"], one, one, 0, LEXICON)
    with pytest.raises(ValueError, match=r"no scores of defense 'magic'.*composite"):
        judge(*tables, "magic", 0.05)
    with pytest.raises(ValueError, match="false_positive_rate is 1"):
        judge(*tables, "tfidf", 1)


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
        "import pandas as pd; from quorum.defenses import score; from quorum.defenses.blinded import blind; "
        "texts = [f'the {a} saw {b} and {a} left {c}' for a in 'pqr' for b in 'stu' for c in 'vwx']; "
        "lexicon = pd.DataFrame({'term': ['saw'], 'weight': [1.0]}); "
        "print(score(texts, blind(texts), blind(texts[::2] + ['an old map']), 1, lexicon)[0].to_csv())"
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
    assert "near duplicate" in outputs.pop()


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
