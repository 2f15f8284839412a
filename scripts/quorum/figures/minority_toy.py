"""How few people move a boundary? Two groups in the plane, before and after some of the minority relabel themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import people, theme

TITLE = "How many people must relabel themselves to move the boundary?"
FLIPPED, BOUNDARY = "relabelled by the collective", "boundary of the model"
# Shape is the group, a dark or a pale fill the label.
LOOKS = {
    "majority, good label": (theme.BLUE, "circle", [1, 0], theme.BLUE),
    "majority, other label": (theme.BLUE, "circle", [1, 0], "#DCEBF5"),
    "minority, good label": (theme.RED, "triangle-up", [1, 0], theme.RED),
    "minority, other label": (theme.RED, "triangle-up", [1, 0], "#FBE3D3"),
}
_MOMENTS = ("before", "after")


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Two groups in the plane and the model's boundary before and after relabelling (Ben-Dov et al. 2025, figure 1).

    Tables: minority_toy; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["minority_toy"]
    points = table[table["kind"] == "point"].dropna(subset=["group", "label"])
    if points.empty:
        return theme.nothing(TITLE, "The table minority_toy has no point with a group and a label.", style)
    entries: dict[str, Any] = dict(LOOKS)
    if points["flipped"].eq(True).any():
        entries[FLIPPED] = (theme.INK, "circle", [1, 0], "transparent")
    lines = table[table["kind"] == "boundary"]
    if len(lines):
        entries[BOUNDARY] = (theme.INK, theme.LINE, [1, 0])
    legend = theme.legend(columns=2, symbolStrokeWidth=1.6)
    colour, fill, shape = people.look(entries, legend, "color", "fill", "shape")
    x, y = (
        alt.X("x1:Q", title="first feature", scale=_scale(points["x1"]), axis=alt.Axis(grid=False, tickCount=5)),
        alt.Y("x2:Q", title="second feature", scale=_scale(points["x2"]), axis=alt.Axis(grid=False, tickCount=5)),
    )
    panels, told = [], []
    for moment in theme.ordered(points["moment"], _MOMENTS):
        own = points[points["moment"] == moment]
        flipped = int(own["flipped"].eq(True).sum())
        numbers = (
            f"EqOd violation {theme.percent(own['eqod'].iloc[0], 1)}, error {theme.percent(own['error'].iloc[0], 1)}"
        )
        name = theme.label(moment) + (f" {flipped} relabelled" if flipped else "")
        told.append(f"{name}: {numbers}")
        chart = alt.Chart(theme.data(_point_rows(own)))
        boundary = alt.Chart(theme.data(_boundary_rows(lines[lines["moment"] == moment])))
        panels.append(
            alt.layer(
                theme.only(chart, "kind", *LOOKS)
                .mark_point(size=48, opacity=1, strokeWidth=1.1)
                .encode(colour, fill, shape, x=x, y=y, tooltip=["kind:N", "x1:Q", "x2:Q"]),
                boundary.mark_line(strokeWidth=2, clip=True).encode(colour, x=x, y=y, detail="line:N", order="place:Q"),
                theme.only(chart, "kind", FLIPPED)
                .mark_point(size=230, opacity=1, strokeWidth=1.8)
                .encode(colour, fill, shape, x=x, y=y),
            ).properties(
                width=style["width"],
                height=style["height"],
                title=theme.heading([name.capitalize(), numbers], style),
            )
        )
    chart = alt.hconcat(*panels, spacing=30)
    first = points[points["moment"] == theme.ordered(points["moment"], _MOMENTS)[0]]
    sizes = first["group"].value_counts()
    groups = " and ".join(f"{sizes[group]:,} of the {group}" for group in theme.ordered(sizes.index, ("majority",)))
    subtitle = [
        f"Made-up points in the plane: {groups}. Shape: the group; fill: the label that the firm sees and its "
        "model learns from. Nobody's features change.",
        "EqOd violation (mean of the gaps in true and false positive rates between the groups) and error are measured "
        "against everybody's label before the collective acts.",
    ]
    return theme.finish(
        chart, TITLE, subtitle, f"{TITLE} {'; '.join(told)}.", style, len(panels) * (style["width"] + 60)
    )


def _scale(cells: pd.Series) -> Any:
    import altair as alt

    low, high = float(cells.min()), float(cells.max())
    margin = 0.06 * (high - low) or 1.0
    return alt.Scale(domain=[low - margin, high + margin], nice=False)


def _point_rows(points: pd.DataFrame) -> list[dict[str, Any]]:
    """Every point, and a ring for each that is relabelled."""
    values = []
    for row in theme.rows(points):
        place = {"x1": row["x1"], "x2": row["x2"]}
        values.append({**place, "kind": f"{row['group']}, {'good' if row['label'] == 1 else 'other'} label"})
        if row["flipped"] is True:
            values.append({**place, "kind": FLIPPED})
    return values


def _boundary_rows(lines: pd.DataFrame) -> list[dict[str, Any]]:
    """The ends of a boundary in the order of the table; one line for each group that a boundary is given for."""
    return [
        {"kind": BOUNDARY, "x1": row["x1"], "x2": row["x2"], "line": row["group"] or "", "place": place}
        for place, row in enumerate(theme.rows(lines))
    ]
