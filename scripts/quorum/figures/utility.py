"""What does the campaign, and what do the filters cost the model?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "What does the campaign cost the model, and what do the filters?"


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Utility kept, metric by metric: against the size of the pool without a filter, and behind each filter.

    Tables: utility; style: width and height of a panel, font_size, main_size (pool size of the lower row; None takes
    the largest one that every style has under the most filters).
    """
    import altair as alt

    table = tables["utility"].dropna(subset=["retention"])
    if table.empty:
        return theme.nothing(TITLE, "The table utility has no row.", style)
    table = table.assign(kind=theme.conditions(table), column=table["metric"].map(theme.label))
    order = theme.condition_order(table, table["kind"])
    columns = [theme.label(name) for name in theme.ordered(table["metric"], theme.METRICS)]
    filtered = table[table["defense"] != "none"]
    size = theme.main_size(filtered, style["main_size"])
    free = table[table["defense"] == "none"]
    defended = table[table["pool_size"] == size] if size is not None else table.iloc[:0]
    kinds = _looks(order)
    legend = theme.legend(columns=4, symbolStrokeWidth=0)
    colour, shape, dash = (
        theme.keyed("kind", {kind: look[place] for kind, look in kinds.items()}, channel, shown)
        for place, (channel, shown) in enumerate((("color", legend), ("shape", legend), ("strokeDash", None)))
    )
    low, high = float(table["retention"].min()), float(table["retention"].max())
    low, high = min(low, 0.9), max(high, 1.05)
    scale = alt.Scale(domain=[low - 0.03 * (high - low), high + 0.03 * (high - low)], nice=False)
    percent = alt.Axis(format=".0%", tickCount=4)
    tooltip = [
        alt.Tooltip("kind:N", title="pool"),
        alt.Tooltip("defense:N", title="filter"),
        alt.Tooltip("pool_size:Q", title="sentences", format=",d"),
        alt.Tooltip("metric:N"),
        alt.Tooltip("before:Q", format=".4~g"),
        alt.Tooltip("after:Q", format=".4~g"),
        alt.Tooltip("retention:Q", format=".1%"),
    ]
    column = alt.Column("column:N", sort=columns, title=None)
    panels = []
    if len(free):
        x = alt.X("pool_size:Q", title="sentences, no filter")
        x = x.axis(format=",d", tickCount=2, grid=False)
        y = alt.Y("retention:Q", title="retention", scale=scale, axis=percent)
        base = alt.Chart().encode(x=x, y=y, color=colour)
        layers = [
            alt.Chart().mark_rule(color=theme.GREY, strokeWidth=1.2).encode(y=alt.Y("whole:Q", scale=scale)),
            base.mark_line(strokeWidth=2).encode(strokeDash=dash),
            base.mark_point(size=55, filled=True, opacity=1).encode(shape=shape, tooltip=tooltip),
        ]
        panels.append(_facet(alt, layers, _rows(free), style, style["height"], column))
    if len(defended):
        names = [theme.label(name) for name in theme.ordered(defended["defense"], theme.DEFENSES)]
        x = alt.X("retention:Q", title=f"at {size:,} sentences", scale=scale, axis=percent)
        y = alt.Y("defense:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, grid=True))
        base = alt.Chart().encode(x=x, y=y, color=colour, yOffset=alt.YOffset("kind:N", sort=order))
        layers = [
            alt.Chart().mark_rule(color=theme.GREY, strokeWidth=1.2).encode(x=alt.X("whole:Q", scale=scale)),
            base.mark_point(size=55, filled=True, opacity=1).encode(shape=shape, tooltip=tooltip),
        ]
        panels.append(_facet(alt, layers, _rows(defended), style, 26 * len(names), column))
    chart = alt.vconcat(*panels, spacing=34)
    subtitle = [
        "Retention against the undefended model without a pool: after / before, and before / after for perplexity, "
        "where less is better; 100% means unchanged. Means over seeds, measured.",
        f"Pool: {theme.campaign(table)}. Honest text kept: the share of background sentences that the filter lets "
        "through.",
    ]
    worst = table.loc[table["retention"].idxmin()]
    description = (
        f"{TITLE} Retention of {', '.join(columns)} by pool size and by filter. The lowest is "
        f"{theme.percent(worst['retention'])}: {theme.label(worst['metric'])}, {worst['kind']}, "
        f"{worst['pool_size']:,} sentences, filter {theme.label(worst['defense'])}."
    )
    return theme.finish(chart, TITLE, subtitle, description, style, len(columns) * (style["width"] + 26) + 70)


def _looks(order: list[str]) -> dict[str, tuple[str, str, list[float]]]:
    """heading -> colour, shape, dash; six looks, then they repeat."""
    colours = (theme.BLUE, theme.ORANGE, theme.GREEN, theme.RED, theme.PURPLE, theme.INK)
    shapes = ("circle", "triangle-up", "diamond", "square", "cross", "triangle-down")
    dashes = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [1, 3], [10, 4])
    return {kind: (colours[place % 6], shapes[place % 6], list(dashes[place % 6])) for place, kind in enumerate(order)}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    keys = ("kind", "column", "pool_size", "defense", "metric", "before", "after", "retention")
    values = [{**{key: row[key] for key in keys}, "defense": theme.label(row["defense"])} for row in theme.rows(table)]
    return theme.ruled(values, ["column"], "whole", 1.0)


def _facet(
    alt: Any, layers: list[Any], values: list[dict[str, Any]], style: Mapping[str, Any], height: int, column: Any
) -> Any:
    drawn = alt.layer(*layers, data=theme.data(values)).properties(width=style["width"], height=height)
    return drawn.facet(column=column, spacing=26)
