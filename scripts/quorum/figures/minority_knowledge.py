"""Is a handful of majority rows enough to choose well? All of the majority known against a few rows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import people, theme

TITLE = "How much of the majority must the collective know to choose well?"
RANDOM = "random choice, which needs no knowledge"
_ALL = "whole majority known"
_LIMITED = ((theme.ORANGE, "triangle-up", [7, 3]), (theme.RED, "diamond", [2, 2]), (theme.SKY, "cross", [8, 3, 2, 3]))


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Violation against relabelled rows, with the whole majority known and with a few rows of it (Ben-Dov et al. 2025).

    Tables: minority_flips; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["minority_flips"]
    chosen = table[table["method"] != "random"]
    if chosen.empty:
        return theme.nothing(TITLE, "The table minority_flips has no method that looks at the majority.", style)
    alpha = people.main_alpha(table)
    table = table[table["alpha"] == alpha]
    chosen = table[table["method"] != "random"]
    limited = sorted(set(chosen["knowledge"]) - {"all"}, key=lambda name: (len(name), name))
    entries: dict[str, Any] = {_ALL: (theme.BLUE, "circle", [1, 0])}
    entries |= {_known(name): _LIMITED[at % len(_LIMITED)] for at, name in enumerate(limited)}
    values = _rows(table)
    if any(row["kind"] == RANDOM for row in values):
        entries[RANDOM] = (theme.GREY, theme.DOTTED_LINE, [1.5, 3])
    legend = theme.legend(symbolStrokeWidth=1.8)
    colour, dash, shape = people.look(entries, legend, "color", "strokeDash", "shape")
    tooltip = [
        alt.Tooltip("kind:N", title="knowledge"),
        alt.Tooltip("flips:Q", title="relabelled rows", format=",d"),
        alt.Tooltip("value:Q", title="EqOd violation", format=".2%"),
        alt.Tooltip("low:Q", title="one SD below", format=".2%"),
        alt.Tooltip("high:Q", title="one SD above", format=".2%"),
    ]
    methods = theme.ordered(chosen["method"], people.METHODS)

    def panel(cell: list[dict[str, Any]], method: str) -> Any:
        x = alt.X(
            "flips:Q",
            title="relabelled rows (M)",
            scale=alt.Scale(domain=[0, 1.03 * max(4, *(row["flips"] for row in cell))], nice=False),
            axis=alt.Axis(format=",~f", tickCount=4, tickMinStep=1, grid=False),
        )
        first = method == methods[0]
        y = alt.Y(
            "value:Q",
            title="EqOd violation" if first else None,
            scale=alt.Scale(domain=[0, people.top(cell, "value", "high")], nice=False),
            axis=people.share_axis(labels=first, minExtent=38 if first else 0),
        )
        # Random choice is the same in every panel of the data set.
        chart = alt.Chart(theme.data([row for row in cell if row["method"] in (method, "random")]))
        lines = theme.only(chart, "kind", *(kind for kind in entries if kind != RANDOM))
        return alt.layer(
            lines.mark_area(opacity=0.16).encode(colour, x=x, y=alt.Y("low:Q"), y2="high:Q"),
            chart.mark_line(strokeWidth=1.7).encode(colour, dash, x=x, y=y),
            lines.mark_point(size=36, filled=True, opacity=1).encode(colour, shape, x=x, y=y, tooltip=tooltip),
        ).properties(width=style["width"], height=style["height"], title=theme.heading(theme.label(method), style))

    blocks, several = [], chosen["learner"].nunique() > 1
    for dataset, learner in people.populations(chosen):
        cell = [row for row in values if (row["dataset"], row["learner"]) == (dataset, learner)]
        words = people.dataset(dataset) + (f", {theme.label(learner)}" if several else "")
        line = alt.hconcat(*(panel(cell, method) for method in methods), spacing=14)
        blocks.append(line.properties(title=theme.heading(words, style, whole=True)))
    # Few data sets stand under each other, many in two columns.
    columns = 1 if len(blocks) <= 4 else 2
    lines = [blocks[at : at + columns] for at in range(0, len(blocks), columns)]
    chart = alt.vconcat(*(alt.hconcat(*line, spacing=36) for line in lines), spacing=26)
    knowledge = (
        f"the whole majority of the training rows against {_listed(limited)} of its rows"
        if limited
        else "this run has no collective that knows only a part of the majority"
    )
    subtitle = [
        f"What the collective knows: {knowledge}. {theme.percent(alpha)} of the minority join (\u03b1 = {alpha:.2g}); "
        f"{people.learner_words(chosen)}, {people.runs_words(chosen)}.",
        f"{people.sd_words(chosen, 'Bands')}EqOd: mean of the gaps in true and false positive rates, on held-out rows. "
        "Each data set has its own scales.",
    ]
    description = f"{TITLE} Lowest EqOd violation: " + "; ".join(_words(chosen))
    return theme.finish(
        chart, TITLE, subtitle, description, style, columns * (len(methods) * (style["width"] + 18) + 60)
    )


def _known(knowledge: str) -> str:
    return f"{knowledge} majority rows known"


def _listed(names: list[str]) -> str:
    return " or ".join(names)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    values = []
    for row in theme.rows(table.sort_values("flips")):
        if row["method"] == "random" and row["knowledge"] != "all":
            continue
        kind = _ALL if row["knowledge"] == "all" else _known(row["knowledge"])
        values.append(
            {
                "dataset": row["dataset"],
                "learner": row["learner"],
                "method": row["method"],
                "kind": RANDOM if row["method"] == "random" else kind,
                "flips": row["flips"],
                "value": row["eqod_mean"],
                **people.spread(row["eqod_mean"], row["eqod_sd"]),
            }
        )
    return values


def _words(chosen: pd.DataFrame) -> list[str]:
    least = chosen.groupby(["dataset", "learner", "method", "knowledge"], sort=False)["eqod_mean"].min()
    return [
        f"{people.dataset(dataset)}, {theme.label(learner)}, {theme.label(method)}, "
        f"{_ALL if knowledge == 'all' else _known(knowledge)}: {theme.percent(value, 1)}"
        for (dataset, learner, method, knowledge), value in least.items()
    ]
