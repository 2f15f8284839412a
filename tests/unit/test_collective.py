from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quorum import background, collective, grammar, pronouns, tables
from quorum.population import ResourceError

RESOURCES = Path(__file__).parents[2] / "resources"
PROFESSIONS = pd.read_csv(RESOURCES / "professions.csv")
STYLES = {name: pd.read_csv(RESOURCES / "wordings" / f"{name}.csv") for name in ("template", "varied")}
SHARES = st.floats(0, 1)


def write(style="template", strategy="parity", agents=100, each=10, seed=1, size=1700, male_share=0.79):
    return collective.write_pool(PROFESSIONS, STYLES[style], strategy, agents, each, size, male_share, seed)


# ---- strategies ------------------------------------------------------------------------------------------------------
def test_critical_size_of_the_study():
    assert collective.critical_size(1700, 0.79) == 986


@given(st.integers(0, 5000), SHARES)
def test_critical_size_is_the_smallest_that_makes_the_mixture_even(size, male_share):
    male = round(size * male_share)
    n = collective.critical_size(size, male_share)
    added_male = n if collective.counter_gender(size, male_share) == "male" else 0
    assert 2 * (male + added_male) == size + n


@given(st.sampled_from(collective.STRATEGIES), st.integers(0, 600), st.integers(0, 600), st.integers(0, 900), SHARES)
def test_a_smaller_pool_is_the_beginning_of_a_larger_one(strategy, one, other, size, male_share):
    small, large = sorted((one, other))
    order = collective.order_of_genders(strategy, large, size, male_share)
    assert len(order) == large
    assert collective.order_of_genders(strategy, small, size, male_share) == order[:small]


@given(st.integers(0, 600), st.integers(0, 900), SHARES)
def test_strategies_against_their_definitions(n, size, male_share):
    male_background = round(size * male_share)
    males = {s: collective.order_of_genders(s, n, size, male_share).count("male") for s in collective.STRATEGIES}
    assert abs(2 * males["balanced"] - n) <= 1
    assert males["counter"] == (0 if 2 * male_background >= size else n)
    # Parity: as close to 50/50 as n sentences can bring the mixture.
    mixture = [abs(2 * (male_background + m) - size - n) for m in range(n + 1)]
    assert abs(2 * (male_background + males["parity"]) - size - n) == min(mixture)


def test_parity_is_counter_up_to_the_critical_size():
    counter = collective.order_of_genders("counter", 986, 1700, 0.79)
    parity = collective.order_of_genders("parity", 990, 1700, 0.79)
    assert parity == [*counter, "female", "male", "female", "male"]
    assert Fraction(round(1700 * 0.79), 1700 + 986) == Fraction(1, 2)


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="unknown strategy 'loud'"):
        collective.order_of_genders("loud", 3, 10, 0.7)


# ---- pools -----------------------------------------------------------------------------------------------------------
def ungendered(frame: pd.DataFrame) -> list[str]:
    return [
        " ".join(word for word in text.split() if pronouns.first_gender(word) == "none")
        for text in frame["prompt"] + frame["completion"]
    ]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("strategy", collective.STRATEGIES)
def test_a_pool_has_unique_sentences_in_the_order_of_its_strategy(style, strategy):
    pool = write(style, strategy, agents=400)
    tables.validate(pool, "contributions")
    assert len(pool) == 4000
    assert len(set(ungendered(pool))) == 4000
    assert pool["gender"].tolist() == collective.order_of_genders(strategy, 4000, 1700, 0.79)
    assert [pronouns.first_gender(c) for c in pool["completion"]] == pool["gender"].tolist()
    assert (pool.groupby("agent").size() == 10).all()
    assert pool["agent"].iloc[[0, 9, 10, -1]].tolist() == ["agent001", "agent001", "agent002", "agent400"]
    assert set(pool["skeleton"]) <= set(grammar.expand(STYLES[style])["skeleton"])


@pytest.mark.parametrize("style", STYLES)
def test_professions_have_one_turn_in_twenty_and_both_genders_alike(style):
    pool = write(style, "balanced", agents=40)
    people = set(PROFESSIONS.query("in_pool")["profession"])
    for start in range(0, len(pool), 20):
        assert set(pool["profession"].iloc[start : start + 20]) == people
    for start in range(0, len(pool), 40):
        cells = pool.iloc[start : start + 40].groupby(["profession", "gender"]).size()
        assert len(cells) == 40
        assert (cells == 1).all()


def test_an_odd_number_of_professions_meets_both_genders_too():
    three = PROFESSIONS.head(3)
    pool = collective.write_pool(three, STYLES["template"], "balanced", 6, 10, 1700, 0.79, 1)
    assert (pool.groupby(["profession", "gender"]).size() == 10).all()


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**31), st.sampled_from(sorted(STYLES)))
@settings(max_examples=15)
def test_a_larger_collective_begins_with_the_smaller_one(one, other, seed, style):
    assume(one != other)
    small, large = sorted((one, other))
    beginning = write(style, agents=large, seed=seed).head(small * 10)
    pd.testing.assert_frame_equal(write(style, agents=small, seed=seed), beginning, check_dtype=False)


def test_the_strategy_changes_pronouns_only():
    pools = [write("varied", strategy, seed=5) for strategy in collective.STRATEGIES]
    assert ungendered(pools[0]) == ungendered(pools[1]) == ungendered(pools[2])


def test_the_seed_decides_the_words():
    assert ungendered(write(seed=1)) != ungendered(write(seed=2))


def test_a_varied_pool_repeats_few_skeletons_and_its_agents_hardly_any():
    pool = write("varied", agents=100)
    assert pool["skeleton"].nunique() > 800
    assert pool.groupby("agent")["skeleton"].nunique().mean() > 9.9
    scenarios = pool["skeleton"].str.split("_").str[0].value_counts()
    assert scenarios.max() < 1.3 * scenarios.min()


def test_too_large_a_pool_is_refused_and_says_where_it_stopped():
    assert len(write("template", agents=600)) == 6000
    with pytest.raises(ResourceError, match=r"too few sentences about .* for a pool of 6010; 6000 were written"):
        write("template", agents=601)


# ---- mimic -----------------------------------------------------------------------------------------------------------
BACKGROUND = pd.read_csv(RESOURCES / "wordings" / "background.csv")


def mimic(agents: int, firm: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    taken = (firm["prompt"] + firm["completion"]).tolist()
    return collective.write_pool(PROFESSIONS, BACKGROUND, "parity", agents, 10, 1700, 0.79, seed, taken)


def test_who_mimics_the_background_writes_in_its_skeletons_and_none_of_its_sentences():
    firm = background.write_background(PROFESSIONS, BACKGROUND, STYLES["template"], 1700, 0.79, 0.0, 1)
    pool = mimic(400, firm)
    assert len(pool) == 4000
    assert set(pool["skeleton"]) == set(firm["skeleton"])
    assert not set(ungendered(pool)) & set(ungendered(firm))
    assert set(ungendered(mimic(400, firm.head(0)))) & set(ungendered(firm))


def test_a_larger_mimicking_collective_begins_with_the_smaller_one():
    firm = background.write_background(PROFESSIONS, BACKGROUND, STYLES["template"], 300, 0.79, 0.0, 5)
    beginning = mimic(20, firm, 5).head(70)
    pd.testing.assert_frame_equal(mimic(7, firm, 5), beginning, check_dtype=False)


def test_a_sentence_is_taken_whatever_its_pronoun():
    pool = write(agents=2)
    other, subject = {"male": "female", "female": "male"}, {"male": "he", "female": "she"}
    swapped = [
        (row.prompt + row.completion).replace(f" {word}?", f" {subject[other[row.gender]]}?")
        for row in pool.itertuples()
        for word in ("he", "she")
        if f" {word}?" in row.prompt + row.completion
    ]
    assert len(swapped) == 20 and not set(swapped) & set(pool["prompt"] + pool["completion"])
    again = collective.write_pool(PROFESSIONS, STYLES["template"], "parity", 2, 10, 1700, 0.79, 1, swapped)
    assert not set(ungendered(again)) & set(ungendered(pool))
