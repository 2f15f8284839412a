"""What holds for every filter: the promised cost, blindness, order, hostile text."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
import tracemalloc
import typing
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, percentileofscore

from quorum.defenses import (
    COMPOSITE,
    FILTERS,
    SHARING,
    as_tables,
    from_tables,
    judge,
    minhash,
    repetition,
    score,
    score_part,
)
from quorum.defenses.blinded import Blinded, blind, blind_contributions
from quorum.defenses.calibration import LARGEST_RATE, Scores, rank, threshold
from quorum.defenses.words import MAX_CHARACTERS
from quorum.tables import validate

LEXICON = pd.DataFrame({"term": ["who was", "stereotype"], "weight": [1.0, 0.5]})
SCORED = [*FILTERS, COMPOSITE]
PEOPLE = ["nurse", "surgeon", "porter", "dentist", "midwife", "medic", "chemist", "optician"]
DEEDS = ["read", "closed", "moved", "checked", "signed", "lost", "found", "sorted", "copied", "carried"]
THINGS = ["the chart", "a letter", "the blue file", "two keys", "the rota", "an old map", "the radio", "some forms"]
TIMES = ["at noon", "before lunch", "after the storm", "on Monday", "late", "in the hall", "by the door", "again"]
HOSTILE = {
    "empty": "",
    "white space": " \n\t ",
    "one character": "a" * 1_000_000,
    "ten megabytes": "who was she? " * 800_000,
    "one emoji": "🩺" * 100_000,
    "emoji": "🏥🩺🏥🩺💉",
    "joined emoji": "👩\u200d⚕️" * 1_000,
    "right to left": "\u05de\u05d9 \u05d4\u05d9\u05d4 \u202e\u05d4\u05d0\u05d7\u05d5\u05ea\u202c",
    "arabic": "من كان الطبيب؟ " * 50,
    "control characters": "\x00\x01\x1b[31m\x7f" * 100,
    "surrogates": "\ud800 half a pair \udfff",
    "marks": "e" + "\u0301" * 500_000,
    "what grows": "\ufdfa" * 300_000,
    "punctuation": "?!" * 500_000,
    "lines": "line\n" * 500_000,
    "line ends": "\n" * 1_000_000,
    "nested quantifiers": "(a+)+$" * 1_000 + "a" * 100_000 + "!",
    "near misses of terms": "who wa " * 100_000,
    "two letters": "".join("ab"[bin(k).count("1") % 2] for k in range(1 << 16)),
    "one letter words": "a b " * 250_000,
    "null words": "\u200b \u2060 \ufeff" * 1_000,
}


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
    st.floats(0, LARGEST_RATE) | st.integers(0, 50).map(lambda k: k / 100),
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
    just_less = float(np.nextafter(5 / 12, 0))
    assert int(just_less * 12) == 5
    assert np.sum(np.arange(12) > threshold(np.arange(12), just_less)) == 4


@pytest.mark.parametrize("rate", [-0.1, 0.51, 1.0, float("nan")])
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
            Scores(*parts, ("",))


# ---- what a filter sees ----------------------------------------------------------------------------------------------


def test_the_type_has_no_room_for_who_wrote_what() -> None:
    assert [field.name for field in dataclasses.fields(Blinded)] == ["texts", "agents"]
    for name, module in FILTERS.items():
        shared = pd.DataFrame if name in SHARING else type(None)
        assert typing.get_type_hints(import_module(module).score_part) == {
            "part": Blinded, "reference": Blinded, "shared": shared, "first_row": int, "lexicon": pd.DataFrame,
            "return": Scores,
        }  # fmt: skip
        assert name not in SHARING or {Blinded, int} == set(
            typing.get_type_hints(import_module(module).share).values()
        ) - {pd.DataFrame}
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
        assert (judge(*tables, name, LARGEST_RATE).query("~accepted")["reason"].str.len() > 5).all()
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


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_gets_a_verdict(kind: str) -> None:
    texts = [*ordinary(20, 17), HOSTILE[kind], *ordinary(20, 18), HOSTILE[kind]]
    tables = scores(texts, ordinary(40, 19))
    validate(tables[0], "scores")
    for name in SCORED:
        found = judge(*tables, name, 0.1)
        validate(found, "verdicts")
        assert len(found) == len(texts)
        assert (found["accepted"] | found["reason"].str.len().between(5, 300)).all()
        assert found["score"][20] == found["score"][41]


def test_nothing_but_hostile_text_gets_verdicts() -> None:
    everything = list(HOSTILE.values())
    tables = scores(everything, everything)
    assert tables[0]["score"].notna().all()
    assert len(judge(*tables, COMPOSITE, 0.1)) == len(everything)
    assert len(scores(["", ""], ["", "\x00"])[0]) == 2 * len(SCORED)


@pytest.mark.parametrize("text", ["The nurse read the chart twice.", ""])
def test_a_hundred_thousand_times_the_same_row(text: str) -> None:
    tables = scores([text] * 100_000, ordinary(40, 19))
    for name in SCORED:
        found = judge(*tables, name, 0.1)
        assert len(found) == 100_000
        assert found["score"].nunique() == 1
        if name == "minhash":
            assert found["accepted"].tolist() == [True] + [False] * 99_999


def test_long_texts_need_memory_for_one_block_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of a text is a few numbers, however many words it has; shingles of a copy are kept once."""
    monkeypatch.setattr("quorum.defenses.words._BLOCK", 1 << 14)
    stream, reference = blind([" ".join(f"w{k}" for k in range(420))] * 500), blind(ordinary(40, 19))
    tracemalloc.start()
    score([f"t{i}" for i in range(500)], stream, reference, 0, LEXICON)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (
        peak < 100e6
    )  # the words of all texts alone, at 28 bytes each, are 50 MB, and runs of them several times that


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
        "heavy = ('sklearn', 'scipy', 'torch', 'confusable_homoglyphs', 'quorum.defenses.tfidf'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    folder = Path(__file__).parents[2] / "scripts"
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_another_process_gives_the_same_verdicts() -> None:
    code = (
        "import pandas as pd; from quorum.defenses import score; from quorum.defenses.blinded import blind; "
        "texts = [f'the {a} saw {b} and {a} left {c}' for a in 'pqr' for b in 'stu' for c in 'vwx']; "
        "lexicon = pd.DataFrame({'term': ['saw'], 'weight': [1.0]}); "
        "print(score(texts, blind(texts), blind(['an old map', 'two keys', 'at the door']), 1, lexicon)[0].to_csv())"
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


# ---- parts -----------------------------------------------------------------------------------------------------------


def cut(size: int, parts: int) -> list[slice]:
    """Nearly equal parts of a stream; some are empty where it is short."""
    edges = [size * part // parts for part in range(parts + 1)]
    return [slice(first, last) for first, last in pairwise(edges)]


def in_parts(stream: Blinded, reference: Blinded, slices: list[slice], seed: int) -> dict[str, Scores]:
    """Scores of a stream of which no step sees more than a part, or what parts have told."""
    parts = [Blinded(stream.texts[s], stream.agents[s]) for s in slices]
    counted = [*map(repetition.count, parts), repetition.count(reference, reference=True)]
    digests = [minhash.digest(part, s.start) for part, s in zip(parts, slices, strict=True)]
    shared = {
        "repetition": repetition.merge(counted[::-1]),
        "minhash": minhash.link([minhash.digest_reference(reference), *digests[::-1]], seed),
    }
    found = {}
    for name in FILTERS:
        of_parts = [
            score_part(name, part, reference, shared.get(name), first_row=s.start, lexicon=LEXICON)
            for part, s in zip(parts, slices, strict=True)
        ]
        assert all(part.reference.tolist() == of_parts[0].reference.tolist() for part in of_parts)
        found[name] = Scores(
            np.concatenate([part.texts for part in of_parts]),
            of_parts[0].reference,
            np.concatenate([part.accepted_from for part in of_parts]),
            tuple(reason for part in of_parts for reason in part.reasons),
        )
    return found


def assert_same(stream: Blinded, reference: Blinded, slices: list[slice]) -> None:
    ids = [f"t{i}" for i in range(len(stream))]
    whole, clean = score(ids, stream, reference, 5, LEXICON)
    for name, found in in_parts(stream, reference, slices, 5).items():
        rows, reference_rows = as_tables(name, ids, found)
        expected = whole[whole["defense"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, expected, check_exact=True)
        assert reference_rows["score"].tolist() == clean.loc[clean["defense"] == name, "score"].tolist()


SMALL = st.lists(
    st.lists(st.sampled_from(["who", "was", "she", "the", "nurse", "kan", "🩺", "é"]), max_size=8).map(" ".join)
    | st.sampled_from(list(HOSTILE.values())[:1] + ordinary(6, 3)),
    max_size=14,
)


@settings(max_examples=25)
@given(SMALL, SMALL.filter(len), st.sampled_from([1, 3, 7]), st.data())
def test_any_division_into_parts_gives_the_same_scores(
    texts: list[str], reference: list[str], parts: int, data: st.DataObject
) -> None:
    agents = [data.draw(st.sampled_from("abc")) for _ in texts]
    assert_same(blind(texts, agents), blind(reference), cut(len(texts), parts))


@pytest.mark.parametrize("parts", [3, 7])
def test_a_long_stream_in_parts(parts: int) -> None:
    draw = random.Random(1)
    texts = ordinary(6_000, 30) + campaign(4_000, 31)
    draw.shuffle(texts)
    agents = [f"a{draw.randrange(1_000)}" for _ in texts]
    assert_same(blind(texts, agents), blind(ordinary(300, 32)), cut(len(texts), parts))


def test_tables_of_scores_come_back() -> None:
    tables = scores(ordinary(30, 33) + campaign(10, 34), ordinary(30, 35))
    found = from_tables(*tables)
    assert list(found) == SCORED
    again = [as_tables(name, [f"t{i}" for i in range(40)], part) for name, part in found.items()]
    for table, parts in zip(tables, zip(*again, strict=True), strict=True):
        pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), table)


# ---- calibration -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fresh() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of 4,000 fresh clean texts with a reference of 2,000, all distinct, of one population."""
    texts = list(dict.fromkeys(ordinary(20_000, 40)))[:6_000]
    random.Random(2).shuffle(texts)
    return scores(texts[:4_000], texts[4_000:], seed=1)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("defense", SCORED)
def test_fresh_clean_text_pays_what_was_promised(
    fresh: tuple[pd.DataFrame, pd.DataFrame], defense: str, rate: float
) -> None:
    """Given the reference the rejected number is binomial, with a rate whose own law is Beta(k + 1, n - k): together a
    beta-binomial. Ties in the scores can only lower it."""
    found, clean = fresh
    own = found.loc[found["defense"] == defense, "score"].to_numpy()
    limit = threshold(clean.loc[clean["defense"] == defense, "score"].to_numpy(), rate)
    above = int(rate * 2_000)
    low, high = betabinom(4_000, above + 1, 2_000 - above).ppf([1e-4, 1 - 1e-4])
    rejected = (own > limit).sum()
    assert rejected <= high
    if len(np.unique(own)) > 2_000:
        assert rejected >= low
