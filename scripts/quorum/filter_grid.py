"""The grid: which campaign, of which size, gets through which filter at which strength."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from quorum import defenses
from quorum.honest import male_share
from quorum.population import POOL
from quorum.summaries import Row, as_table, by_condition, measured, require, sd

CELL = ["style", "strategy", "defense", "strength", "pool_size"]
_MEASURES = ["passed", "background_rejected", "data_male_share"]


def cells(
    stream: pd.DataFrame,
    scores: pd.DataFrame,
    reference_scores: pd.DataFrame,
    names: Iterable[str],
    strengths: Mapping[str, float],
) -> list[Row]:
    """One row for each filter and strength on one stream: accepted share of its pool, rejected share of its background,
    and the male share of what is accepted (all in 0..1).

    stream: a frame of table `contributions`, with at least one sentence of the pool. scores, reference_scores: its
    tables of these names. names: filters; "none" has no row. strengths: false-positive rate by name.
    """
    in_pool = stream.set_index("contribution_id")["source"] == POOL
    rows = []
    for name in names:
        if name == "none":
            continue
        for strength, rate in strengths.items():
            judged = defenses.judge(scores, reference_scores, name, rate).set_index("contribution_id")["accepted"]
            accepted = judged.loc[in_pool.index]
            rows.append(
                {
                    "defense": name,
                    "strength": strength,
                    "passed": float(accepted[in_pool].mean()),
                    "background_rejected": 1 - float(accepted[~in_pool].mean()),
                    "data_male_share": male_share(stream["gender"][accepted.to_numpy()]),
                }
            )
    return rows


def undoing_size(sizes: Sequence[int], passed: Sequence[float], size: int) -> float:
    """Sentences that a campaign must write behind a filter, to undo half of what the filter stops of `size` sentences.

    Of n sentences p(n) n get through, and n (1 - p(n)) are stopped. Half of that is undone by the smallest m >= n with
    p(m) m >= n (1 + p(n)) / 2, where p(m) m is linear between the swept sizes. NaN if no m in the sweep does it.
    sizes: swept sizes above 0, ascending, `size` among them; passed: p at each of them.
    """
    places = np.asarray(sizes, dtype=float)
    delivered = places * np.asarray(passed, dtype=float)
    start = list(sizes).index(size)
    wanted = (size + delivered[start]) / 2
    if delivered[start] >= wanted:
        return float(size)
    for left in range(start, len(places) - 1):
        if delivered[left] < wanted <= delivered[left + 1]:
            way = (wanted - delivered[left]) / (delivered[left + 1] - delivered[left])
            return float(places[left] + way * (places[left + 1] - places[left]))
    return math.nan


def defense_grid(
    grid_cells: pd.DataFrame, strengths: Mapping[str, float], audits: pd.DataFrame | None = None, **options: Any
) -> pd.DataFrame:
    """Table defense_grid: means over seeds of every cell, and the size that undoes half of what the filter stops.

    grid_cells: the table of that name. audits: the table audits of the cells for which models were trained, if any;
    their exact male shares stand in the columns exact_matched and exact_held_out. options: n_resamples, confidence.
    """
    require(grid_cells, [*CELL, "seed", *_MEASURES], "grid cells")
    groups = grid_cells.groupby(CELL)
    table = groups[_MEASURES].mean().assign(n_seeds=groups.size(), passed_sd=groups["passed"].agg(sd)).reset_index()
    table["false_positive_rate"] = table["strength"].map(strengths)
    table["delivered"] = table["passed"] * table["pool_size"]
    for _, rows in table.groupby(CELL[:-1]):
        sizes, passed = rows["pool_size"].tolist(), rows["passed"].tolist()
        table.loc[rows.index, "undoing_size"] = [undoing_size(sizes, passed, size) for size in sizes]
    return as_table(table.merge(_of_models(audits, **options), on=CELL, how="left"), "defense_grid")


def _of_models(audits: pd.DataFrame | None, **options: Any) -> pd.DataFrame:
    """Exact male share of the models of each cell, a column for each probe set."""
    columns = {"matched": "exact_matched", "held_out": "exact_held_out"}
    if audits is None:
        return pd.DataFrame(columns=[*CELL, *columns.values()])
    shares = by_condition(measured(audits, [*CELL, "seed"]), [*CELL, "probe_set"], **options)
    wide = shares.pivot(index=CELL, columns="probe_set", values="exact_male_share").rename(columns=columns)
    return wide.reindex(columns=list(columns.values())).reset_index()
