"""How do the scores of campaign and background lie, and where are the thresholds?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "Where do the scores of campaign and background lie?"
BACKGROUND, POOL = "background", "campaign"
_KINDS = {"background": BACKGROUND, "pool": POOL}
COLOURS = {BACKGROUND: "#BDBDBD", POOL: theme.RED}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Where the scores of background and campaign lie for each filter, with the thresholds of the three strengths.

    Tables: filter_scores; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["filter_scores"]
    table = table[table["source"].isin(list(_KINDS))]
    if table.empty:
        return theme.nothing(TITLE, "The table filter_scores has no row of a background or a pool.", style)
    table = table.assign(column=theme.conditions(table.assign(uptake="")), kind=table["source"].map(_KINDS))
    columns = theme.condition_order(table.assign(uptake=""), table["column"])
    filters = theme.ordered(table["defense"], theme.DEFENSES)
    lines = []
    for name in filters:
        own = table[table["defense"] == name]
        ends = [float(own["score_low"].min()), float(own["score_high"].max())]
        panels = [
            _panel(own[own["column"] == column], ends, style, column == columns[0], name == filters[0], column)
            for column in columns
        ]
        heading = alt.TitleParams(
            text=theme.label(name), anchor="start", frame="bounds", fontSize=style["font_size"] + 1, offset=6
        )
        lines.append(alt.hconcat(*panels, spacing=18, title=heading))
    subtitle = [
        "Share of the sentences of each side in each of 40 bins of the score, all seeds; the vertical scale is that "
        "of square roots, so that few sentences can be seen. Larger scores are more suspicious, and what lies to the "
        "right of a threshold is rejected.",
        "Dashed, from right to left: the thresholds of the strengths weak, moderate and strong (means over seeds). "
        "Each filter has a unit of its own.",
    ]
    middles = table.assign(middle=(table["score_low"] + table["score_high"]) / 2 * table["share"])
    means = middles.groupby(["column", "defense", "kind"], sort=False)["middle"].sum()
    description = f"{TITLE} Mean scores: " + "; ".join(
        f"{column}, {theme.label(defense)}, {kind} {mean:.2f}" for (column, defense, kind), mean in means.items()
    )
    width = len(columns) * (style["width"] + 18) + 70
    return theme.finish(alt.vconcat(*lines, spacing=16), TITLE, subtitle, description, style, width)


def _panel(own: pd.DataFrame, ends: list[float], style: Mapping[str, Any], first: bool, top: bool, heading: str) -> Any:
    """One filter against one campaign: the background as an area, the campaign as an outline, the thresholds."""
    import altair as alt

    values = theme.rows(own)
    # A step reaches to the next point, so the last bin needs one at its end.
    values += [{**row, "score_low": row["score_high"]} for row in values if row["score_high"] == ends[1]]
    limits = [{"limit": row[name]} for row in values[:1] for name in theme.STRENGTHS]
    within = alt.Scale(domain=ends, nice=False)
    x = alt.X("score_low:Q", title=None, scale=within, axis=alt.Axis(tickCount=4))
    axis = alt.Axis(format=".0%", values=[0, 0.1, 0.5, 1])
    y = alt.Y("share:Q", title=None, scale=alt.Scale(type="sqrt", domain=[0, 1]), stack=None, axis=axis)
    marks = {
        kind: theme.legend(columns=1, symbolType=shape, symbolStrokeWidth=3) if first and top else None
        for kind, shape in ((BACKGROUND, "square"), (POOL, "stroke"))
    }
    tooltip = [
        alt.Tooltip("kind:N", title="side"),
        alt.Tooltip("score_low:Q", title="score from", format=".3f"),
        alt.Tooltip("score_high:Q", title="to", format=".3f"),
        alt.Tooltip("share:Q", format=".1%"),
    ]
    base = alt.Chart(theme.data(values))
    area = theme.only(base, "kind", BACKGROUND).mark_bar(binSpacing=0)
    line = theme.only(base, "kind", POOL).mark_line(interpolate="step-after", strokeWidth=2, clip=True)
    rules = alt.Chart(theme.data(limits)).mark_rule(color=theme.INK, strokeDash=[4, 3], strokeWidth=1.2, clip=True)
    chart = alt.layer(
        area.encode(
            x=x,
            x2="score_high:Q",
            y=y,
            y2=alt.datum(0),
            fill=theme.keyed("kind", {BACKGROUND: COLOURS[BACKGROUND]}, "fill", marks[BACKGROUND]),
            tooltip=tooltip,
        ),
        line.encode(x=x, y=y, color=theme.keyed("kind", {POOL: COLOURS[POOL]}, "color", marks[POOL])),
        rules.encode(x=alt.X("limit:Q", scale=within)),
    ).properties(width=style["width"], height=style["height"])
    return chart.properties(title=theme.heading(heading, style)) if top else chart
