"""The section about the firm's filters: what they stop, what they cost, and whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme
from quorum.report import words
from quorum.report.blocks import Cell, Section, Table, Tables, campaigns, chart, table, with_interval

# From here on a filter is said to stop a campaign; below the rest, to let it through.
MOST, LITTLE = 0.9, 0.1


def defenses(tables: Tables, size: int | None, strength: str) -> list[Section]:
    """Which filters stop the campaign. strength: how strict they are in the main comparison."""
    frame = tables.get("defenses")
    if frame is None or not (frame["defense"] != "none").any():
        return []
    shown = frame[frame["pool_size"] == theme.main_size(frame, size)]
    shown = shown.assign(
        campaign=campaigns(shown),
        reduction=with_interval(shown, "reduction_pp", "reduction_low", "reduction_high", _points),
    )
    columns: dict[str, tuple[str, Any]] = {
        "campaign": ("campaign", None),
        "defense": ("filter", None),
        "probe_set": ("probes", None),
        "reduction": ("reduction, points", str),
        "recall": ("campaign rejected", words.share),
        "false_positive_rate": ("background rejected", words.share),
        "roc_auc": ("ROC AUC", lambda value: f"{value:.2f}"),
        "utility_retention": ("utility kept", words.share),
    }
    sentences = [
        *(_stopped(part, name) for name, part in shown.groupby("campaign", sort=False)),
        *_bystanders(shown),
        *_honest(tables.get("honest_costs"), strength),
    ]
    blocks = [
        *chart("defenses", tables, narrow=True, main_size=size),
        *_grid(tables.get("defense_grid"), strength),
        *chart("honest_costs", tables, narrow=True),
        *table("The numbers of the filters", shown, columns),
    ]
    return [Section("defenses", "Which filters stop it?", "Filters", sentences, blocks)]


def _points(value: float) -> str:
    return f"{value:.0f}"


def _stopped(shown: pd.DataFrame, campaign: str) -> str:
    """Who rejects how much of a campaign's sentences."""
    recall = shown[shown["defense"] != "none"].drop_duplicates("defense").set_index("defense")["recall"]
    groups: Mapping[str, list[str]] = {"stopped by": [], "thinned out by": [], "let through by": []}
    for name in theme.ordered(recall.index, theme.DEFENSES):
        kind = "stopped by" if recall[name] >= MOST else "let through by" if recall[name] < LITTLE else "thinned out by"
        groups[kind].append(f"{theme.label(name)} ({words.share(float(recall[name]))})")
    said = [f"{kind} {words.listed(names)}" for kind, names in groups.items() if names]
    return f"A campaign in {campaign} is {'; '.join(said)}. In brackets: how much of it is rejected."


def _bystanders(shown: pd.DataFrame) -> list[str]:
    rates = shown.loc[shown["defense"] != "none", "false_positive_rate"].dropna()
    if rates.empty:
        return []
    low, high = words.share(rates.min(), 1), words.share(rates.max(), 1)
    return [f"Of everybody else's sentences the filters reject {low if low == high else f'{low} to {high}'}."]


def _honest(frame: pd.DataFrame | None, strength: str) -> list[str]:
    """What the filters take from real clinical text, calibrated as in the study."""
    if frame is None:
        return []
    real = frame[
        (frame["source"] != "background") & (frame["calibration"] == "template") & (frame["strength"] == strength)
    ]
    if real.empty:
        return []
    worst = real.loc[real["rejected"].idxmax()]
    return [
        "Of real clinical text, with thresholds that follow from the study's own sentences, "
        f"{theme.label(worst['defense'])} rejects most: {words.share(worst['rejected'])} of "
        f"{theme.label(worst['source'])}."
    ]


def _grid(frame: pd.DataFrame | None, strength: str) -> list[Table]:
    """What share of a campaign gets through each filter, by its size: one table a campaign."""
    if frame is None:
        return []
    frame = frame[frame["strength"] == strength]
    order = theme.ordered(frame["style"], theme.STYLES)
    frame = frame.sort_values("style", key=lambda styles: styles.map(order.index), kind="stable")
    tables = []
    frame = frame.assign(campaign=campaigns(frame))
    for name, part in frame.groupby("campaign", sort=False):
        sizes = sorted(part["pool_size"].unique())
        passed = part.set_index(["defense", "pool_size"])["passed"]
        rows = [
            [
                Cell(theme.label(defense)),
                *(
                    Cell(words.share(passed[defense, size]), shade=float(passed[defense, size]))
                    if (defense, size) in passed.index
                    else Cell("\u2013")
                    for size in sizes
                ),
            ]
            for defense in theme.ordered(part["defense"], theme.DEFENSES)
        ]
        caption = f"What gets through, by the campaign's size: {name}"
        columns = ["filter", *(words.count(size) for size in sizes)]
        numeric = [False] + [True] * len(sizes)
        tables.append(Table(caption, columns, rows, numeric, folded=False, kind="heat"))
    return tables
