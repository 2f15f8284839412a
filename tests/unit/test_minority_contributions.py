"""Relabelled rows: only the collective's, only from 0 to 1, never the audit's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minority_people import people

from quorum.minority.collective import candidates, in_order, joined
from quorum.minority.contributions import relabelled
from quorum.minority.learners import LEARNERS
from quorum.minority.population import split


def scene(seed, alpha, **options):
    population = people(150, seed, **options)
    train, audit = split(population, seed)
    members = joined(population, train, alpha, seed)
    ours = candidates(population, members)
    score = np.random.default_rng(seed).integers(0, 3, len(ours))
    return population, train, audit, members, in_order(ours, score, seed)


@given(st.integers(0, 50), st.floats(0, 1), st.integers(0, 200), st.integers(1, 3))
def test_only_members_with_label_0_change(seed, alpha, m, per_person):
    population, _, audit, members, ordered = scene(seed, alpha, per_person=per_person)
    before = population.label.copy()
    changed = relabelled(population.label, ordered, m)
    rows = np.flatnonzero(changed != before)
    assert set(rows) == set(ordered[:m])
    assert set(rows) <= set(members) and not set(rows) & set(audit)
    assert (before[rows] == 0).all() and (changed[rows] == 1).all() and (population.group[rows] == 1).all()
    assert (population.label == before).all(), "the labels themselves must stay as they are"


@pytest.mark.parametrize("learner", LEARNERS)
def test_no_flip_is_the_base_model_bit_for_bit(learner):
    population, train, audit, _, ordered = scene(3, 0.5, gaps=0.1)
    features, label = population.features.to_numpy(), relabelled(population.label, ordered, 0)
    assert label.dtype == population.label.dtype and (label == population.label).all()
    base, same = (LEARNERS[learner](3).fit(features[train], y[train]) for y in (population.label, label))
    assert base.predict_proba(features[audit]).tobytes() == same.predict_proba(features[audit]).tobytes()


def test_what_is_no_relabelling_is_refused():
    label = np.array([0, 1, 0])
    with pytest.raises(ValueError, match="-1 flips"):
        relabelled(label, np.array([0]), -1)
    with pytest.raises(ValueError, match="row 1 is no candidate"):
        relabelled(label, np.array([0, 1]), 1)
    assert relabelled(label, np.array([], dtype=int), 5).tolist() == [0, 1, 0]
