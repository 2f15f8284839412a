"""One run against the plain way to do it: split, score and train anew for every condition."""

from __future__ import annotations

import numpy as np
import pytest
from minority_people import people

from quorum import tables
from quorum.minority import collective, sweep
from quorum.minority.audit import measures
from quorum.minority.learners import LEARNERS
from quorum.minority.mitigations import MITIGATIONS
from quorum.minority.population import Population, split
from quorum.minority.scores import SCORES, rb_dist

METHODS = tuple(SCORES)
OPTIONS = {"methods": METHODS, "alphas": [0.1, 0.5], "steps": 4, "known": 10, "at_alpha": 0.5}
KEYS = ["method", "knowledge", "alpha", "flips"]


@pytest.fixture(scope="module")
def runs():
    return sweep.run(people(), "made_up", "logistic_regression", 1, **OPTIONS)


def test_every_condition_once(runs):
    tables.validate(runs, "minority_runs")
    assert not runs.duplicated(KEYS).any()
    counts = {a: collective.flip_counts(people(), a, 4, 0.3).tolist() for a in (0.1, 0.5)}
    for method in METHODS:
        for alpha in (0.1, 0.5):
            mine = runs[(runs.method == method) & (runs.alpha == alpha) & (runs.knowledge == "all")]
            assert mine.flips.tolist() == counts[alpha]
    limited = runs[runs.knowledge == "10"]
    assert set(limited.method) == {"rb_prob", "rb_label", "rb_dist"} and set(limited.alpha) == {0.5}


def test_a_condition_is_what_the_plain_way_finds(runs):
    """RB-dist, written out: members, their order, labels, one model."""
    population = people()
    train, audit = split(population, 1, 0.3)
    features, label, group = population.features.to_numpy(), population.label, population.group
    majority = train[group[train] == 0]
    every = train[(group[train] == 1) & (label[train] == 0)]
    without_group = features[:, :3]
    score = rb_dist(without_group[majority], label[majority], without_group[every], 10, 1)
    members = collective.joined(population, train, 0.5, 1)
    ours = [row for row in collective.in_order(every, score, 1) if row in set(members)]
    found = runs[(runs.method == "rb_dist") & (runs.alpha == 0.5) & (runs.knowledge == "all")]
    for row in found.to_dict("records"):
        changed = label.copy()
        changed[ours[: row["flips"]]] = 1
        model = LEARNERS["logistic_regression"](1).fit(features[train], changed[train])
        expected = measures(label[audit], model.predict(features[audit]), group[audit])
        assert {name: row[name] for name in expected} == expected
        assert row["flipped"] == min(row["flips"], len(ours))


def test_no_flip_is_the_same_model_for_every_condition_and_the_baseline(runs):
    zero = runs[runs.flips == 0]
    assert len(zero) == 4 * 2 + 3
    assert (zero.drop(columns=[*KEYS, "flipped"]).drop_duplicates().shape[0]) == 1
    base = sweep.baselines(people(), "made_up", "logistic_regression", 1)
    none = base[base.mitigation == "none"].iloc[0]
    assert all(zero[name].iloc[0] == none[name] for name in ("error", "eqod", "sp", "tpr_gap", "fpr_gap"))


def test_equal_labels_are_trained_once(monkeypatch):
    trained = []
    learner = LEARNERS["logistic_regression"]

    class Counted:
        def __init__(self, seed, features):
            self.model = learner(seed)

        def fit(self, features, label):
            trained.append(label.tobytes())
            return self.model.fit(features, label)

    monkeypatch.setattr(sweep, "LEARNERS", {"counted": Counted})
    found = sweep.run(people(), "made_up", "counted", 1, ["rb_label", "rb_dist", "random"], [0.1, 0.5], 4, known=None)
    assert len(trained) == len(set(trained)) < len(found)
    # All flips of a collective are the same whatever their order.
    most = found[(found.alpha == 0.1) & (found.flips == found.flips[found.alpha == 0.1].max())]
    if (most.flipped < most.flips).all():
        assert most.eqod.nunique() == 1


def test_a_run_repeats_itself_and_another_seed_is_another_run(runs):
    again = sweep.run(people(), "made_up", "logistic_regression", 1, **OPTIONS)
    assert again.equals(runs)
    other = sweep.run(people(), "made_up", "logistic_regression", 2, **OPTIONS)
    assert not np.array_equal(other.eqod, runs.eqod)
    assert other[KEYS].equals(runs[KEYS])


def test_the_order_does_not_see_the_audit():
    """Other labels on the audit rows change what is measured, never whom the collective flips."""
    population = people()
    _, audit = split(population, 1)
    seen = []
    original = collective.in_order

    def noted(rows, score, seed):
        seen.append(original(rows, score, seed).tolist())
        return original(rows, score, seed)

    changed = population.features.copy()
    changed.iloc[audit, :3] += 5.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "in_order", noted)
        for features in (population.features, changed):
            twin = Population(features, population.label, population.group, population.person)
            sweep.run(twin, "made_up", "logistic_regression", 1, **OPTIONS)
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


def test_flips_help_where_the_labels_are_unfair():
    found = sweep.run(people(3000, 5), "made_up", "logistic_regression", 1, ["rb_prob"], [0.5], 6, known=None)
    assert found.eqod.iloc[0] > 0.15 and found.eqod.min() < 0.5 * found.eqod.iloc[0]


def test_without_knowledge_of_a_kind():
    """Known rows of one label, no feature but the sensitive one: documented as the seeded shuffle, never an error."""
    population = people(200)
    blind = Population(population.features[["group"]], population.label, population.group, population.person)
    found = sweep.run(blind, "blind", "logistic_regression", 1, METHODS, [0.5], 3, known=1, at_alpha=0.5)
    by_method = found[found.method != "random"].groupby(["method", "knowledge"]).eqod.agg(tuple)
    assert by_method.nunique() == 1


@pytest.mark.parametrize("learner", LEARNERS)
def test_baselines_of_both_learners(learner):
    found = sweep.baselines(people(300, 1), "made_up", learner, 3)
    tables.validate(found, "minority_baseline_runs")
    assert found.mitigation.tolist() == list(MITIGATIONS) and (found.seed == 3).all()
