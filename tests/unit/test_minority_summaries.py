"""Tables of the minority study against numbers done by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from minority_people import people

from quorum import tables
from quorum.minority import summaries, sweep
from quorum.minority.population import Population

EQOD = {  # by method, alpha and M: the values of two seeds
    ("rb_dist", 0.1): {0: (0.20, 0.24), 5: (0.10, 0.16), 10: (0.12, 0.14)},
    ("rb_dist", 0.3): {0: (0.20, 0.24), 15: (0.08, 0.10), 30: (0.02, 0.20)},
    ("random", 0.1): {0: (0.20, 0.24), 5: (0.21, 0.25), 10: (0.20, 0.30)},
    ("random", 0.3): {0: (0.20, 0.24), 15: (0.15, 0.15), 30: (0.30, 0.30)},
}


@pytest.fixture
def runs() -> pd.DataFrame:
    rows = []
    for (method, alpha), by_flips in EQOD.items():
        for flips, values in by_flips.items():
            for seed, eqod in enumerate(values, start=1):
                rows.append(
                    {
                        "dataset": "compas",
                        "learner": "boosted_trees",
                        "method": method,
                        "knowledge": "all",
                        "alpha": alpha,
                        "flips": flips,
                        "flipped": flips,
                        "seed": seed,
                        "error": 0.3 + flips / 1000,
                        "eqod": eqod,
                        "sp": 0.4 - flips / 100,
                        "tpr_gap": eqod,
                        "fpr_gap": eqod,
                    }
                )
    limited = [row | {"knowledge": "10", "eqod": 0.0} for row in rows if row["method"] == "rb_dist"]
    return pd.DataFrame(rows + limited)


def test_flips_are_means_and_sds_over_runs(runs):
    found = summaries.flips(runs)
    tables.validate(found, "minority_flips")
    assert len(found) == len(runs) / 2
    row = found[(found.method == "rb_dist") & (found.knowledge == "all") & (found.flips == 5)].iloc[0]
    assert row.eqod_mean == pytest.approx(0.13) and row.eqod_sd == pytest.approx(0.06 / math.sqrt(2))
    assert row.error_mean == pytest.approx(0.305) and row.sp_mean == pytest.approx(0.35) and row.n_runs == 2


def test_one_run_has_no_sd(runs):
    found = summaries.flips(runs[runs.seed == 1])
    tables.validate(found, "minority_flips")
    assert found.eqod_sd.isna().all() and (found.n_runs == 1).all()


def test_the_best_number_of_flips(runs):
    found = summaries.alphas(summaries.flips(runs))
    tables.validate(found, "minority_alpha")
    best = found.set_index(["method", "alpha"]).flips_at_best.to_dict()
    assert best == {
        ("rb_dist", 0.0): 0,
        ("rb_dist", 0.1): 5,  # .13 twice: the first
        ("rb_dist", 0.3): 15,
        ("random", 0.0): 0,
        ("random", 0.1): 0,
        ("random", 0.3): 15,
    }
    row = found[(found.method == "rb_dist") & (found.alpha == 0.3)].iloc[0]
    assert row.eqod_mean == pytest.approx(0.09) and row.error_mean == pytest.approx(0.315)
    assert row.sp_mean == pytest.approx(0.25)
    assert row.flips_at_best_sp == 30 and row.best_sp_mean == pytest.approx(0.1)


def test_a_table_that_had_alpha_0_has_it_once(runs):
    zero = runs[(runs.alpha == 0.1) & (runs.flips == 0)].assign(alpha=0.0)
    found = summaries.alphas(summaries.flips(pd.concat([runs, zero])))
    assert not found.duplicated(["method", "alpha"]).any()


def test_without_the_model_as_it_was_there_is_no_comparison(runs):
    with pytest.raises(ValueError, match="0 flips"):
        summaries.alphas(summaries.flips(runs[runs.flips > 0]))


def test_flips_that_halve_the_violation(runs):
    found = summaries.alphas(summaries.flips(runs)).set_index(["method", "alpha"]).flips_to_halve
    assert found[("rb_dist", 0.3)] == 15  # .09 of .22, before the .11 of 30 flips
    assert found[[("rb_dist", 0.1), ("random", 0.3), ("rb_dist", 0.0)]].isna().all()


def test_answers_to_the_papers_numbers(runs):
    found = summaries.paper_answers(summaries.alphas(summaries.flips(runs)))
    assert found[found.alpha == "0"].to_dict("records") == [
        {"dataset": "compas", "learner": "boosted_trees", "method": "none", "alpha": "0", "flips": 0}
        | {"error": pytest.approx(0.3), "eqod": pytest.approx(0.22)}
    ]
    at = found[found.alpha == "0.3"]
    assert at.method.tolist() == ["rb_dist"] and at.flips.tolist() == [15] and at.eqod.tolist() == [pytest.approx(0.09)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda runs: runs.iloc[:0], "no rows"),
        (lambda runs: pd.concat([runs, runs.head(1)]), "two rows for"),
        (lambda runs: runs.iloc[1:], "1 to 2 runs"),
    ],
)
def test_runs_that_do_not_fit_together_are_refused(runs, change, message):
    with pytest.raises(ValueError, match=message):
        summaries.flips(change(runs))


def test_baselines_over_runs():
    parts = [sweep.baselines(people(300, 1), "made_up", "logistic_regression", seed) for seed in (1, 2)]
    found = summaries.baselines(pd.concat(parts))
    tables.validate(found, "minority_baselines")
    none = np.array([part.eqod[0] for part in parts])
    assert found.mitigation.tolist() == parts[0].mitigation.tolist()
    assert found.eqod_mean[0] == pytest.approx(none.mean()) and found.eqod_sd[0] == pytest.approx(none.std(ddof=1))


def test_signals_over_runs():
    row = {"dataset": "d", "learner": "bayes", "signal": "s", "alpha": 0.1, "xi": 0.2}
    runs = pd.DataFrame(
        [
            row | {"seed": 1, "success": 0.5, "delta": 0.3, "bound": 0.4},
            row | {"seed": 2, "success": 0.9, "delta": 0.5, "bound": 0.0},
        ]
    )
    found = summaries.signal(runs)
    tables.validate(found, "minority_signal")
    expected = {"success_mean": 0.7, "success_sd": 0.4 / math.sqrt(2), "delta": 0.4, "bound": 0.2, "n_runs": 2}
    assert {name: found[name][0] for name in expected} == pytest.approx(expected)


def test_datasets_are_counted():
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "group": [1.0, 1.0, 0.0, 0.0]})
    population = Population(frame, np.array([1, 0, 1, 1]), np.array([1, 1, 0, 0]), np.array(["x", "x", "y", "z"]))
    found = summaries.datasets({"tiny": population}, {"tiny": ("the few", "the good")})
    tables.validate(found, "minority_datasets")
    assert found.to_dict("records") == [
        {
            "dataset": "tiny",
            "minority": "the few",
            "good_label": "the good",
            "rows": 4,
            "people": 3,
            "features": 2,
            "minority_share": 0.5,
            "minority_positive": 0.5,
            "majority_positive": 1.0,
        }
    ]
