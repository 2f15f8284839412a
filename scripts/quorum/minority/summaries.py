"""From the runs of the minority study to the tables that it leaves: means and SDs over runs, and each method's best.

The best number of flips is the one whose mean over runs is lowest on the audit rows themselves. It is chosen where it
is measured, so it is optimistic, more so with more numbers tried and fewer runs; it is so for every method alike,
random included, and differences between methods are what the tables are for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from quorum.minority.population import Population
from quorum.schemas import SCHEMAS

KNOWS_MAJORITY = ("rb_prob", "rb_label", "rb_dist")
_MEASURES = ("eqod", "sp", "error")
_LEARNED = ["dataset", "learner"]


def datasets(populations: Mapping[str, Population], descriptions: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Table minority_datasets, in the order of `populations`. descriptions: (minority, good label) by data set."""
    rows = []
    for name, people in populations.items():
        minority, good = descriptions[name]
        rows.append(
            {
                "dataset": name,
                "minority": minority,
                "good_label": good,
                "rows": len(people.label),
                "people": len(set(people.person)),
                "features": people.features.shape[1],
                "minority_share": float(people.group.mean()),
                "minority_positive": float(people.label[people.group == 1].mean()),
                "majority_positive": float(people.label[people.group == 0].mean()),
            }
        )
    return _as_table(pd.DataFrame(rows), "minority_datasets")


def flips(runs: pd.DataFrame) -> pd.DataFrame:
    """Table minority_flips out of table minority_runs."""
    keys = [*_LEARNED, "method", "knowledge", "alpha", "flips"]
    return _as_table(_over_runs(runs, keys, "minority_runs"), "minority_flips")


def alphas(by_flips: pd.DataFrame) -> pd.DataFrame:
    """Table minority_alpha out of table minority_flips: the best M at every alpha, with all of the majority known.

    Best is the lowest mean over runs, the smallest M on a tie; once for the equalized-odds violation (to which error
    and statistical parity of the row belong) and once for statistical parity. flips_to_halve is the smallest M whose
    mean violation is at most half of that at M = 0, empty where no M reaches it. At alpha 0 nobody acts: it is the
    model at M = 0, the same for every method. Raises ValueError if M = 0 is missing.
    """
    known = by_flips[by_flips.knowledge == "all"].sort_values("flips", kind="stable")
    keys = [*_LEARNED, "method"]
    start = known[known.flips == 0].drop_duplicates(keys).assign(alpha=0.0)
    if len(start) != len(known[keys].drop_duplicates()):
        raise ValueError("minority_flips: a method has no row with 0 flips, so there is nothing to compare with")
    rows = []
    for _, group in pd.concat([start, known[known.alpha > 0]]).groupby([*keys, "alpha"], sort=True):
        best, best_sp = group.loc[group.eqod_mean.idxmin()], group.loc[group.sp_mean.idxmin()]
        halved = group.flips[group.eqod_mean <= group.eqod_mean.iloc[0] / 2]
        row = best.rename({"flips": "flips_at_best"}).to_dict()
        row |= {"flips_to_halve": halved.iloc[0] if len(halved) else math.nan}
        row |= {"flips_at_best_sp": best_sp.flips, "best_sp_mean": best_sp.sp_mean, "best_sp_sd": best_sp.sp_sd}
        rows.append(row)
    return _as_table(pd.DataFrame(rows), "minority_alpha").astype({"flips_to_halve": "Int64"})


def baselines(runs: pd.DataFrame) -> pd.DataFrame:
    """Table minority_baselines out of table minority_baseline_runs."""
    return _as_table(_over_runs(runs, [*_LEARNED, "mitigation"], "minority_baseline_runs"), "minority_baselines")


def signal(runs: pd.DataFrame) -> pd.DataFrame:
    """Table minority_signal out of table minority_signal_runs."""
    keys = [*_LEARNED, "signal", "alpha"]
    _require(runs, keys, "minority_signal_runs")
    table = runs.groupby(keys, as_index=False, sort=False).agg(
        xi=("xi", "mean"),
        delta=("delta", "mean"),
        success_mean=("success", "mean"),
        success_sd=("success", "std"),
        bound=("bound", "mean"),
        n_runs=("seed", "nunique"),
    )
    return _as_table(table, "minority_signal")


@dataclass(frozen=True)
class Summary:
    """How a table of the study comes about: the table of its runs (all of them end to end), and the function."""

    runs: str
    of: Callable[[pd.DataFrame], pd.DataFrame]


SUMMARIES: Mapping[str, Summary] = {
    "minority_flips": Summary("minority_runs", flips),
    "minority_alpha": Summary("minority_runs", lambda runs: alphas(flips(runs))),
    "minority_baselines": Summary("minority_baseline_runs", baselines),
    "minority_signal": Summary("minority_signal_runs", signal),
}


def paper_answers(by_alpha: pd.DataFrame, learner: str = "boosted_trees") -> pd.DataFrame:
    """What stands beside the paper's numbers, out of table minority_alpha: dataset, learner, method, alpha (text, "0"
    or "0.3", as the paper's conditions are written), flips, error and eqod.

    At alpha 0 one row a data set, method "none"; above, each method that looks at the majority at its best M.
    """
    table = by_alpha[(by_alpha.learner == learner) & by_alpha.method.isin(KNOWS_MAJORITY)]
    base = table[table.alpha == 0].drop_duplicates("dataset").assign(method="none")
    found = pd.concat([base, table[table.alpha > 0]], ignore_index=True)
    found = found.rename(columns={"flips_at_best": "flips", "error_mean": "error", "eqod_mean": "eqod"})
    found["alpha"] = found.alpha.map("{:g}".format)
    return found[[*_LEARNED, "method", "alpha", "flips", "error", "eqod"]]


def _over_runs(runs: pd.DataFrame, keys: list[str], what: str) -> pd.DataFrame:
    """Means and sample SDs over runs by key, in the order of the keys; NaN for the SD of one run."""
    _require(runs, keys, what)
    of = {f"{m}_mean": (m, "mean") for m in _MEASURES} | {f"{m}_sd": (m, "std") for m in _MEASURES}
    return runs.groupby(keys, as_index=False, sort=False).agg(**of, n_runs=("seed", "nunique"))


def _require(runs: pd.DataFrame, keys: list[str], what: str) -> None:
    if runs.empty:
        raise ValueError(f"{what}: no rows")
    twice = runs.duplicated([*keys, "seed"])
    if twice.any():
        raise ValueError(f"{what}: two rows for {runs.loc[twice.idxmax(), [*keys, 'seed']].to_dict()}")
    n_runs = runs.groupby(keys).seed.nunique()
    if n_runs.nunique() > 1:
        raise ValueError(f"{what}: {n_runs.min()} to {n_runs.max()} runs a condition; means need the same runs")


def _as_table(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame.reindex(columns=[column.name for column in SCHEMAS[name]]).reset_index(drop=True)
