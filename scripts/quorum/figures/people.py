"""What the figures of the minority study share, beside the theme of all figures: names, looks, panels by data set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from quorum.figures import theme
from quorum.figures.theme import BLUE, GREEN, INK, ORANGE, PURPLE, RED, SKY, heading, label, ordered

if TYPE_CHECKING:
    import altair as alt

# Whoever is not listed comes after those who are, under the name of the table.
METHODS = ("rb_prob", "rb_label", "rb_dist", "random")
LEARNERS = ("bayes", "boosted_trees", "logistic_regression")
VIOLATIONS = {"eqod": "EqOd violation", "sp": "SP violation"}
UNMITIGATED = "no action (unmitigated model)"
_DATASETS = {
    "compas": "COMPAS",
    "rhc": "RHC",
    "nafld": "NAFLD",
    "health": "Heritage Health",
    "adult": "Adult",
    "law": "Law school",
    "credit": "Credit default",
}
_METHOD_LOOKS = {
    "rb_prob": (BLUE, "circle", [1, 0]),
    "rb_label": (ORANGE, "triangle-up", [7, 3]),
    "rb_dist": (GREEN, "diamond", [2, 2]),
    "random": (INK, "cross", [8, 3, 2, 3]),
}
_SPARE_LOOKS = ((PURPLE, "triangle-down", [12, 4]), (SKY, "triangle-right", [1, 4]), (RED, "triangle-left", [4, 6]))


def dataset(name: object) -> str:
    """The people of a data set in a reader's words."""
    return _DATASETS.get(str(name).lower()) or label(name)


def in_order(datasets: Iterable[object]) -> list[str]:
    """The distinct data sets, those of the study first."""
    return ordered(datasets, list(_DATASETS))


def populations(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """The distinct pairs of data set and learner, a data set's learners together."""
    found = set(zip(frame["dataset"], frame["learner"], strict=True))
    learners = ordered(frame["learner"], LEARNERS)
    return [(name, learner) for name in in_order(frame["dataset"]) for learner in learners if (name, learner) in found]


def method_looks(methods: Iterable[object]) -> dict[str, tuple[str, str, list[float]]]:
    """Colour, shape and dash of every method in a table, by its name in a legend."""
    names = ordered(methods, METHODS)
    spare = [name for name in names if name not in _METHOD_LOOKS]
    looks = {**_METHOD_LOOKS, **{name: _SPARE_LOOKS[at % len(_SPARE_LOOKS)] for at, name in enumerate(spare)}}
    return {label(name): looks[name] for name in names}


def look(entries: Mapping[str, Sequence[Any]], legend: Any, *channels: str) -> list[Any]:
    """The channels of field `kind` from kind -> (colour, shape, dash, fill if it is not the colour).

    Dashes are conditions, not a scale: a scale's legend would break the outlines of the marks.
    """
    import altair as alt

    parts = {"color": 0, "shape": 1, "fill": -1}
    whole = {kind: (*entry[:3], entry[3] if len(entry) > 3 else entry[0]) for kind, entry in entries.items()}
    dashes = [
        {"test": alt.FieldOneOfPredicate(field="kind", oneOf=[kind]), "value": entry[2]}
        for kind, entry in whole.items()
    ]
    return [
        alt.StrokeDashValue([1, 0], condition=dashes)
        if channel == "strokeDash"
        else theme.keyed("kind", {kind: entry[parts[channel]] for kind, entry in whole.items()}, channel, legend)
        for channel in channels
    ]


def spread(mean: float | None, sd: float | None) -> dict[str, float | None]:
    """The ends of a bar of one SD around a share, kept within 0..1; empty where there is no SD."""
    if mean is None or sd is None:
        return {"low": None, "high": None}
    return {"low": max(0.0, mean - sd), "high": min(1.0, mean + sd)}


def main_alpha(flips: pd.DataFrame) -> float:
    """The alpha that figures of table minority_flips show.

    It is the largest one at which the collective also chose with limited knowledge; without any, .3 or the nearest.
    """
    limited = flips.loc[flips["knowledge"] != "all", "alpha"]
    if len(limited):
        return float(limited.max())
    return min((float(alpha) for alpha in flips["alpha"].unique()), key=lambda alpha: (abs(alpha - 0.3), alpha))


def runs_words(frame: pd.DataFrame) -> str:
    """How many runs a table is the mean of."""
    low, high = int(frame["n_runs"].min()), int(frame["n_runs"].max())
    if high == 1:
        return "one run, so there is no SD"
    return f"mean of {high} runs" if low == high else f"mean of {low} to {high} runs"


def sd_words(frame: pd.DataFrame, marks: str) -> str:
    """What shows the SD, as a sentence to put before others; nothing where there is none."""
    return f"{marks}: one SD over runs. " if frame["n_runs"].max() > 1 else ""


def learner_words(frame: pd.DataFrame) -> str:
    """The learners in a table, in words."""
    names = [label(name) for name in ordered(frame["learner"], LEARNERS)]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{'learners' if len(names) > 1 else 'learner'} {listed}"


def minority_paper(reference: pd.DataFrame, quantity: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The minority paper's numbers for the data sets of a table, under the table's own name of the data set."""
    return [
        {"dataset": name, "alpha": float(number["alpha"]), "value": number["value"]}
        for number in theme.paper_numbers(reference, quantity)
        for name in in_order(frame["dataset"])
        if "alpha" in number and theme.same(number.get("dataset"), name)
    ]


def share_axis(**options: Any) -> alt.Axis:
    """An axis of shares with as many digits as its ticks need."""
    import altair as alt

    return alt.Axis(**{"format": "~%", "tickCount": 5, **options})


def top(values: Iterable[Mapping[str, Any]], *fields: str) -> float:
    """The end of an axis that starts at 0 and holds the fields of all rows."""
    return 1.08 * max([0.02, *(row[field] for row in values for field in fields if row.get(field) is not None)])


def in_lines(items: Sequence[Any], most: int = 4) -> list[Sequence[Any]]:
    """The items in as few lines as possible, none longer than `most`, all of about the same length."""
    count = math.ceil(len(items) / most)
    length = math.ceil(len(items) / max(count, 1))
    return [items[at : at + length] for at in range(0, len(items), length)] if items else []


def by_dataset(
    frame: pd.DataFrame,
    measures: Sequence[str],
    panel: Callable[..., Any],
    style: Mapping[str, Any],
    most: int = 4,
) -> tuple[Any, float]:
    """At most `most` data sets side by side, a line of panels for each measure, all that for each learner; its width.

    panel(dataset, learner, measure, first) draws one panel without size or heading; `first`: it is the leftmost.
    """
    import altair as alt

    blocks, widest = [], 1
    learners = ordered(frame["learner"], LEARNERS)
    for learner in learners:
        for names in in_lines(in_order(frame.loc[frame["learner"] == learner, "dataset"]), most):
            lines = []
            for measure in measures:
                panels = [
                    panel(name, learner, measure, name == names[0]).properties(
                        width=style["width"],
                        height=style["height"],
                        **({"title": heading(dataset(name), style)} if measure == measures[0] else {}),
                    )
                    for name in names
                ]
                lines.append(alt.hconcat(*panels, spacing=18))
            block = alt.vconcat(*lines, spacing=14)
            if len(learners) > 1:
                block = block.properties(title=heading(label(learner).capitalize(), style, whole=True))
            blocks.append(block)
            widest = max(widest, len(names))
    return alt.vconcat(*blocks, spacing=34), widest * (style["width"] + 68)
