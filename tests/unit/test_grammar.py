"""The grammar of skeletons: the expander on made-up grammars, and the project's own."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import grammar, population, probes, pronouns
from quorum.population import ResourceError

RESOURCES = Path(__file__).parents[2] / "resources"
PROFESSIONS = pd.read_csv(RESOURCES / "professions.csv")
VARIED = pd.read_csv(RESOURCES / "wordings" / "varied.csv")


def rules(*rows: tuple[str, str | None, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["symbol", "scenario", "text"])


def texts(*rows: tuple[str, str | None, str]) -> list[str]:
    return grammar.expand(rules(*rows))["text"].tolist()


# ---- the expander ----------------------------------------------------------------------------------------------------


def test_symbols_are_replaced_in_all_ways_by_hand():
    found = texts(
        ("sentence", None, "<a> and <b>."),
        ("sentence", None, "the <a>!"),
        ("a", None, "x"),
        ("a", None, "y <b>"),
        ("b", None, "1"),
        ("b", None, "2"),
    )
    assert found == [
        "X and 1.",
        "X and 2.",
        "Y 1 and 1.",
        "Y 1 and 2.",
        "Y 2 and 1.",
        "Y 2 and 2.",
        "The x!",
        "The y 1!",
        "The y 2!",
    ]


def test_parts_of_a_sentence_are_of_one_scenario():
    skeletons = grammar.expand(
        rules(
            ("sentence", None, "<a> <b>"),
            ("a", "day", "sun"),
            ("a", "night", "moon"),
            ("b", "day", "shines"),
            ("b", "night", "rises"),
            ("b", None, "sets"),
        )
    )
    assert skeletons.to_numpy().tolist() == [
        ["day_0001", "Sun shines"],
        ["day_0002", "Sun sets"],
        ["night_0001", "Moon rises"],
        ["night_0002", "Moon sets"],
    ]


def test_a_grammar_without_scenarios_is_one():
    assert grammar.expand(rules(("sentence", None, "a")))["skeleton"].tolist() == ["any_0001"]


@pytest.mark.parametrize(
    ("text", "capital"),
    [
        ("word [a|b]", "Word [a|b]"),
        ("[one|a two] words", "[One|A two] words"),
        ('"quoted," said', '"Quoted," said'),
        ('"[one|two]," said', '"[One|Two]," said'),
        ("[PROFESSION] and [a|b]", "[PROFESSION] and [a|b]"),
        ("3 words", "3 words"),
        ("éclair", "Éclair"),
    ],
)
def test_a_sentence_begins_with_a_capital_whatever_is_chosen(text, capital):
    assert texts(("sentence", None, text)) == [capital]


def test_a_table_of_skeletons_stays_as_it_is():
    template = pd.read_csv(RESOURCES / "wordings" / "template.csv")
    assert grammar.expand(template) is template


@given(st.lists(st.lists(st.sampled_from("pqrs"), min_size=1, max_size=3), min_size=1, max_size=4))
def test_there_are_as_many_skeletons_as_ways_to_choose(sentences):
    """The number of derivations is the sum over sentences of the products over symbols."""
    options = {"p": 1, "q": 2, "r": 3, "s": 4}
    rows = [("sentence", None, f"{k} " + " ".join(f"<{s}>" for s in symbols)) for k, symbols in enumerate(sentences)]
    used = {symbol for symbols in sentences for symbol in symbols}
    rows += [(symbol, None, f"{symbol}{k}") for symbol in sorted(used) for k in range(options[symbol])]
    found = texts(*rows)
    assert len(found) == len(set(found)) == sum(math.prod(options[s] for s in symbols) for symbols in sentences)
    assert not any("<" in text for text in found)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("sentence", None, "a <b>")], "scenario 'any': <b> has no text"),
        ([("sentence", None, "<a>"), ("a", "day", "x"), ("b", "night", "y")], "scenario 'night': <a> has no text"),
        (
            [("sentence", None, "<a>"), ("a", None, "<b>"), ("b", None, "<a>")],
            "<a> leads back to itself: sentence -> a -> b -> a",
        ),
        ([("sentence", None, "<sentence>")], "<sentence> leads back to itself"),
        ([("sentence", None, "a"), ("b", None, "x")], r"no sentence uses the symbols \['b'\]"),
        ([("sentence", None, "a"), ("a", None, None)], "row 2: symbol or text is empty"),
        ([("a", None, "x")], "<sentence> has no text"),
        ([("sentence", None, "a"), ("sentence", None, "a")], "'A' can be made in two ways"),
        ([("sentence", None, "a <b>"), ("b", "day", "x"), ("b", "night", "x")], "'A x' can be made in two ways"),
    ],
)
def test_a_grammar_that_cannot_be_used_is_named(rows, message):
    with pytest.raises(ResourceError, match=message):
        grammar.expand(rules(*rows))


def test_a_missing_column_is_named():
    with pytest.raises(ResourceError, match=r"missing columns \['scenario'\]"):
        grammar.expand(VARIED.drop(columns="scenario"))


# ---- the project's own -----------------------------------------------------------------------------------------------

SKELETONS = grammar.expand(VARIED)


def test_thousands_of_distinct_sentences_about_each_profession():
    """Counted one by one, without the pronoun, for what the pool may write."""
    people = population.check_professions(PROFESSIONS)
    i, name = next((i, p) for i, p in enumerate(people["profession"]) if people["in_pool"].iloc[i])
    sentences = [
        population.sentence(text, name, variant, "female")
        for text in SKELETONS["text"]
        for variant in range(population.number_of_variants(text))
        if population.is_reserved_for_pool(text, i, variant)
    ]
    assert len(sentences) == len(set(sentences)) > 10_000
    assert len(SKELETONS) > 3_000 and SKELETONS["text"].is_unique and SKELETONS["skeleton"].is_unique
    assert len({population.frame_of(text) for text in SKELETONS["text"]}) > 3_000


def test_scenarios_are_alike_in_number_and_every_row_is_used_everywhere():
    counts = SKELETONS["skeleton"].str.split("_").str[0].value_counts()
    assert set(counts.index) == set(population.SCENARIOS)
    assert counts.nunique() == 1
    everything = "\n".join(SKELETONS["text"]).casefold()
    for text in VARIED["text"]:
        longest = max(re.split(r"<\w+>|^\W*\[[^\]]*\]", text), key=len)
        assert longest.casefold() in everything


def test_lengths_and_pronouns_vary():
    lengths = SKELETONS["text"].map(lambda text: len(population.sentence(text, "pharmacist", 0, "male").split()))
    assert lengths.min() <= 11 and lengths.max() >= 35 and lengths.std() > 5
    first = SKELETONS["text"].str.extract(r"\[(SUBJ|OBJ|POSS|REFL)\]")[0].value_counts(normalize=True)
    assert first["SUBJ"] > 0.5 and first["POSS"] > 0.1 and {"OBJ", "REFL"} <= set(first.index)


def test_no_wording_of_a_probe_occurs():
    """Neither a whole prompt, nor a wording with its slots, nor the five words around one."""
    held_out, matched = (pd.read_csv(RESOURCES / "wordings" / f"{name}.csv") for name in ("held_out", "matched"))
    prompts = [
        *probes.held_out_probes(PROFESSIONS, held_out)["prompt"],
        *probes.matched_probes(PROFESSIONS, matched)["prompt"],
    ]
    frames = {population.frame_of(text) for text in [*held_out["text"], *matched["text"]]}
    for text in SKELETONS["text"]:
        assert not [frame for frame in frames if frame in population.frame_of(text)]
    filled = "\n".join(
        population.sentence(text, name, 0, "male") for text in SKELETONS["text"] for name in PROFESSIONS["profession"]
    )
    assert not [prompt for prompt in prompts if prompt in filled]


def test_every_skeleton_reads_as_the_gender_that_is_asked():
    for text in population.check_skeletons(SKELETONS)["text"]:
        for gender in pronouns.GENDERS:
            written = population.sentence(text, "nurse practitioner", 0, gender)
            assert pronouns.first_gender(written) == gender
            assert "[" not in written and "<" not in written and written[-1] == "." and "  " not in written
