"""Curves and distributions of scores, against curves worked out by hand and slow definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import filter_curves, tables

# From the top: pool, pool, background, pool, background, background.
SIDES = np.array([True, True, False, True, False, False])
FALLING = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])


def test_a_roc_curve_by_hand():
    """Points (0, 2/3), (1/3, 2/3), (1/3, 1), (1, 1): at 1/3 it rises straight up, and its upper end counts."""
    rates = np.array([0, 1 / 6, 1 / 3, 0.5, 1])
    assert filter_curves.roc_at(SIDES, FALLING, rates) == pytest.approx([2 / 3, 5 / 6, 1, 1, 1])


def test_tied_scores_are_a_straight_line():
    rates = np.array([0, 0.25, 1])
    assert filter_curves.roc_at(SIDES, np.ones(6), rates) == pytest.approx(rates)
    assert filter_curves.precision_at(SIDES, np.ones(6), np.array([0.1, 1])) == pytest.approx([0.5, 0.5])


def test_precision_by_hand():
    """All of the first two thirds without an error; the last third costs one of the background."""
    recalls = np.array([1 / 3, 2 / 3, 1])
    assert filter_curves.precision_at(SIDES, FALLING, recalls) == pytest.approx([1, 1, 3 / 4])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=40))
def test_curves_against_their_definitions(rows):
    sides, scores = np.array([side for side, _ in rows]), np.array([float(score) for _, score in rows])
    if sides.all() or not sides.any():
        return
    for limit in np.unique(scores):
        above = scores >= limit
        recall, false = above[sides].mean(), above[~sides].mean()
        # An operating point of the filter lies on or below the curve that is read at its rate.
        assert filter_curves.roc_at(sides, scores, np.array([false]))[0] >= recall - 1e-12
        if recall:
            precision = sides[above].mean()
            assert filter_curves.precision_at(sides, scores, np.array([recall]))[0] >= precision - 1e-12
    whole = filter_curves.roc_at(sides, scores, filter_curves.GRID)
    assert (np.diff(whole) >= -1e-12).all() and whole[-1] == 1


def stream(seed: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"contribution_id": [f"{seed}-{k}" for k in range(6)], "source": np.where(SIDES, "pool", "background")}
    )


def judged(*scores: np.ndarray) -> list[tuple[dict, pd.DataFrame, pd.DataFrame]]:
    return [
        (
            {"style": "varied", "strategy": "parity", "seed": seed, "pool_size": 3, "uptake": "fine_tune"},
            stream(seed),
            pd.DataFrame({"defense": "tfidf", "contribution_id": stream(seed)["contribution_id"], "score": values}),
        )
        for seed, values in enumerate(scores)
    ]


def test_curves_of_seeds_are_averaged_at_the_same_places():
    """One perfect seed, and one that guesses (all tied)."""
    table = filter_curves.filter_curves(judged(np.where(SIDES, 1.0, 0.0), np.ones(6)))
    tables.validate(table, "filter_curves")
    assert table.groupby("curve").size().max() <= 200
    roc, pr = (table[table["curve"] == curve].set_index("x") for curve in ("roc", "pr"))
    assert roc["y"].to_numpy() == pytest.approx((1 + roc.index) / 2)
    assert roc["y_low"].to_numpy() == pytest.approx(roc.index) and (roc["y_high"] == 1).all()
    assert (roc["area"] == 0.75).all() and (table["n_seeds"] == 2).all() and (table["pool_share"] == 0.5).all()
    assert pr["y"].to_numpy() == pytest.approx(np.full(len(pr), 0.75))
    assert pr["area"].to_numpy() == pytest.approx(np.full(len(pr), 0.75)) and pr.index.min() > 0


def test_scores_of_a_contribution_that_nobody_made_are_refused():
    ((condition, contributions, scores),) = judged(FALLING)
    with pytest.raises(ValueError, match="2 are of contributions that are not in the stream"):
        filter_curves.filter_curves([(condition, contributions.head(4), scores)])


def test_the_histogram_by_hand():
    """Scores 1..6 of the stream and 1, 2, 3, 11 of the reference: 40 bins of width .25."""
    references = [
        (condition, pd.DataFrame({"defense": "tfidf", "score": [1.0, 2.0, 3.0, 11.0]}))
        for condition, _, _ in judged(FALLING)
    ]
    table = filter_curves.filter_scores(judged(FALLING), references, {"weak": 0.0, "moderate": 0.25, "strong": 0.5})
    tables.validate(table, "filter_scores")
    assert len(table) == 3 * filter_curves.BINS
    assert table["score_low"].min() == 1 and table["score_high"].max() == 11
    sums = table.groupby("source")[["n", "share"]].sum()
    assert sums["n"].to_dict() == {"background": 3, "pool": 3, "reference": 4}
    assert sums["share"].to_numpy() == pytest.approx(np.ones(3))
    pool = table[(table["source"] == "pool") & (table["n"] > 0)]
    assert pool["score_low"].tolist() == [3.0, 5.0, 6.0]
    last = table[(table["source"] == "reference") & (table["score_high"] == 11)]
    assert last["n"].tolist() == [1] and last["share"].tolist() == [0.25]
    assert table[["weak", "moderate", "strong"]].drop_duplicates().to_numpy().tolist() == [[11.0, 3.0, 2.0]]


def test_one_score_only_has_a_histogram_too():
    references = [(c, pd.DataFrame({"defense": "tfidf", "score": [1.0, 1.0]})) for c, _, _ in judged(np.ones(6))]
    table = filter_curves.filter_scores(judged(np.ones(6)), references, {"weak": 0.1, "moderate": 0.1, "strong": 0.1})
    assert table.groupby("source")["n"].sum().to_dict() == {"background": 3, "pool": 3, "reference": 2}
    assert table.loc[table["n"] > 0, "score_low"].unique().tolist() == [1.0]


def test_a_stream_is_the_background_and_the_beginning_of_the_pool():
    frames = [pd.DataFrame({"contribution_id": ids}) for ids in (["f1", "f2"], ["p1", "p2", "p3"])]
    both = filter_curves.both_sides(*frames, {"pool_size": 2})
    assert both["contribution_id"].tolist() == ["f1", "f2", "p1", "p2"]
