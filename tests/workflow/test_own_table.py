"""A table of the user's own, with a long time series, goes through the minority study by its configuration alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import runs

from quorum import tables

pytestmark = pytest.mark.workflow


@pytest.fixture
def cohort(unused):
    """600 people with a number, a ward, a sex and dated laboratory values; women get the good label less often."""
    random = np.random.default_rng(0)
    n = 600
    sex, need = random.choice(["f", "m"], n, p=[0.35, 0.65]), random.normal(size=n)
    treated = need + 0.8 * (sex == "m") + random.normal(scale=0.5, size=n) > 0.4
    people = pd.DataFrame(
        {
            "patient": [f"P{i:04d}" for i in range(n)],
            "name": [f"Person {i}" for i in range(n)],
            "sex": sex,
            "ward": random.choice(["east", "west"], n),
            "treated": np.where(treated, "yes", "no"),
        }
    )
    who = random.integers(0, n, 4 * n)
    values = pd.DataFrame(
        {
            "id": people.patient.to_numpy()[who],
            "time": random.uniform(0, 40, len(who)),
            "test": random.choice(["lactate", "creatinine"], len(who)),
            "value": need[who] + random.normal(scale=0.3, size=len(who)),
        }
    )
    people.to_csv(unused / "mine.csv", index=False)
    values.to_csv(unused / "values.csv", index=False)
    return people


ENTRY = {
    "name": "mine",
    "path": "mine.csv",
    "label": "treated",
    "positive": "yes",
    "group": "sex",
    "minority": "f",
    "drop": ["name"],
    "person": "patient",
    "series": {"path": "values.csv", "landmark": 30},
}
STUDY = {"datasets": [], "own_tables": [ENTRY], "signal": {"dataset": ""}}


def test_an_own_table_needs_an_entry_and_no_code(unused, cohort):
    changes = runs.write_config(unused, {"minority": STUDY})
    done = runs.run(unused, "minority", configs=["config/tiny.yaml", changes])
    assert done.returncode == 0, done.stdout[-10_000:]
    folder = unused / "results" / "tables"
    flips = tables.read_table(folder / "minority_flips.parquet", "minority_flips")
    assert set(flips.dataset) == {"mine"} and set(flips.n_runs) == {2}
    assert set(flips.method) == {"rb_prob", "rb_label", "rb_dist", "random"}
    described = tables.read_table(folder / "minority_datasets.parquet", "minority_datasets").iloc[0]
    assert described["rows"] == described["people"] == len(cohort)
    assert described["minority_share"] == pytest.approx((cohort.sex == "f").mean())
    # sex, ward, and six statistics of each of two tests; no name.
    assert described["features"] == 2 + 2 * 6
    assert not (folder / "minority_signal.csv").exists()
    told = "".join(path.read_text(encoding="utf-8") for path in (unused / "results" / "logs").rglob("*.log"))
    assert "Person" not in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": "cured"}, "mine.csv: has no column cured"),
        ({"minority": "x"}, "sex"),
        ({"drop": []}, "name"),
    ],
)
def test_an_entry_that_does_not_fit_names_file_and_column(unused, cohort, changes, words):
    config = runs.write_config(unused, {"minority": STUDY | {"own_tables": [ENTRY | changes]}})
    done = runs.run(unused, "minority", configs=["config/tiny.yaml", config])
    assert done.returncode != 0
    assert "mine.csv" in done.stdout and words in done.stdout
