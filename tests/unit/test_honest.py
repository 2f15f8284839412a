"""Honest people and what filters cost them, against counts made by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import background, honest, tables
from quorum.defenses.blinded import Blinded

RESOURCES = Path(__file__).parents[2] / "resources"
LEXICON = pd.read_csv(RESOURCES / "lexicons" / "keywords.csv")


# ---- sentences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She came in. He left at noon! Who stayed there?", ["She came in.", "He left at noon!", "Who stayed there?"]),
        (
            "Seen by Dr. Smith at 3.5 hours. No fever was found.",
            ["Seen by Dr. Smith at 3.5 hours.", "No fever was found."],
        ),
        ("Rats (P < 0.001). The others were well.", ["The others were well."]),
        ('He said "it hurts here." 12 days passed by.', ['He said "it hurts here."', "12 days passed by."]),
        ("CHIEF COMPLAINT\n\nPain in the knee.\n\nHISTORY OF PRESENT ILLNESS", ["Pain in the knee."]),
        ("A pulse of 80/min e.g. Monday or later.", ["A pulse of 80/min e.g. Monday or later."]),
        ("one\ttwo   three", ["one two three"]),
        ("", []),
        ("Two words. 5 6 7.", []),
    ],
)
def test_sentences_by_hand(text, expected):
    assert honest.split(text) == expected


@given(st.text(alphabet=st.sampled_from("aB 1.!?)\"'\n\t([é\u200b"), max_size=60) | st.text(max_size=200))
def test_sentences_are_parts_of_the_text_in_its_order(text):
    whole, at = " ".join(text.split()), 0
    for sentence in honest.split(text):
        at = whole.find(sentence, at)
        assert at >= 0
        at += len(sentence)


def test_documents_are_of_three_sources():
    frames = {
        "abstracts": pd.DataFrame({"text_id": ["a1"], "source": ["pubmedqa_labelled"], "text": ["An abstract."]}),
        "questions": pd.DataFrame(
            {
                "question_id": ["q1", "q2"],
                "source": ["medqa", "medmcqa_medicine"],
                "question": ["A vignette.", "No vignette?"],
                "options": "[]",
                "answer": 0,
            }
        ),
        "notes": pd.DataFrame({"text_id": ["n1"], "source": ["aci_bench"], "text": ["A note."]}),
    }
    assert honest.documents(**frames).to_numpy().tolist() == [
        ["a1", "pubmedqa", "An abstract."],
        ["q1", "medqa", "A vignette."],
        ["n1", "aci_bench", "A note."],
    ]


def some_sentences() -> pd.DataFrame:
    documents = pd.DataFrame(
        {
            "document": [f"d{k}" for k in range(9)],
            "source": ["aci_bench"] * 3 + ["medqa"] * 6,
            "text": ["She came in today. He left the room. They stayed for hours. Nobody else was seen."] * 9,
        }
    )
    return honest.sentences(documents)


def test_a_sentence_has_the_gender_of_its_first_pronoun_and_an_id_of_its_own():
    found = some_sentences()
    assert found["gender"].head(4).tolist() == ["female", "male", "neutral", "none"]
    assert found["sentence_id"].is_unique and found["sentence_id"].iloc[1] == "d0_002"


@given(st.integers(0, 2**31))
def test_halves_share_no_document_and_hold_every_source(seed):
    found = some_sentences()
    judged, clean = honest.halves(found, seed)
    assert sorted([*judged["sentence_id"], *clean["sentence_id"]]) == sorted(found["sentence_id"])
    assert not set(judged["document"]) & set(clean["document"])
    assert judged.groupby("source")["document"].nunique().to_dict() == {"aci_bench": 2, "medqa": 3}


def test_the_clean_sample_is_alike_from_every_source_as_far_as_it_has_them():
    found = some_sentences()
    counts = honest.clean_sample(found, 20, 1)["source"].value_counts()
    assert counts.to_dict() == {"aci_bench": 10, "medqa": 10}
    assert honest.clean_sample(found, 30, 1)["source"].value_counts().to_dict() == {"aci_bench": 12, "medqa": 18}
    assert len(honest.clean_sample(found, 1000, 1)) == 36
    assert set(honest.clean_sample(found, 20, 1)["sentence_id"]) != set(
        honest.clean_sample(found, 20, 2)["sentence_id"]
    )


def test_a_filter_sees_texts_and_pseudonyms_of_documents():
    seen = honest.blinded(some_sentences())
    assert isinstance(seen, Blinded)
    assert len(set(seen.agents.tolist())) == 9
    assert not {"d0", "aci_bench", "female"} & set(" ".join(seen.texts).split())


# ---- costs -----------------------------------------------------------------------------------------------------------


def scored(rows: list[tuple[str, str, float]], **columns: str) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["document", "gender", "accepted_from"])
    named = {"stream": "real", "source": "medqa", "calibration": "real", "defense": "tfidf", **columns}
    return frame.assign(sentence_id=[f"s{k}" for k in range(len(rows))], **named)


ROWS = [
    # document, gender, score; the threshold will be .5
    ("a", "female", 0.9),
    ("a", "female", 0.8),
    ("a", "none", 0.1),
    ("b", "male", 0.7),
    ("b", "male", 0.2),
    ("b", "neutral", 0.2),
    ("c", "female", 0.3),
    ("c", "male", 0.5),
    ("d", "none", 0.6),
]
CLEAN = pd.DataFrame({"stream": "real", "calibration": "real", "defense": "tfidf", "score": [0.1, 0.2, 0.3, 0.4, 0.5]})


def test_costs_by_hand():
    table = honest.honest_costs(scored(ROWS), CLEAN, ["none", "tfidf"], {"weak": 0.0}, n_resamples=100)
    tables.validate(table, "honest_costs")
    (row,) = table.to_dict("records")
    assert (row["n_people"], row["n_sentences"]) == (4, 9)
    assert row["rejected"] == pytest.approx(4 / 9)  # .9, .8, .7, .6; .5 is at the threshold
    assert row["people_hit"] == 3 / 4  # a, b, d
    assert row["people_silenced"] == 2 / 4  # a loses 2 of 3, d its only one; b 1 of 3
    assert (row["n_female"], row["n_male"]) == (3, 3)
    assert (row["rejected_female"], row["rejected_male"]) == pytest.approx((2 / 3, 1 / 3))
    assert row["gap"] == pytest.approx(1 / 3)
    assert row["gap_low"] < 0 < row["gap"] < row["gap_high"]
    assert row["male_share_before"] == pytest.approx(3 / 7)  # female 3, male 3, neutral 1
    assert row["male_share_after"] == pytest.approx(2 / 4)  # left: female 1, male 2, neutral 1
    assert row["rejected_low"] < 4 / 9 < row["rejected_high"]


def test_a_stronger_filter_costs_more_and_is_a_row_of_its_own():
    table = honest.honest_costs(scored(ROWS), CLEAN, ["tfidf"], {"weak": 0.0, "strong": 0.4}, n_resamples=100)
    weak, strong = table.to_dict("records")
    assert (weak["strength"], strong["strength"]) == ("weak", "strong")
    assert strong["false_positive_rate"] == 0.4
    assert strong["rejected"] == pytest.approx(5 / 9)  # above .3


def test_each_stream_has_its_own_threshold():
    other = scored(ROWS, stream="template", source="background", calibration="template")
    clean = pd.concat([CLEAN, CLEAN.assign(stream="template", calibration="template", score=1.0)])
    table = honest.honest_costs(pd.concat([scored(ROWS), other]), clean, ["tfidf"], {"weak": 0.0}, n_resamples=100)
    assert table.set_index("source")["rejected"].to_dict() == {"medqa": pytest.approx(4 / 9), "background": 0.0}


def test_text_about_nobody_has_no_gap():
    rows = [("a", "none", 0.9), ("b", "none", 0.1)]
    table = honest.honest_costs(scored(rows), CLEAN, ["tfidf"], {"weak": 0.0}, n_resamples=100)
    tables.validate(table, "honest_costs")
    assert table[["gap", "gap_low", "rejected_female", "male_share_before"]].isna().all(axis=None)
    assert table["rejected"].item() == 0.5


def test_the_gap_of_a_known_population_is_found():
    """2,000 people, women's sentences rejected in 30% and men's in 20%: both intervals hold .1, and neither holds 0."""
    rng = np.random.default_rng(3)
    genders = np.where(np.arange(2000) % 2 == 0, "female", "male")
    above = rng.random(2000) < np.where(genders == "female", 0.3, 0.2)
    rows = [(f"d{k}", g, 0.9 if up else 0.1) for k, (g, up) in enumerate(zip(genders, above, strict=True))]
    (row,) = honest.honest_costs(scored(rows), CLEAN, ["tfidf"], {"weak": 0.0}, n_resamples=100).to_dict("records")
    for low, high in ((row["gap_low"], row["gap_high"]), (row["gap_clustered_low"], row["gap_clustered_high"])):
        assert 0 < low < 0.1 < high < 0.2


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match=r"honest scores: missing columns \['gender'\]"):
        honest.honest_costs(scored(ROWS).drop(columns="gender"), CLEAN, ["tfidf"], {"weak": 0.0})


# ---- on the filters themselves ---------------------------------------------------------------------------------------


def test_scores_of_real_filters_become_both_tables():
    professions = pd.read_csv(RESOURCES / "professions.csv")
    skeletons, template = (pd.read_csv(RESOURCES / "wordings" / f"{n}.csv") for n in ("background", "template"))
    firm = background.write_background(professions, skeletons, template, 60, 0.79, 0.0, 1)
    judged = pd.concat([some_sentences(), honest.as_sentences(firm)], ignore_index=True)
    scores, clean = honest.score(judged, honest.blinded(honest.as_sentences(firm)), "real", "template", 1, LEXICON)
    tables.validate(scores, "honest_scores")
    tables.validate(clean, "honest_reference_scores")
    assert len(scores) == 5 * len(judged) and len(clean) == 5 * len(firm)
    costs = honest.honest_costs(scores, clean, sorted(set(scores["defense"])), {"strong": 0.2}, n_resamples=100)
    tables.validate(costs, "honest_costs")
    rejected = costs[costs["defense"] == "tfidf"].set_index("source")["rejected"]
    assert rejected["medqa"] == 1 and rejected["background"] <= 0.25
    assert not math.isnan(costs["rejected"].sum())
