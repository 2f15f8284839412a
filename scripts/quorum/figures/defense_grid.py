"""Which campaign size gets through which filter, at which strength?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "Which campaign size gets through which filter?"
_LABELS = 96


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Share of a campaign that gets through each filter at each strength, by writing style and size, as a heat map.

    Tables: defense_grid; style: width of a panel, height of a row of cells, font_size.
    """
    import altair as alt

    table = tables["defense_grid"]
    if table.empty:
        return theme.nothing(TITLE, "The table defense_grid has no row.", style)
    table = table.assign(column=theme.conditions(table.assign(uptake="")))
    columns = theme.condition_order(table.assign(uptake=""), table["column"])
    filters = theme.ordered(table["defense"], theme.DEFENSES)
    sizes = [f"{size:,}" for size in sorted(int(size) for size in table["pool_size"].unique())]
    rates = {strength: rate for strength, rate in zip(table["strength"], table["false_positive_rate"], strict=True)}
    strengths = {name: f"{name} ({theme.percent(rates[name])})" for name in theme.ordered(rates, theme.STRENGTHS)}
    values = [
        {**row, "size": f"{row['pool_size']:,}", "row": strengths[row["strength"]], "shown": f"{row['passed']:.0%}"}
        for row in theme.rows(table)
    ]
    lines = [
        alt.hconcat(
            *(
                _panel(
                    [row for row in values if row["defense"] == name and row["column"] == column],
                    column if name == filters[0] else "",
                    sizes,
                    list(strengths.values()),
                    style,
                    theme.label(name) if column == columns[0] else None,
                    name == filters[-1],
                )
                for column in columns
            ),
            spacing=16,
        )
        for name in filters
    ]
    seeds = int(table["n_seeds"].max())
    subtitle = [
        "In each cell, and the darker the more: the share of the campaign's sentences that gets through, mean of "
        f"{seeds} seed{'s' if seeds != 1 else ''}. Strength: the share of clean sentences that a filter may reject. "
        "No model is trained here.",
    ]
    description = f"{TITLE} Share that gets through: " + "; ".join(
        f"{row['column']}, {theme.label(row['defense'])}, {row['strength']}, {row['size']} sentences {row['shown']}"
        for row in values
    )
    width = len(columns) * (style["width"] + 16) + _LABELS + 60
    return theme.finish(alt.vconcat(*lines, spacing=8), TITLE, subtitle, description, style, width)


def _panel(
    values: list[dict[str, Any]],
    heading: str,
    sizes: list[str],
    strengths: list[str],
    style: Mapping[str, Any],
    name: str | None,
    last: bool,
) -> Any:
    """One filter against one campaign. `name` of the filter stands before its leftmost panel; sizes below the last."""
    import altair as alt

    x = alt.X(
        "size:N",
        sort=sizes,
        scale=alt.Scale(domain=sizes),
        title="sentences of the campaign" if last else None,
        axis=alt.Axis(labelAngle=0, labels=last, ticks=False, domain=False),
    )
    y = alt.Y(
        "row:N",
        sort=strengths,
        scale=alt.Scale(domain=strengths),
        title=name,
        axis=alt.Axis(
            labels=name is not None,
            ticks=False,
            domain=False,
            titleAngle=0,
            titleAlign="left",
            titleAnchor="middle",
            titleFontWeight="bold",
            titleX=-_LABELS - 78,
            minExtent=_LABELS if name is not None else 0,
        ),
    )
    tooltip = [
        alt.Tooltip("column:N", title="campaign"),
        alt.Tooltip("size:N", title="sentences"),
        alt.Tooltip("row:N", title="strength"),
        alt.Tooltip("passed:Q", title="gets through", format=".1%"),
        alt.Tooltip("passed_sd:Q", title="SD over seeds", format=".1%"),
        alt.Tooltip("undoing_size:Q", title="size that undoes half of it", format=",.0f"),
    ]
    base = alt.Chart(theme.data(values)).encode(x=x, y=y, tooltip=tooltip)
    text = base.mark_text(fontSize=style["font_size"] - 1)
    chart = alt.layer(
        base.mark_rect(stroke="white", strokeWidth=1).encode(color=theme.passing("passed")),
        text.encode(text="shown:N", color=theme.passing_ink("passed")),
    ).properties(width=style["width"], height=style["height"] * len(strengths), view=alt.ViewBackground(stroke=None))
    return chart.properties(title=theme.heading(heading, style)) if heading else chart
