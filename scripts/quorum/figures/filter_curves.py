"""How well does each filter's score tell the campaign from ordinary text?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "How well can each filter tell the campaign from ordinary text?"
_AXES = {
    "roc": ("background rejected", "campaign rejected"),
    "pr": ("campaign rejected", "precision"),
}
_AREAS = {"roc": "ROC AUC", "pr": "AP"}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """ROC and precision-recall curve of each filter's score against each writing style, mean and range over seeds.

    Tables: filter_curves; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["filter_curves"]
    if table.empty:
        return theme.nothing(TITLE, "The table filter_curves has no row.", style)
    table = table.assign(column=theme.conditions(table.assign(uptake="")))
    columns = theme.condition_order(table.assign(uptake=""), table["column"])
    filters = theme.ordered(table["defense"], theme.DEFENSES)
    looks = _looks(filters)
    values = [{**row, "filter": theme.label(row["defense"])} for row in theme.rows(table)]
    of = {column: [row for row in values if row["column"] == column] for column in columns}
    lines = []
    for curve in _AXES:
        panels = [
            _curves([row for row in own if row["curve"] == curve], curve, looks, style, column == columns[0])
            for column, own in of.items()
            if any(row["curve"] == curve for row in own)
        ]
        if curve == "roc":
            panels = [
                panel.properties(title=theme.heading(column, style))
                for panel, column in zip(panels, columns, strict=False)
            ]
        lines.append(alt.hconcat(*panels, spacing=26))
    areas = [_areas(own, looks, style, column == columns[0]) for column, own in of.items()]
    lines.append(alt.hconcat(*areas, spacing=26))
    seeds = int(table["n_seeds"].max())
    subtitle = [
        "Above: receiver operating characteristic, recall against false positives; a score that guesses lies on the "
        "diagonal, and one that finds the campaign more ordinary than ordinary text below it. Middle: precision (the "
        "campaign's part of what is rejected) against recall; the grey line is a guess.",
        f"{'Mean' if seeds > 1 else 'Value'} of {seeds} seed{'s' if seeds != 1 else ''}"
        f"{', bands: lowest and highest of them' if seeds > 1 else ''}. Curves are of scores: MinHash keeps the first "
        "of each group of copies whatever its score. AP: average precision.",
    ]
    found = {(row["column"], row["filter"], row["curve"]): row["area"] for row in values}
    description = f"{TITLE} " + "; ".join(
        f"{column}, {name}, {_AREAS.get(curve, curve)} {area:.2f}" for (column, name, curve), area in found.items()
    )
    width = len(columns) * (style["width"] + 60) + 60
    return theme.finish(alt.vconcat(*lines, spacing=16), TITLE, subtitle, description, style, width)


def _looks(filters: list[str]) -> dict[str, tuple[str, list[float]]]:
    spare = [name for name in filters if name not in theme.FILTER_LOOKS]
    looks = {**theme.FILTER_LOOKS, **{name: (theme.PURPLE, [1, 3 + at]) for at, name in enumerate(spare)}}
    return {theme.label(name): looks[name] for name in filters}


def _curves(
    values: list[dict[str, Any]],
    curve: str,
    looks: Mapping[str, tuple[str, list[float]]],
    style: Mapping[str, Any],
    first: bool,
) -> Any:
    """All filters against one campaign, as one kind of curve."""
    import altair as alt

    x_title, y_title = _AXES[curve]
    axis = {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]}
    x = alt.X("x:Q", title=x_title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(**axis))
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y("y:Q", title=y_title if first else None, scale=scale, axis=alt.Axis(**axis))
    legend = (
        theme.legend(columns=5, symbolType=theme.LINE, symbolSize=220, symbolStrokeWidth=2.5)
        if first and curve == "roc"
        else None
    )
    colour = theme.keyed("filter", {name: look[0] for name, look in looks.items()}, "color", legend)
    dash = theme.keyed("filter", {name: look[1] for name, look in looks.items()}, "strokeDash", legend)
    share = values[0]["pool_share"]
    guess = [{"x": 0, "y": 0}, {"x": 1, "y": 1}] if curve == "roc" else [{"x": 0, "y": share}, {"x": 1, "y": share}]
    tooltip = [
        alt.Tooltip("filter:N"),
        alt.Tooltip("x:Q", title=x_title, format=".1%"),
        alt.Tooltip("y:Q", title=y_title, format=".1%"),
        alt.Tooltip("area:Q", title=_AREAS[curve], format=".3f"),
    ]
    base = alt.Chart(theme.data(values))
    layers = [
        alt.Chart(theme.data(guess)).mark_line(color=theme.PALE, strokeWidth=1.5).encode(x=x, y=y),
        base.mark_area(opacity=0.15).encode(x=x, y=alt.Y("y_low:Q", scale=scale), y2="y_high:Q", color=colour),
        base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash, tooltip=tooltip),
    ]
    return alt.layer(*layers).properties(width=style["width"], height=style["height"])


def _areas(
    values: list[dict[str, Any]], looks: Mapping[str, tuple[str, list[float]]], style: Mapping[str, Any], first: bool
) -> Any:
    """The areas under both curves as numbers."""
    import altair as alt

    seen = {(row["filter"], row["curve"]): row["area"] for row in values}
    cells = [
        {"filter": name, "measure": _AREAS.get(curve, curve), "shown": f"{area:.2f}"}
        for (name, curve), area in seen.items()
    ]
    x = alt.X(
        "measure:N",
        sort=list(_AREAS.values()),
        title=None,
        axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False, grid=False),
    )
    axis = alt.Axis(labels=first, ticks=False, domain=False, grid=False, minExtent=0 if first else 38)
    y = alt.Y("filter:N", sort=list(looks), scale=alt.Scale(domain=list(looks)), title=None, axis=axis)
    text = alt.Chart(theme.data(cells)).mark_text(fontSize=style["font_size"])
    return text.encode(x=x, y=y, text="shown:N").properties(
        width=style["width"], height=(style["font_size"] + 6) * len(looks), view=alt.ViewBackground(stroke=None)
    )
