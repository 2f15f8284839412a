from __future__ import annotations

import itertools
import re
from pathlib import Path

import pandas as pd
import pytest

from quorum import grammar, population, pronouns
from quorum.population import ResourceError

RESOURCES = Path(__file__).parents[2] / "resources"


def resource(name: str) -> pd.DataFrame:
    return grammar.expand(pd.read_csv(RESOURCES / name))


PROFESSIONS = resource("professions.csv")
SKELETON_FILES = ("background", "template", "varied")
PROBE_FILES = ("held_out", "matched")


# ---- the resources themselves ----------------------------------------------------------------------------------------
def test_professions_are_balanced_over_tiers():
    people = population.check_professions(PROFESSIONS)
    per_tier = people.groupby("tier")
    assert len(people) == 24
    assert set(people["tier"]) == set(population.TIERS)
    assert (per_tier["in_pool"].sum() == 5).all()
    assert (per_tier["in_probes"].sum() == 5).all()
    assert ((people["in_pool"] & people["in_probes"]).groupby(people["tier"]).sum() == 4).all()


def test_a_missing_male_share_says_so_and_a_given_one_names_source_and_year():
    for person in PROFESSIONS.itertuples():
        if pd.isna(person.male_share):
            assert person.source == "no public figure found"
        else:
            assert re.search(r"\b20\d\d\b", person.source), person.profession


def test_male_share_is_what_the_quoted_share_of_women_leaves():
    quoted = PROFESSIONS["source"].str.extract(r"([\d.]+)%")[0].astype(float)
    given = PROFESSIONS["male_share"].notna()
    assert quoted.notna().equals(given)
    assert (PROFESSIONS["male_share"] - (1 - quoted / 100))[given].abs().max() < 5e-4


@pytest.mark.parametrize("name", PROBE_FILES)
def test_probe_wordings_cover_every_domain_and_scenario_equally(name):
    wordings = population.check_wordings(resource(f"wordings/{name}.csv"))
    assert len(wordings) == 32
    cells = wordings.groupby(["domain", "scenario"]).size()
    assert len(cells) == len(population.DOMAINS) * len(population.SCENARIOS)
    assert (cells == 2).all()
    assert not wordings["text"].str.contains("patient").any() or name == "matched"


@pytest.mark.parametrize("name", SKELETON_FILES)
def test_skeletons_are_usable_and_one_sentence_of_each_gender_reads_as_that_gender(name):
    for skeleton in population.check_skeletons(resource(f"wordings/{name}.csv")).itertuples():
        for gender in pronouns.GENDERS:
            text = population.sentence(skeleton.text, "nurse practitioner", 0, gender)
            assert "[" not in text
            assert pronouns.first_gender(text) == gender
        words = len(population.sentence(skeleton.text, "pharmacist", 0, "male").split())
        assert name != "background" or 12 <= words <= 26, (skeleton.skeleton, words)


def test_background_has_its_first_pronoun_in_the_middle():
    for text in resource("wordings/background.csv")["text"]:
        words = population.sentence(text, "pharmacist", 0, "male").split()
        place = next(k for k, word in enumerate(words) if pronouns.first_gender(word) != "none")
        assert 0.25 < place / len(words) < 0.85, text


@pytest.mark.parametrize(("name", "people", "least"), [("background", 24, 10_000), ("template", 20, 8_000)])
def test_there_are_enough_sentences_and_no_two_alike(name, people, least):
    skeletons = resource(f"wordings/{name}.csv")
    names = PROFESSIONS["profession"].head(people)
    texts = [
        population.sentence(text, person, variant, "male")
        for text in skeletons["text"]
        for person in names
        for variant in range(population.number_of_variants(text))
    ]
    assert len(texts) > least
    assert len(set(texts)) == len(texts)


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", population.frame_of(text).lower())


def five_grams(text: str) -> set[tuple[str, ...]]:
    words = words_of(text)
    return {tuple(words[k : k + 5]) for k in range(len(words) - 4)}


def test_held_out_wordings_share_no_five_words_with_any_skeleton():
    held_out = set().union(*map(five_grams, resource("wordings/held_out.csv")["text"]))
    assert held_out
    for name in SKELETON_FILES:
        for text in resource(f"wordings/{name}.csv")["text"]:
            assert not five_grams(text) & held_out, text


def test_background_and_pool_share_no_frame():
    frames = {
        name: {population.frame_of(t) for t in resource(f"wordings/{name}.csv")["text"]} for name in SKELETON_FILES
    }
    for one, other in itertools.combinations(SKELETON_FILES, 2):
        assert not frames[one] & frames[other]
        grams = [set().union(*map(five_grams, resource(f"wordings/{n}.csv")["text"])) for n in (one, other)]
        assert not grams[0] & grams[1]


def test_matched_actions_are_none_of_the_pool():
    template = resource("wordings/template.csv")["text"].iloc[0]
    of_pool = set(re.findall(r"\w+", template))
    matched = resource("wordings/matched.csv")
    assert matched["action"].is_unique
    assert not set(matched["action"]) & of_pool
    assert (matched.groupby("domain").size() >= 8).all()
    before_pronoun = population.frame_of(template.split("[SUBJ]")[0]).strip()
    assert {population.frame_of(t) for t in matched["text"]} == {before_pronoun.replace("_ _ _", "_ _")}


# ---- the checks ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tier": "junior"}, "row 3: tier is 'junior'"),
        ({"profession": "Nurse"}, "row 3: profession is 'Nurse'"),
        ({"profession": "nu[r]se"}, "row 3: profession"),
        ({"profession": None}, "row 3: profession"),
        ({"profession": "cardiologist"}, "row 3: profession is 'cardiologist'; list each"),
        ({"in_pool": "perhaps"}, "row 3: in_pool is 'perhaps'"),
        ({"male_share": 1.2}, "row 3: male_share"),
        ({"male_share": "most"}, "row 3: male_share is 'most'"),
        ({"source": None}, "row 3: source"),
    ],
)
def test_a_bad_profession_is_named(change, message):
    frame = PROFESSIONS.astype(object)
    for column, value in change.items():
        frame.loc[2, column] = value
    with pytest.raises(ResourceError, match=re.escape(message)):
        population.check_professions(frame)


def test_missing_columns_and_rows_are_named():
    with pytest.raises(ResourceError, match="missing columns \\['source'\\]"):
        population.check_professions(PROFESSIONS.drop(columns="source"))
    with pytest.raises(ResourceError, match="has no rows"):
        population.check_professions(PROFESSIONS.head(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "The nurse said that"}, "text is 'The nurse said that'"),
        ({"text": "The [PROFESSION] said that "}, "remove the white space"),
        ({"text": "The [PROFESSION] said that she"}, "end it before the first pronoun"),
        ({"domain": "surgery"}, "domain is 'surgery'"),
        ({"scenario": "war"}, "scenario is 'war'"),
        ({"wording": "icu_emergency_alarm"}, "wording is 'icu_emergency_alarm'"),
    ],
)
def test_a_bad_wording_is_named(change, message):
    frame = resource("wordings/held_out.csv")
    for column, value in change.items():
        frame.loc[4, column] = value
    with pytest.raises(ResourceError, match=re.escape(message)):
        population.check_wordings(frame)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[SUBJ] left.", "write [PROFESSION]"),
        ("The [PROFESSION] and [NAME] said [SUBJ] left.", "use only the slots"),
        ("The [PROFESSION] left the [ward|clinic].", "write one of the pronoun slots"),
        ("The [PROFESSION] said he and [SUBJ] left.", "put slots in place of the pronouns"),
    ],
)
def test_a_bad_skeleton_is_named(text, message):
    with pytest.raises(ResourceError, match=re.escape(message)):
        population.check_skeletons(pd.DataFrame({"skeleton": ["s"], "text": [text]}))


# ---- sentences -------------------------------------------------------------------------------------------------------
TEXT = "The [PROFESSION] took [a|b|c] to [x|y], and [SUBJ] left [POSS] [p|q|r|s]."


def test_variants_are_the_product_of_the_choices():
    expected = {
        f"The nurse took {a} to {x}, and she left her {p}." for a, x, p in itertools.product("abc", "xy", "pqrs")
    }
    assert population.number_of_variants(TEXT) == 24
    assert {population.sentence(TEXT, "nurse", v, "female") for v in range(24)} == expected


@pytest.mark.parametrize("variant", [-1, 24])
def test_a_variant_that_does_not_exist_is_refused(variant):
    with pytest.raises(IndexError):
        population.sentence(TEXT, "nurse", variant, "male")


def test_half_of_the_combinations_are_reserved_and_every_option_is_among_them():
    reserved = [(i, v) for i in range(20) for v in range(24) if population.is_reserved_for_pool(TEXT, i, v)]
    assert len(reserved) == 20 * 24 / 2
    for i in range(20):
        options = [population.chosen_options(TEXT, v) for person, v in reserved if person == i]
        assert [len({o[k] for o in options}) for k in range(3)] == [3, 2, 4]


def test_frame_masks_every_slot():
    assert population.frame_of(TEXT) == "The _ took _ to _, and _ left _ _."
