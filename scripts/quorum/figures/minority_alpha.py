"""How large must the collective be? Lowest violation that each method reaches against its share of the minority."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import people, theme

TITLE = "How large must the collective be before the model treats both groups alike?"
BASE, PAPER = people.UNMITIGATED, "paper (its own splits and learner)"
_COLUMNS = {"eqod": ("eqod_mean", "eqod_sd", "flips_at_best"), "sp": ("best_sp_mean", "best_sp_sd", "flips_at_best_sp")}
# Marks of one alpha stand side by side, this share of the axis apart.
_STEP = 0.014


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Lowest violation over the relabelled rows against the share of the minority that joins (Ben-Dov et al. 2025).

    Tables: minority_alpha, minority_baselines, paper_reference; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["minority_alpha"]
    if table.empty:
        return theme.nothing(TITLE, "The table minority_alpha has no row.", style)
    methods = people.method_looks(table["method"])
    baselines = tables["minority_baselines"]
    paper = _paper_rows(tables["paper_reference"], table)
    values = _rows(table, list(methods)) + _base_rows(baselines[baselines["mitigation"] == "none"]) + paper
    entries: dict[str, Any] = dict(methods)
    if any(row["kind"] == BASE for row in values):
        entries[BASE] = (theme.GREY, theme.LINE, [1, 0])
    if paper:
        entries[PAPER] = (theme.INK, "square", [1, 0], "white")
    legend = theme.legend(symbolStrokeWidth=1.8)
    colour, dash, fill, shape = people.look(entries, legend, "color", "strokeDash", "fill", "shape")
    last = float(table["alpha"].max()) or 1.0
    x_scale = alt.Scale(domain=[-0.06 * last, 1.06 * last], nice=False)
    tooltip = [
        alt.Tooltip("kind:N", title="method"),
        alt.Tooltip("alpha:Q", title="share of the minority", format=".0%"),
        alt.Tooltip("value:Q", title="violation", format=".2%"),
        alt.Tooltip("low:Q", title="one SD below", format=".2%"),
        alt.Tooltip("high:Q", title="one SD above", format=".2%"),
        alt.Tooltip("flips:Q", title="relabelled rows", format=",d"),
        alt.Tooltip("error:Q", title="error at the lowest EqOd", format=".1%"),
    ]

    def panel(dataset: str, learner: str, measure: str, first: bool) -> Any:
        of_measure = [row for row in values if row["dataset"] == dataset and row["measure"] == measure]
        shown = [row for row in of_measure if row["learner"] in (learner, None)]
        x = alt.X(
            "x:Q",
            title="share of the minority that joins (\u03b1)" if measure == "sp" else None,
            scale=x_scale,
            axis=people.share_axis(labels=measure == "sp", grid=False),
        )
        # One scale for all learners of a data set, so that they can be compared.
        y = alt.Y(
            "value:Q",
            title=f"lowest {people.VIOLATIONS[measure]}" if first else None,
            scale=alt.Scale(domain=[0, people.top(of_measure, "value", "high")], nice=False),
            axis=people.share_axis(minExtent=38),
        )
        chart = alt.Chart()
        base, others = theme.only(chart, "kind", BASE), theme.only(chart, "kind", *methods)
        layers = [
            base.mark_rect(color=theme.GREY, opacity=0.16).encode(y=alt.Y("low:Q"), y2="high:Q"),
            base.mark_rule(strokeWidth=1.6).encode(colour, y=y),
            others.mark_rule(strokeWidth=1.2).encode(colour, x=x, y=alt.Y("low:Q"), y2="high:Q"),
            others.mark_line(strokeWidth=1.7).encode(colour, dash, x=x, y=y),
            others.mark_point(size=42, opacity=1, strokeWidth=1.2).encode(
                colour, fill, shape, x=x, y=y, tooltip=tooltip
            ),
            theme.only(chart, "kind", PAPER)
            .mark_point(size=80, opacity=1, strokeWidth=1.4)
            .encode(colour, fill, shape, x=x, y=y, tooltip=tooltip),
        ]
        return alt.layer(*layers, data=theme.data(shown))

    chart, width = people.by_dataset(table, tuple(people.VIOLATIONS), panel, style)
    subtitle = [
        "The lowest violation over the numbers of relabelled rows, chosen on the very rows that measure it (so it is "
        f"an optimistic one); {people.learner_words(table)}, {people.runs_words(table)}.",
        f"{people.sd_words(table, 'Bars and grey band')}Marks of one \u03b1 stand side by side. EqOd: mean of the gaps "
        "in true and false positive rates; SP: gap in positive predictions. Each data set has its own scale.",
    ]
    if paper:
        subtitle.append("Hollow: the paper's EqOd before any action and at \u03b1 = 30%, with another preparation.")
    largest = table[table["alpha"] == table.groupby(["dataset", "learner"])["alpha"].transform("max")]
    description = f"{TITLE} Lowest EqOd violation at the largest share: " + "; ".join(
        f"{people.dataset(row['dataset'])}, {theme.label(row['learner'])}, {theme.label(row['method'])} at "
        f"{theme.percent(row['alpha'])}: {theme.percent(row['eqod_mean'], 1)}"
        for row in theme.rows(largest)
    )
    return theme.finish(chart, TITLE, subtitle, description, style, width)


def _rows(table: pd.DataFrame, order: list[str]) -> list[dict[str, Any]]:
    """One row per measure, method and alpha."""
    values = []
    step = _STEP * (float(table["alpha"].max()) or 1.0)
    for point in theme.rows(table.sort_values("alpha")):
        kind = theme.label(point["method"])
        for measure, (mean, sd, flips) in _COLUMNS.items():
            values.append(
                {
                    "dataset": point["dataset"],
                    "learner": point["learner"],
                    "measure": measure,
                    "kind": kind,
                    "alpha": point["alpha"],
                    "x": point["alpha"] + step * (order.index(kind) - (len(order) - 1) / 2),
                    "value": point[mean],
                    **people.spread(point[mean], point[sd]),
                    "flips": point[flips],
                    "error": point["error_mean"] if measure == "eqod" else None,
                }
            )
    return values


def _base_rows(baselines: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "dataset": row["dataset"],
            "learner": row["learner"],
            "measure": measure,
            "kind": BASE,
            "value": row[f"{measure}_mean"],
            **people.spread(row[f"{measure}_mean"], row[f"{measure}_sd"]),
        }
        for row in theme.rows(baselines)
        for measure in people.VIOLATIONS
    ]


def _paper_rows(reference: pd.DataFrame, table: pd.DataFrame) -> list[dict[str, Any]]:
    """The paper's violation, where it lies within the sweep; its learner is not known, so it stands beside each."""
    last = float(table["alpha"].max())
    return [
        {**number, "learner": None, "measure": "eqod", "kind": PAPER, "x": number["alpha"]}
        for number in people.minority_paper(reference, "eqod", table)
        if number["alpha"] <= last
    ]
