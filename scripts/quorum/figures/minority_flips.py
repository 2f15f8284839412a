"""How many labels must change? Violation against the number of relabelled rows, for every way to choose them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import people, theme

TITLE = "How many labels must change before the model treats both groups alike?"
BASE = "no row relabelled"


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Violation against the number of relabelled rows at one share of the minority (Ben-Dov et al. 2025).

    Tables: minority_flips; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["minority_flips"]
    table = table[table["knowledge"] == "all"]
    if table.empty:
        return theme.nothing(TITLE, "The table minority_flips has no row in which the collective knows all.", style)
    alpha = people.main_alpha(tables["minority_flips"])
    table = table[table["alpha"] == alpha]
    methods = people.method_looks(table["method"])
    values = _rows(table)
    entries: dict[str, Any] = dict(methods)
    if any(row["kind"] == BASE for row in values):
        entries[BASE] = (theme.GREY, theme.LINE, [1, 0])
    legend = theme.legend(columns=5, symbolStrokeWidth=1.8)
    colour, dash, shape = people.look(entries, legend, "color", "strokeDash", "shape")
    tooltip = [
        alt.Tooltip("kind:N", title="method"),
        alt.Tooltip("flips:Q", title="relabelled rows", format=",d"),
        alt.Tooltip("value:Q", title="violation", format=".2%"),
        alt.Tooltip("low:Q", title="one SD below", format=".2%"),
        alt.Tooltip("high:Q", title="one SD above", format=".2%"),
        alt.Tooltip("error:Q", title="error", format=".1%"),
    ]

    def panel(dataset: str, learner: str, measure: str, first: bool) -> Any:
        of_measure = [row for row in values if row["dataset"] == dataset and row["measure"] == measure]
        shown = [row for row in of_measure if row["learner"] == learner]
        last = max(4, *(row["flips"] for row in of_measure))
        x = alt.X(
            "flips:Q",
            title="relabelled rows (M)" if measure == "sp" else None,
            scale=alt.Scale(domain=[0, 1.03 * last], nice=False),
            axis=alt.Axis(format=",~f", tickCount=4, tickMinStep=1, labels=measure == "sp", grid=False),
        )
        y = alt.Y(
            "value:Q",
            title=people.VIOLATIONS[measure] if first else None,
            scale=alt.Scale(domain=[0, people.top(of_measure, "value", "high")], nice=False),
            axis=people.share_axis(minExtent=38),
        )
        chart = alt.Chart()
        lines = theme.only(chart, "kind", *methods)
        layers = [
            lines.mark_area(opacity=0.11).encode(colour, x=x, y=alt.Y("low:Q"), y2="high:Q"),
            theme.only(chart, "kind", BASE).mark_rule(strokeWidth=1.4).encode(colour, y=y),
            lines.mark_line(strokeWidth=1.7).encode(colour, dash, x=x, y=y),
            lines.mark_point(size=36, filled=True, opacity=1).encode(colour, shape, x=x, y=y, tooltip=tooltip),
        ]
        return alt.layer(*layers, data=theme.data(shown))

    chart, width = people.by_dataset(table, tuple(people.VIOLATIONS), panel, style)
    subtitle = [
        f"{theme.percent(alpha)} of the minority join and know the whole majority (\u03b1 = {alpha:.2g}); "
        f"{people.learner_words(table)}, {people.runs_words(table)}. Measured on held-out rows.",
        f"{people.sd_words(table, 'Bands')}EqOd: mean of the gaps in true and false positive rates; SP: gap in "
        "positive predictions. Each data set has its own scales.",
    ]
    absent = sorted(set(tables["minority_flips"]["dataset"]) - set(table["dataset"]))
    if absent:
        subtitle.append(f"Not measured at this share: {', '.join(map(people.dataset, absent))}.")
    least = table.loc[table.groupby(["dataset", "learner", "method"], sort=False)["eqod_mean"].idxmin()]
    description = f"{TITLE} Lowest EqOd violation: " + "; ".join(
        f"{people.dataset(row['dataset'])}, {theme.label(row['learner'])}, {theme.label(row['method'])}: "
        f"{theme.percent(row['eqod_mean'], 1)} with {row['flips']:,} rows"
        for row in theme.rows(least)
    )
    return theme.finish(chart, TITLE, subtitle, description, style, width)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per measure, method and M; and one for M = 0, which is the same model whatever the method."""
    values: list[dict[str, Any]] = []
    once: set[tuple[str, str, str]] = set()
    for point in theme.rows(table.sort_values("flips")):
        for measure in people.VIOLATIONS:
            place = {"dataset": point["dataset"], "learner": point["learner"], "measure": measure}
            mean = point[f"{measure}_mean"]
            cells = {"flips": point["flips"], "value": mean, "error": point["error_mean"]}
            bar = people.spread(mean, point[f"{measure}_sd"])
            values.append({**place, "kind": theme.label(point["method"]), **cells, **bar})
            if point["flips"] == 0 and tuple(place.values()) not in once:
                once.add(tuple(place.values()))
                values.append({**place, "kind": BASE, **cells})
    return values
