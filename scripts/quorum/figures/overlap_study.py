"""When does the model follow its data? Overlap of background and pool, pool size, and the bound of Hardt et al."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "When does the model follow its data, and when the collective's signal?"
MODEL, DATA = "model, exact probabilities (measured)", "whole data (set)"
SIGNAL = "data in the pool's template (set)"
SUCCESS, BOUND = "probes that answer with the collective's gender (measured)", "lower bound of Hardt et al. 2023"
PARITY = "parity, 50%"
COLOURS = {
    MODEL: theme.BLUE,
    DATA: "#66C2A5",
    SIGNAL: theme.INK,
    PARITY: theme.GREY,
    SUCCESS: theme.ORANGE,
    BOUND: theme.RED,
}
SHAPES = dict(zip(COLOURS, ("circle", theme.LINE, theme.LINE, theme.LINE, "triangle-up", theme.LINE), strict=True))
DASHES = dict(zip(COLOURS, ([1, 0], [7, 4], [1.5, 3], [1, 0], [1, 0], [8, 3, 2, 3]), strict=True))
# From the back to the front; a wide dashed line stays visible where another one lies on it.
WIDTHS = {PARITY: 1, DATA: 4, MODEL: 2, SUCCESS: 2, SIGNAL: 2, BOUND: 2}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Male share where part of the background uses the collective's template, with the bound of Hardt et al. 2023.

    Tables: overlap_study; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["overlap_study"]
    if table.empty:
        return theme.nothing(TITLE, "The table overlap_study has no row.", style)
    overlaps = sorted(table["overlap"].unique())
    columns = [_heading(value) for value in overlaps]
    sizes = sorted(int(size) for size in table["pool_size"].unique())
    values = _rows(table)
    rows = [_row(name) for name in theme.ordered(table["probe_set"], theme.PROBE_SETS)]
    rows += [_SUCCESS_ROW] if any(row["row"] == _SUCCESS_ROW for row in values) else []
    x = alt.X(
        "size:N",
        sort=[f"{size:,}" for size in sizes],
        title="sentences of the collective",
        axis=alt.Axis(labelAngle=0, grid=False),
    )
    y = alt.Y(
        "share:Q",
        title="male share, or success",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]),
    )
    legend = theme.legend(columns=2)
    colour = theme.keyed("kind", COLOURS, "color", legend)
    dash = theme.keyed("kind", DASHES, "strokeDash", legend)
    tooltip = [
        alt.Tooltip("kind:N", title="line"),
        alt.Tooltip("overlap:Q", title="overlap", format=".0%"),
        alt.Tooltip("size:N", title="sentences"),
        alt.Tooltip("share:Q", format=".1%"),
        alt.Tooltip("low:Q", title="from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
    ]
    base = alt.Chart()
    points = theme.only(base, "kind", MODEL, SUCCESS)
    layers = [
        *(
            theme.only(base, "kind", kind).mark_line(strokeWidth=width).encode(x=x, y=y, color=colour, strokeDash=dash)
            for kind, width in WIDTHS.items()
        ),
        base.mark_rule(strokeWidth=1.6).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
        points.mark_point(size=60, filled=True, opacity=1).encode(
            x=x, y=y, color=colour, shape=theme.keyed("kind", SHAPES, "shape", legend), tooltip=tooltip
        ),
    ]
    drawn = alt.layer(*layers, data=theme.data(values)).properties(width=style["width"], height=style["height"])
    faceted = drawn.facet(
        column=alt.Column("column:N", sort=columns, title=None),
        row=alt.Row("row:N", sort=rows, title=None),
        spacing=20,
    )
    seeds = int(table["n_seeds"].max())
    subtitle = [
        "The overlap (share of background sentences in the pool's template) and the data's shares are set; the model's "
        f"are measured, {seeds} seed{'s' if seeds != 1 else ''}. Bars: 95% bootstrap interval over seeds and wordings.",
        "Matched probes: is the collective recalled? Held-out probes: does it generalise? Success: matched probes "
        "whose most likely gender is the collective's. The bound is drawn only where its assumptions hold; below 0% "
        "it says nothing.",
    ]
    description = f"{TITLE} Exact male share: " + "; ".join(
        f"overlap {theme.percent(row['overlap'])}, {row['pool_size']:,} sentences, {theme.label(row['probe_set'])} "
        f"{theme.percent(row['exact_male_share'])}"
        for row in theme.rows(table.sort_values(["overlap", "pool_size", "probe_set"]))
    )
    return theme.finish(faceted, TITLE, subtitle, description, style, len(columns) * (style["width"] + 18) + 60)


_SUCCESS_ROW = "Success, matched"


def _row(probe_set: str) -> str:
    return f"{probe_set.replace('_', '-').capitalize()} probes"


def _heading(overlap: float) -> str:
    return f"overlap \u03be = {theme.percent(overlap)}"


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per line, overlap and size. Success is the same whatever the row's probe set, so it is drawn once."""
    values = []
    once: set[tuple[float, int]] = set()
    for point in theme.rows(table.sort_values(["overlap", "pool_size", "probe_set"])):
        place = {"column": _heading(point["overlap"]), "overlap": point["overlap"], "size": f"{point['pool_size']:,}"}
        shares = {"row": _row(point["probe_set"]), **place}
        interval = {"low": point["exact_low"], "high": point["exact_high"]}
        values.append({**shares, "kind": MODEL, "share": point["exact_male_share"], **interval})
        values.append({**shares, "kind": DATA, "share": point["data_male_share"]})
        values.append({**shares, "kind": SIGNAL, "share": point["signal_male_share"]})
        values.append({**shares, "kind": PARITY, "share": 0.5})
        key = (point["overlap"], point["pool_size"])
        if point["success"] is not None and key not in once:
            once.add(key)
            values.append({"row": _SUCCESS_ROW, **place, "kind": SUCCESS, "share": point["success"]})
            if point["hardt_bound"] is not None and point["hardt_bound"] >= 0:
                values.append({"row": _SUCCESS_ROW, **place, "kind": BOUND, "share": point["hardt_bound"]})
    return values
