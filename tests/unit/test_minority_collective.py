"""Who joins, in which order, how many flips."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minority_people import people

from quorum.minority import collective
from quorum.minority.population import Population, split

SHARE = st.floats(0, 1)
SEED = st.integers(0, 1000)


@given(SHARE, SHARE, SEED, st.integers(1, 3))
def test_larger_collectives_hold_the_smaller_ones(one, other, seed, per_person):
    population = people(120, 3, per_person=per_person)
    train = np.arange(0, 120, 2)
    small, large = (collective.joined(population, train, alpha, seed) for alpha in sorted((one, other)))
    assert set(small) <= set(large) <= set(train[population.group[train] == 1])
    assert (np.diff(large) > 0).all()
    minority = set(population.person[train[population.group[train] == 1]])
    assert len(set(population.person[large])) == int(max(one, other) * len(minority) + 0.5)


@given(SHARE, SEED)
def test_persons_join_with_all_their_training_rows(alpha, seed):
    population = people(90, 5, per_person=3)
    train, _ = split(population, 1)
    members = collective.joined(population, train, alpha, seed)
    outside = np.setdiff1d(train, members)
    assert not set(population.person[members]) & set(population.person[outside])


def test_other_seeds_are_other_people():
    population, train = people(), np.arange(400)
    drawn = {tuple(collective.joined(population, train, 0.3, seed)) for seed in range(5)}
    assert len(drawn) == 5


def test_a_row_of_a_member_outside_of_the_minority_stays_out():
    group = np.array([1, 0, 1, 0])
    population = Population(pd.DataFrame({"a": range(4)}), np.zeros(4, int), group, np.array(["x", "x", "y", "z"]))
    assert collective.joined(population, np.arange(4), 1.0, 1).tolist() == [0, 2]


@pytest.mark.parametrize("alpha", [-0.1, 1.1])
def test_a_share_is_a_share(alpha):
    with pytest.raises(ValueError, match="alpha"):
        collective.joined(people(), np.arange(400), alpha, 1)


def test_candidates_are_the_minority_with_label_0():
    population = people()
    rows = collective.candidates(population, np.arange(400))
    expected = [i for i in range(400) if population.group[i] == 1 and population.label[i] == 0]
    assert rows.tolist() == expected


@given(st.lists(st.integers(0, 3), max_size=30), SEED)
def test_the_order_falls_in_score_and_ties_fall_as_for_any_other_score(score, seed):
    rows, score = np.arange(len(score)) * 7, np.array(score, dtype=float)
    ordered = collective.in_order(rows, score, seed)
    assert sorted(ordered) == rows.tolist()
    of_row = dict(zip(rows, score, strict=True))
    assert all(of_row[a] >= of_row[b] for a, b in pairwise(ordered))
    without = collective.in_order(rows, np.zeros(len(rows)), seed)
    for value in set(score):
        assert [r for r in ordered if of_row[r] == value] == [r for r in without if of_row[r] == value]


def test_ties_are_shuffled():
    rows = np.arange(50)
    orders = {tuple(collective.in_order(rows, np.zeros(50), seed)) for seed in range(4)}
    assert len(orders) == 4 and tuple(rows) not in orders


def test_flip_counts_by_hand():
    label = np.repeat([0, 1, 0], [20, 10, 30])  # N0 = 20 of the minority
    population = Population(pd.DataFrame(), label, np.repeat([1, 0], 30), np.arange(60).astype(str))
    # most = .5 * .7 * 20 = 7
    assert collective.flip_counts(population, 0.5, 4, 0.3).tolist() == [0, 2, 5, 7]
    assert collective.flip_counts(population, 0.1, 5, 0.3).tolist() == [0, 1]
    assert collective.flip_counts(population, 0.0, 5, 0.3).tolist() == [0]
    with pytest.raises(ValueError, match="steps is 1"):
        collective.flip_counts(population, 0.5, 1, 0.3)


@given(st.integers(1, 200), SEED)
def test_known_rows_are_training_rows_of_the_majority(number, seed):
    population, train = people(100, 2), np.arange(0, 100, 2)
    rows = collective.known_rows(population, train, number, seed)
    majority = train[population.group[train] == 0]
    assert len(rows) == min(number, len(majority)) and set(rows) <= set(majority) and len(set(rows)) == len(rows)
    assert collective.known_rows(population, train, None, seed).tolist() == majority.tolist()


def test_features_that_tell_the_group():
    group = np.array([0, 0, 0, 1, 1, 1] * 10)
    generator = np.random.default_rng(0)
    features = pd.DataFrame(
        {
            "copy": group * 1.0,
            "age": np.where(group == 1, 60, 20) + generator.random(60),  # one threshold, 60 values
            "race": np.where(group == 1, 2.0, generator.integers(0, 2, 60) * 3 + 1),  # 1 and 4 against 2
            "dose": generator.random(60),  # every value once, in no order
            "level": generator.integers(0, 3, 60).astype(float),
            "gaps": np.where(group == 1, np.nan, 1.0),
        }
    )
    population = Population(features, np.zeros(60, int), group, np.arange(60).astype(str))
    assert collective.sensitive_features(population) == ["copy", "age", "race"]
