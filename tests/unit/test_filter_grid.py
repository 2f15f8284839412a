"""The grid, against tables worked out by hand."""

from __future__ import annotations

import math

import fake_audits as fake
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import filter_grid, tables

STRENGTHS = {"weak": 0.0, "strong": 0.5}

STREAM = pd.DataFrame(
    {
        "contribution_id": ["a", "b", "c", "d", "e", "f"],
        "source": ["background", "pool", "background", "pool", "pool", "background"],
        "gender": ["male", "female", "male", "female", "male", "none"],
    }
)
SCORES = pd.DataFrame(
    {
        "defense": ["tfidf"] * 6,
        "contribution_id": ["e", "f", "d", "c", "b", "a"],
        "score": [0.9, 0.3, 0.9, 0.1, 0.4, 0.6],
        # the filter keeps d whatever its score
        "accepted_from": [0.9, 0.3, 0.0, 0.1, 0.4, 0.6],
        "reason": "",
    }
)
REFERENCE = pd.DataFrame({"defense": ["tfidf"] * 4, "score": [0.1, 0.2, 0.3, 0.5]})


def test_cells_by_hand():
    """Thresholds: the largest clean score (.5) at rate 0; at .5 two of four may be above, so the third largest, .2."""
    weak, strong = filter_grid.cells(STREAM, SCORES, REFERENCE, ["none", "tfidf"], STRENGTHS)
    # weak, .5: b, c, d and f are accepted: 2 of 3 of the pool, 2 of 3 of the background; one male (c) of three told
    assert weak == {
        "defense": "tfidf",
        "strength": "weak",
        "passed": pytest.approx(2 / 3),
        "background_rejected": pytest.approx(1 / 3),
        "data_male_share": pytest.approx(1 / 3),
    }
    # strong, .2: c and d
    assert (strong["passed"], strong["background_rejected"], strong["data_male_share"]) == pytest.approx(
        (1 / 3, 2 / 3, 1 / 2)
    )


@pytest.mark.parametrize(
    ("sizes", "passed", "size", "expected"),
    [
        # of 100 none arrives, and 50 must; of 200 it is 100: half of the way
        ([100, 200], [0.0, 0.5], 100, 150.0),
        # nothing is stopped, so nothing has to be undone
        ([100, 200], [1.0, 0.2], 100, 100.0),
        # a constant half gets through: of 100, 50 arrive; 75 arrive of 150
        ([100, 200], [0.5, 0.5], 100, 150.0),
        # never
        ([100, 200, 400], [0.0, 0.0, 0.0], 100, math.nan),
        ([100, 200], [0.5, 0.5], 200, math.nan),
        # falls before it rises: 100 -> 50, 200 -> 20, 400 -> 100; 75 between 200 and 400 at 200 + 55 / 80 * 200
        ([100, 200, 400], [0.5, 0.1, 0.25], 100, 337.5),
    ],
)
def test_undoing_sizes_by_hand(sizes, passed, size, expected):
    assert filter_grid.undoing_size(sizes, passed, size) == pytest.approx(expected, nan_ok=True)


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=6, unique=True).map(sorted),
    st.lists(st.floats(0, 1), min_size=6, max_size=6),
    st.data(),
)
def test_an_undoing_size_delivers_what_it_must_and_no_smaller_swept_one_does(sizes, passed, data):
    passed = passed[: len(sizes)]
    size = data.draw(st.sampled_from(sizes))
    found = filter_grid.undoing_size(sizes, passed, size)
    delivered = [n * p for n, p in zip(sizes, passed, strict=True)]
    wanted = (size + delivered[sizes.index(size)]) / 2
    later = [(n, d) for n, d in zip(sizes, delivered, strict=True) if n >= size]
    if math.isnan(found):
        assert all(d < wanted for _, d in later)
    else:
        assert np.interp(found, sizes, delivered) >= wanted - 1e-6 * (1 + wanted)
        assert all(d < wanted for n, d in later if n < found)


def cells_over_seeds() -> pd.DataFrame:
    rows = [
        ("varied", "parity", "tfidf", strength, size, seed, passed + shift, 0.05 + shift, 0.7)
        for strength, (first, second) in {"weak": (0.4, 0.5), "strong": (0.0, 0.0)}.items()
        for size, passed in ((100, first), (200, second))
        for seed, shift in ((1, 0.0), (2, 0.1 if strength == "weak" else 0.0))
    ]
    columns = ["style", "strategy", "defense", "strength", "pool_size", "seed"]
    return pd.DataFrame(rows, columns=[*columns, "passed", "background_rejected", "data_male_share"])


def test_the_table_by_hand():
    table = filter_grid.defense_grid(cells_over_seeds(), {"weak": 0.01, "strong": 0.2})
    tables.validate(table, "defense_grid")
    weak = table[table["strength"] == "weak"].set_index("pool_size")
    assert weak["passed"].tolist() == pytest.approx([0.45, 0.55])
    assert weak["passed_sd"].tolist() == pytest.approx([math.sqrt(0.005)] * 2)
    assert weak["delivered"].tolist() == pytest.approx([45, 110])
    assert weak["background_rejected"].tolist() == pytest.approx([0.1, 0.1])
    assert weak["n_seeds"].tolist() == [2, 2]
    assert weak["false_positive_rate"].tolist() == [0.01, 0.01]
    # 72.5 must arrive: between 45 at 100 and 110 at 200
    assert weak["undoing_size"].loc[100] == pytest.approx(100 + 27.5 / 65 * 100)
    assert table.loc[table["strength"] == "strong", "undoing_size"].isna().all()
    assert table[["exact_matched", "exact_held_out"]].isna().all(axis=None)


def test_models_stand_in_the_cells_for_which_they_were_trained():
    audits = pd.concat(
        [
            fake.audit(
                0.6, seed, spread=0, style="varied", strategy="parity", defense="tfidf", strength="weak", pool_size=200
            )
            for seed in (1, 2)
        ]
    )
    exact = (audits["p_male"] / (audits["p_male"] + audits["p_female"])).groupby(audits["probe_set"]).mean()
    table = filter_grid.defense_grid(cells_over_seeds(), {"weak": 0.01, "strong": 0.2}, audits, n_resamples=100)
    tables.validate(table, "defense_grid")
    assert len(table) == 4
    trained = table["exact_matched"].notna()
    assert trained.sum() == 1
    row = table[trained].iloc[0]
    assert (row["strength"], row["pool_size"]) == ("weak", 200)
    assert (row["exact_matched"], row["exact_held_out"]) == pytest.approx((exact["matched"], exact["held_out"]))


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match=r"grid cells: missing columns \['passed'\]"):
        filter_grid.defense_grid(cells_over_seeds().drop(columns="passed"), STRENGTHS)
