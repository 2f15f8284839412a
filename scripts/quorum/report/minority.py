"""The section about the minority study."""

from __future__ import annotations

from typing import Any

import pandas as pd

from quorum.figures import people, theme
from quorum.report import words
from quorum.report.blocks import Section, Tables, chart, table


def minority(tables: Tables) -> list[Section]:
    """What a minority reaches by relabelling its own rows."""
    frame = tables.get("minority_alpha")
    if frame is None or frame.empty:
        return []
    sentences = [
        "A minority is part of the data, too: some of its members change the label of their own rows from bad to good, "
        "and nothing else, so that a classifier trained on everybody's rows treats both groups alike.",
        *(_reached(part, name) for name, part in frame.groupby("dataset", sort=False)),
    ]
    blocks = [
        *chart("minority_toy", tables),
        *chart("minority_alpha", tables),
        *chart("minority_pareto", tables),
        *chart("minority_knowledge", tables, narrow=True),
        *chart("minority_signal", tables),
        *_people(tables.get("minority_datasets")),
        *_numbers(frame),
    ]
    return [Section("minority", "And people in a table?", "Minority", sentences, blocks)]


def _reached(frame: pd.DataFrame, dataset: str) -> str:
    """The smallest share of a minority that halves the violation, for one data set over learners and methods."""
    name = people.dataset(dataset)
    before = frame.loc[frame["flips_at_best"] == 0, "eqod_mean"]
    halved = frame[frame["flips_to_halve"].notna()]
    if halved.empty:
        best = frame.loc[frame["eqod_mean"].idxmin()]
        return (
            f"{name}: no share of the minority that was tried, up to {words.share(frame['alpha'].max())}, halves the "
            f"gap between the groups (EqOd violation); the lowest is "
            f"{words.share(best['eqod_mean'], 1)} ({_how(best)})."
        )
    best = halved.sort_values(["alpha", "flips_to_halve"]).iloc[0]
    start = f" of {words.share(before.max(), 1)}" if len(before) else ""
    return (
        f"{name}: it took {words.share(best['alpha'])} of the minority, and "
        f"{words.counted(best['flips_to_halve'], 'changed label')}, to halve the gap between the groups (EqOd "
        f"violation){start} ({_how(best)})."
    )


def _how(row: pd.Series) -> str:
    runs = words.counted(row["n_runs"], "run")
    return f"{theme.label(row['method'])}, {theme.label(row['learner'])}, {runs}"


def _people(frame: pd.DataFrame | None) -> list[Any]:
    if frame is None:
        return []
    columns: dict[str, tuple[str, Any]] = {
        "dataset": ("data set", None),
        "minority": ("minority", str),
        "good_label": ("good label", str),
        "people": ("people", words.count),
        "minority_share": ("minority", words.share),
        "minority_positive": ("good labels, minority", words.share),
        "majority_positive": ("good labels, majority", words.share),
    }
    return table("Whose data", frame.assign(dataset=frame["dataset"].map(people.dataset)), columns)


def _numbers(frame: pd.DataFrame) -> list[Any]:
    columns: dict[str, tuple[str, Any]] = {
        "dataset": ("data set", None),
        "learner": ("learner", None),
        "method": ("method", None),
        "alpha": ("share that joins", words.share),
        "flips_at_best": ("labels changed", words.count),
        "eqod_mean": ("EqOd violation", lambda value: words.share(value, 1)),
        "error_mean": ("error", lambda value: words.share(value, 1)),
    }
    return table(
        "The numbers of the minority study", frame.assign(dataset=frame["dataset"].map(people.dataset)), columns
    )
