"""The two small pictures: what they show is what the study's own functions find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quorum import tables
from quorum.minority import toy
from quorum.minority.audit import measures
from quorum.minority.collective import in_order
from quorum.minority.learners import LEARNERS
from quorum.minority.scores import rb_label


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    return toy.fewest_flips()


def test_the_people_are_those_of_the_paper():
    features, label, group = toy.people()
    assert features.shape == (160, 2)
    counts = pd.crosstab(group, label)
    assert counts.loc[0].tolist() == [60, 60] and counts.loc[1].tolist() == [20, 20]
    assert (toy.people()[0] == features).all() and (toy.people(2)[0] != features).any()


def test_people_come_from_the_stated_distribution():
    pooled = [toy.people(seed) for seed in range(60)]
    features, label, group = (np.concatenate(parts) for parts in zip(*pooled, strict=True))
    for a, shift in ((0, (0, 0)), (1, (-0.75, 0.75))):
        for y in (0, 1):
            mine = features[(group == a) & (label == y)]
            assert mine.mean(axis=0) == pytest.approx([2 * y - 1 + shift[0], shift[1]], abs=0.12)
            assert mine.std(axis=0) == pytest.approx([1, 1], abs=0.08)


def test_both_moments_follow_from_their_labels(drawn):
    tables.validate(drawn, "minority_toy")
    _, own, group = toy.people()
    for moment in ("before", "after"):
        points = drawn[(drawn.moment == moment) & (drawn.kind == "point")]
        x, seen = points[["x1", "x2"]].to_numpy(), points.label.astype(int).to_numpy()
        model = LEARNERS["logistic_regression"](0).fit(x, seen)
        found = measures(own, model.predict(x), group)
        assert set(points.eqod) == {found["eqod"]} and set(points.error) == {found["error"]}
        assert (points.flipped.astype(bool).to_numpy() == (seen != own)).all()
        line = drawn[(drawn.moment == moment) & (drawn.kind == "boundary")]
        assert len(line) == 2 and line.x2.nunique() == 2
        assert model.decision_function(line[["x1", "x2"]].to_numpy()) == pytest.approx([0, 0], abs=1e-9)


def test_flips_are_the_minoritys_and_help(drawn):
    flipped = drawn[drawn.flipped.fillna(False).astype(bool)]
    assert set(flipped.moment) == {"after"} and set(flipped.group) == {"minority"} and set(flipped.label) == {1}
    before, after = (drawn[drawn.moment == moment].eqod.iloc[0] for moment in ("before", "after"))
    assert after < before


@pytest.mark.parametrize("seed", [1, 5, 6])  # halved before all flip, never lower, never halved
def test_no_smaller_number_of_flips_does_it(seed):
    drawn = toy.fewest_flips(seed)
    features, label, group = toy.people(seed)
    flipped = int(drawn.flipped.fillna(False).sum())
    before, after = (drawn[drawn.moment == moment].eqod.iloc[0] for moment in ("before", "after"))
    every = np.flatnonzero((group == 1) & (label == 0))
    score = rb_label(features[group == 0], label[group == 0], features[every], 3, seed)
    order = in_order(every, score, seed)
    found = []
    for flips in range(len(order) + 1):
        changed = label.copy()
        changed[order[:flips]] = 1
        model = LEARNERS["logistic_regression"](0).fit(features, changed)
        found.append(measures(label, model.predict(features), group)["eqod"])
    enough = [flips for flips, eqod in enumerate(found) if eqod <= before / 2]
    assert flipped == (enough[0] if enough else found.index(min(found)))
    assert after == found[flipped]


def test_links_lead_to_the_rows_that_the_score_counts():
    drawn = toy.seen_rows()
    tables.validate(drawn, "minority_scoring")
    for method in ("rb_label", "rb_dist"):
        mine = drawn[drawn.method == method]
        majority = mine[mine.kind == "majority"]
        people = mine[mine.kind == "candidate"]
        scale = majority[["x1", "x2"]].std(ddof=0).to_numpy()
        assert len(majority) == 120 and sorted(people["rank"]) == list(range(1, 21))
        ranked = people.sort_values("rank").score
        assert ranked.is_monotonic_decreasing
        links = mine[mine.kind == "link"]
        assert links.groupby(["x1", "x2"]).size().tolist() == [3] * 4
        for place, ends in links.groupby(["x1", "x2"]):
            counted = majority[majority.label == 1] if method == "rb_dist" else majority
            away = np.linalg.norm((counted[["x1", "x2"]].to_numpy() - place) / scale, axis=1)
            nearest = counted[["x1", "x2"]].to_numpy()[np.argsort(away)[:3]]
            assert {tuple(end) for end in ends[["x1_to", "x2_to"]].to_numpy()} == {tuple(row) for row in nearest}
            score = people[(people.x1 == place[0]) & (people.x2 == place[1])].score.iloc[0]
            labels = counted.label.to_numpy()[np.argsort(away)[:3]]
            expected = labels.sum() if method == "rb_label" else -np.sort(away)[:3].mean()
            assert score == pytest.approx(expected)
