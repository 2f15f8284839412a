"""How many contributions does it take? Male share against pool size, by style of the pool and by probe set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "How many voices does it take to move the model?"
SAMPLED, EXACT = "model, sampled completions (measured)", "model, exact probabilities (measured)"
DATA, EXPECTED = "the firm's data (set)", "expected if it copies the data (from what is set)"
PARITY, PAPER, TIPPING = "parity, 50%", "paper, another model", "tipping point, with 95% interval of the fit"
COLOURS = {
    SAMPLED: theme.BLUE,
    EXACT: theme.RED,
    DATA: "#66C2A5",
    EXPECTED: theme.INK,
    PARITY: theme.GREY,
    TIPPING: theme.PURPLE,
    PAPER: theme.INK,
}
FILLS = {kind: "transparent" if kind == PAPER else colour for kind, colour in COLOURS.items()}
SHAPES = dict(
    zip(COLOURS, ("circle", "diamond", theme.LINE, theme.LINE, theme.LINE, "triangle-up", "square"), strict=True)
)
DASHES = dict(zip(COLOURS, ([1, 0], [1, 0], [7, 4], [1.5, 3], [1, 0], [1, 0], [1, 0]), strict=True))
# From the back to the front; a wide dashed line stays visible where the thin dotted one lies on it.
WIDTHS = {PARITY: 1, DATA: 4, EXPECTED: 1.3, SAMPLED: 2.4, EXACT: 1}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Male share against the size of the collective, by style and probe set, what the data say, and where it tips.

    Tables: tipping_curve, tipping_points, paper_reference; style: width, height of a panel, font_size.
    """
    import altair as alt

    curve = tables["tipping_curve"]
    curve = curve[curve["defense"] == "none"]
    if curve.empty:
        return theme.nothing(TITLE, "The table tipping_curve has no undefended row.", style)
    curve = curve.assign(row=theme.conditions(curve), column=curve["probe_set"].map(theme.label))
    values = _curve_rows(curve) + _tipping_rows(curve, tables["tipping_points"])
    values += _paper_rows(curve, tables["paper_reference"])
    last = max(int(curve["pool_size"].max()), *(int(row["pool_size"]) for row in values if "pool_size" in row), 1)
    for row in values:
        if row["kind"] == TIPPING:
            row["drawn_to"] = None if theme.missing(row["tipping_high"]) else min(row["tipping_high"], last)

    ticks = sorted({int(size) for size in curve["pool_size"]})
    x = alt.X(
        "pool_size:Q",
        title="sentences of the collective",
        scale=alt.Scale(domain=[-0.02 * last, 1.03 * last], nice=False),
        axis=alt.Axis(values=ticks, format=",d", grid=False, labelOverlap="greedy", labelFlush=False),
    )
    y = alt.Y(
        "share:Q",
        title="male share",
        scale=alt.Scale(domain=[-0.09, 1.08], nice=False),
        axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]),
    )
    legend = theme.legend(columns=2, symbolStrokeWidth=2)
    colour = theme.keyed("kind", COLOURS, "color", legend)
    marks = {"fill": theme.keyed("kind", FILLS, "fill", legend), "shape": theme.keyed("kind", SHAPES, "shape", legend)}
    dash = theme.keyed("kind", DASHES, "strokeDash", legend)
    tooltip = [
        alt.Tooltip("kind:N", title="line"),
        alt.Tooltip("pool_size:Q", title="sentences", format=",d"),
        alt.Tooltip("share:Q", title="male share", format=".1%"),
        alt.Tooltip("low:Q", title="clustered, from", format=".1%"),
        alt.Tooltip("high:Q", title="clustered, to", format=".1%"),
        alt.Tooltip("wilson_low:Q", title="Wilson, from", format=".1%"),
        alt.Tooltip("wilson_high:Q", title="Wilson, to", format=".1%"),
    ]
    chart = alt.Chart()
    # The tipping point has a strip of its own below 0%, where it covers no curve.
    strip = alt.value(style["height"] - 9)
    point = {"strokeWidth": 1.4, "opacity": 1}
    sampled = theme.only(chart, "kind", SAMPLED)
    tipping = theme.only(chart, "kind", TIPPING)
    layers = [
        *(
            theme.only(chart, "kind", kind).mark_line(strokeWidth=width).encode(x=x, y=y, color=colour, strokeDash=dash)
            for kind, width in WIDTHS.items()
        ),
        sampled.mark_rule(strokeWidth=6, opacity=0.35).encode(
            x=x, y=alt.Y("wilson_low:Q"), y2="wilson_high:Q", color=colour
        ),
        sampled.mark_rule(strokeWidth=1.6).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
        tipping.mark_rule(strokeWidth=3).encode(x=alt.X("tipping_low:Q"), x2="drawn_to:Q", y=strip, color=colour),
        tipping.mark_point(size=120, **point).encode(x=x, y=strip, color=colour, **marks, tooltip=tooltip),
        # The exact measure lies on the sampled one in most places, so its marks are smaller and come after it.
        *(
            theme.only(chart, "kind", kind)
            .mark_point(size=size, **point)
            .encode(x=x, y=y, color=colour, **marks, tooltip=tooltip)
            for kind, size in ((SAMPLED, 95), (EXACT, 30), (PAPER, 140))
        ),
        theme.only(chart, "kind", "verdict")
        .mark_text(align="right", baseline="top", lineBreak="\n", fontSize=style["font_size"], fontWeight="bold")
        .encode(x=alt.value(style["width"] - 6), y=alt.value(5), text="words:N"),
    ]
    drawn = alt.layer(*layers, data=theme.data(values)).properties(width=style["width"], height=style["height"])
    columns = [theme.label(name) for name in theme.ordered(curve["probe_set"], theme.PROBE_SETS)]
    order = theme.condition_order(curve, curve["row"])
    faceted = drawn.facet(
        column=alt.Column("column:N", sort=columns, title=None),
        row=alt.Row("row:N", sort=order, title=None),
        spacing={"row": 26, "column": 24},
    ).resolve_axis(x="independent", y="independent")
    seeds = int(curve["n_seeds"].max())
    subtitle = [
        f"{theme.background_words(curve)} The pool's pronouns are set by {theme.campaign(curve)}; no filter; {seeds} "
        f"seed{'s' if seeds != 1 else ''}.",
        "Thin bars: 95% bootstrap interval clustered by wording. Thick pale bars: Wilson 95% interval, which treats "
        "completions as independent.",
    ]
    description = " ".join(
        [TITLE, theme.background_words(curve)]
        + [f"{row['row']}, {row['column']} {row['words']}." for row in values if row["kind"] == "verdict"]
    ).replace("\n", "; ")
    return theme.finish(faceted, TITLE, subtitle, description, style, len(columns) * (style["width"] + 70))


def _curve_rows(curve: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per line and swept size; lines with an empty share are left out, intervals may be empty."""
    values = []
    for point in theme.rows(curve):
        place = {"row": point["row"], "column": point["column"], "pool_size": point["pool_size"]}
        intervals = {
            **theme.resampled(point["clustered_low"], point["clustered_high"]),
            "wilson_low": point["male_low"],
            "wilson_high": point["male_high"],
        }
        lines = {
            SAMPLED: {"share": point["male_share"], **intervals},
            EXACT: {"share": point["exact_male_share"], "low": point["exact_low"], "high": point["exact_high"]},
            DATA: {"share": point["data_male_share"]},
            EXPECTED: {"share": point["expected_male_share"]},
            PARITY: {"share": 0.5},
        }
        values += [{**place, "kind": kind, **cells} for kind, cells in lines.items() if cells["share"] is not None]
    return values


def _tipping_rows(curve: pd.DataFrame, points: pd.DataFrame) -> list[dict[str, Any]]:
    """Per panel: the tipping point, if there is one, and what is to be said about it."""
    keys = ["uptake", "style", "strategy", "probe_set"]
    points = points[points["defense"] == "none"].drop(columns="defense")
    panels = curve[[*keys, "row", "column"]].drop_duplicates().merge(points, on=keys, how="left")
    values = []
    for panel in theme.rows(panels):
        place = {"row": panel["row"], "column": panel["column"]}
        shares = curve[(curve["row"] == panel["row"]) & (curve["column"] == panel["column"])].sort_values("pool_size")
        last = int(shares["pool_size"].max())
        words = _verdict(panel, shares["male_share"].dropna(), last)
        values.append({**place, "kind": "verdict", "words": words})
        mark = panel["tipping_size"] if panel["tipping_size"] is not None else panel["fitted_size"]
        if mark is not None and mark <= last:
            interval = {"tipping_low": panel["tipping_low"], "tipping_high": panel["tipping_high"]}
            values.append({**place, "kind": TIPPING, "pool_size": mark, "share": 0.5, **interval})
    return values


def _verdict(panel: Mapping[str, Any], shares: pd.Series, last: int) -> str:
    """Whether and where a panel's curve, swept up to the size `last`, comes to 50%."""
    if shares.empty:
        return "no male share was measured"
    crosses = ((shares - 0.5) * (shares.iloc[0] - 0.5) < 0).any()
    if panel["tipping_size"] is not None:
        words = f"interval includes 50% at {panel['tipping_size']:,.0f}"
    elif crosses:
        words = "passes 50% between two sizes"
    else:
        words = "does not come to 50% in this sweep"
    if panel["fitted_size"] is None:
        return words
    low, high = panel["tipping_low"], panel["tipping_high"]
    interval = f"95%: {low:,.0f} to {high:,.0f}" if low is not None and high is not None else "no interval"
    verb = "crosses" if panel["fitted_size"] <= last else "would cross"
    return f"{words}\nfitted curve {verb} at {panel['fitted_size']:,.0f} ({interval})"


def _paper_rows(curve: pd.DataFrame, reference: pd.DataFrame) -> list[dict[str, Any]]:
    """The paper's male shares, repeated in every panel as a reference, as far as the sweep goes.

    A number at a size far beyond the sweep would press a small campaign's curve against the axis.
    """
    panels, last = theme.rows(curve[["row", "column"]].drop_duplicates()), int(curve["pool_size"].max())
    return [
        {**panel, "kind": PAPER, "pool_size": int(number["pool_size"]), "share": number["value"]}
        for panel in panels
        for number in theme.paper_numbers(reference, "male_share")
        if "pool_size" in number and int(number["pool_size"]) <= last
    ]
