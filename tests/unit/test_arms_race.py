"""The arms race, against tables worked out by hand and against the tables that it is made of."""

from __future__ import annotations

import fake_audits as fake
import numpy as np
import pandas as pd
import pytest

from quorum import arms_race, summaries, tables


def pool(skeletons: list[str], texts: list[str], each: int = 2) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "agent": [f"agent{k // each}" for k in range(len(texts))],
            "skeleton": skeletons,
            "prompt": texts,
            "completion": " she left.",
        }
    )


def test_effort_by_hand():
    """Agents write ab, aa and (cut off) c; the lengths are 3, 4, 3, 5 and 3 words."""
    written = pool(["a", "b", "a", "a", "c", "x"], ["one", "one two", "one", "one two three", "one", "one"])
    campaign = {"style": "varied", "strategy": "parity", "seed": 1, "pool_size": 5}
    (row,) = arms_race.effort([(campaign, written)], 5).to_dict("records")
    lengths = np.array([3, 4, 3, 5, 3])
    assert row == {
        "style": "varied",
        "strategy": "parity",
        "skeletons": 3.0,
        "skeletons_per_agent": pytest.approx((2 + 1 + 1) / 3),
        "words_mean": pytest.approx(lengths.mean()),
        "words_sd": pytest.approx(lengths.std(ddof=1)),
    }


def test_effort_is_a_mean_over_seeds_and_empty_without_skeletons():
    campaigns = [
        ({"style": "varied", "strategy": "parity", "seed": 1}, pool(["a", "b"], ["one", "one"])),
        ({"style": "varied", "strategy": "parity", "seed": 2}, pool(["a", "a"], ["one two", "one two"])),
        ({"style": "submitted", "strategy": "submitted", "seed": 1}, pool(["", ""], ["one", "two"])),
    ]
    table = arms_race.effort(campaigns, 2).set_index("style")
    assert table.loc["varied", ["skeletons", "skeletons_per_agent", "words_mean"]].tolist() == [1.5, 1.5, 3.5]
    assert table.loc["submitted", ["skeletons", "skeletons_per_agent"]].isna().all()
    assert table.loc["submitted", "words_mean"] == 3


FILTERS = ("keyword", "tfidf")


def race() -> tuple[pd.DataFrame, ...]:
    strength = {"none": "none", "keyword": "moderate", "tfidf": "moderate"}
    audits = fake.audits(lambda n: 0.8 - 0.0002 * n, sizes=(1_000,), styles=("template", "mimic"), filters=FILTERS)
    filters = fake.verdicts(audits)
    filters = filters.assign(
        uptake="fine_tune",
        strength=filters["defense"].map(strength),
        recall=np.where(filters["style"] == "mimic", 0.1, 0.9) + 0.01 * filters["seed"],
    )
    efforts = pd.DataFrame(
        {
            "style": ["template", "mimic"],
            "strategy": "parity",
            "skeletons": [1.0, 10.0],
            "skeletons_per_agent": [1.0, 6.5],
            "words_mean": 12.0,
            "words_sd": 2.0,
        }
    )
    return audits, filters, fake.utility_scores(audits), fake.streams(audits), efforts


def test_the_race_joins_what_gets_through_with_what_the_model_says():
    audits, filters, utilities, streams, efforts = race()
    table = arms_race.arms_race(audits, filters, utilities, streams, efforts, 1_000, n_resamples=100)
    tables.validate(table, "arms_race")
    assert len(table) == 2 * 2 * 3
    mimic = table[(table["style"] == "mimic") & (table["probe_set"] == "held_out")].set_index("defense")
    assert mimic["passed"].to_dict() == pytest.approx({"none": 1.0, "keyword": 0.88, "tfidf": 0.88})
    assert mimic["passed_sd"].loc["tfidf"] == pytest.approx(0.01) and np.isnan(mimic["passed_sd"].loc["none"])
    assert mimic["strength"].to_dict() == {"none": "none", "keyword": "moderate", "tfidf": "moderate"}
    assert (mimic["skeletons_per_agent"] == 6.5).all() and (table["n_seeds"] == 3).all()
    shares = summaries.by_condition(
        summaries.measured(audits, ["style", "pool_size", "defense", "seed"]),
        ["style", "pool_size", "defense", "probe_set"],
        n_resamples=100,
    ).set_index(["style", "pool_size", "defense", "probe_set"])["exact_male_share"]
    assert mimic["exact_male_share"].loc["tfidf"] == pytest.approx(shares["mimic", 1_000, "tfidf", "held_out"])
    assert mimic["exact_deployed"].to_numpy() == pytest.approx(np.full(3, shares["none", 0, "none", "held_out"]))
    published = summaries.defenses(
        audits, filters, summaries.utility(utilities, filters, audits), 1_000, n_resamples=100
    )
    for column in ("reduction_pp", "male_share", "utility_retention", "roc_auc"):
        assert sorted(table[column]) == pytest.approx(sorted(published[column]))


def test_the_model_behind_a_filter_without_a_campaign():
    audits = pd.concat(
        [
            fake.audit(0.8 if d == "none" else 0.7, seed, defense=d, strength="none" if d == "none" else "strong")
            for d in ("none", "tfidf")
            for seed in (1, 2)
        ]
    )
    streams = pd.DataFrame(
        {
            "defense": ["none", "none", "tfidf", "tfidf"],
            "strength": ["none", "none", "strong", "strong"],
            "n_background": 100,
            "n_accepted": [100, 100, 95, 90],
            "data_male_share": [0.79, 0.79, 0.8, 0.82],
        }
    )
    table = arms_race.honest_uptake(audits, streams, n_resamples=100)
    tables.validate(table, "honest_uptake")
    rows = table[table["probe_set"] == "matched"].set_index("defense")
    assert rows["honest_rows_lost"].to_dict() == {"none": 0.0, "tfidf": 7.5}
    assert rows["data_male_share"].to_dict() == pytest.approx({"none": 0.79, "tfidf": 0.81})
    assert rows.loc["none", "exact_male_share"] > rows.loc["tfidf", "exact_male_share"]
    assert (table["n_seeds"] == 2).all()
