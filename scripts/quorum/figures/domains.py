"""Where does the campaign change the model, by clinical domain?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "In which clinical domains does the model change?"
BEFORE, AFTER = "as deployed (measured)", "after the campaign (measured)"
PAPER_BEFORE, PAPER_AFTER = "paper, before (another model)", "paper, after (another model)"
COLOURS = {BEFORE: theme.SKY, AFTER: theme.BLUE, PAPER_BEFORE: theme.INK, PAPER_AFTER: theme.INK}
FILLS = {**COLOURS, PAPER_BEFORE: "white", PAPER_AFTER: "white"}
SHAPES = {BEFORE: "circle", AFTER: "triangle-left", PAPER_BEFORE: "square", PAPER_AFTER: "diamond"}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Male share in each clinical domain before and after the campaign, with Wilson's intervals and Holm's p.

    Tables: domains, tipping_curve, paper_reference; style: width of a panel, height of a row of it, font_size,
    main_size (pool size; None takes the largest one that every style has).
    """
    import altair as alt

    table = tables["domains"]
    size = theme.main_size(table, style["main_size"])
    if size is None:
        return theme.nothing(TITLE, "The table domains has no row with a pool.", style)
    table = table[table["pool_size"] == size]
    table = table.assign(row=theme.conditions(table), column=table["probe_set"].map(theme.label))
    order = theme.condition_order(table, table["row"])
    columns = [theme.label(name) for name in theme.ordered(table["probe_set"], theme.PROBE_SETS)]
    domains = theme.ordered(table["domain"])
    values = _rows(table) + _paper_rows(tables["paper_reference"], table, domains)
    values = theme.ruled(values, ["row", "column"], "parity", 0.5)
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("share:Q", title="male share", scale=scale, axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]))
    y = alt.Y(
        "domain:N",
        sort=[theme.label(name) for name in domains],
        scale=alt.Scale(paddingInner=0.3),
        title=None,
        axis=alt.Axis(ticks=False, domain=False),
    )
    # Before, after and the paper have heights of their own in a row, so that no mark covers another.
    offset = alt.YOffset(
        "place:N", sort=["before", "after", "paper"], scale=alt.Scale(domain=["before", "after", "paper"])
    )
    legend = theme.legend(columns=2)
    colour = theme.keyed("kind", COLOURS, "color", legend)
    marks = {"fill": theme.keyed("kind", FILLS, "fill", legend), "shape": theme.keyed("kind", SHAPES, "shape", legend)}
    base = alt.Chart()
    tooltip = [
        alt.Tooltip("domain:N"),
        alt.Tooltip("kind:N", title="model"),
        alt.Tooltip("share:Q", title="male share", format=".1%"),
        alt.Tooltip("low:Q", title="from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("chi2_p_holm:Q", title="chi-square p (Holm)", format=".2g"),
    ]
    layers = [
        base.mark_rule(color=theme.GREY, strokeWidth=1.2).encode(x=alt.X("parity:Q", scale=scale, title="male share")),
        base.mark_line(strokeWidth=3.5, color=theme.PALE).encode(x=x, y=y, yOffset=offset, detail="pair:N"),
        base.mark_rule(strokeWidth=1.8).encode(x=alt.X("low:Q"), x2="high:Q", y=y, yOffset=offset, color=colour),
        base.mark_point(size=75, strokeWidth=1.5, opacity=1).encode(
            x=x, y=y, yOffset=offset, color=colour, **marks, tooltip=tooltip
        ),
    ]
    drawn = alt.layer(*layers, data=theme.data(values)).properties(
        width=style["width"], height=style["height"] * max(1, len(domains))
    )
    faceted = drawn.facet(
        column=alt.Column("column:N", sort=columns, title=None),
        row=alt.Row("row:N", sort=order, title=None),
        spacing={"row": 22, "column": 24},
    )
    paper = theme.paper_numbers(tables["paper_reference"], "male_share_after")
    subtitle = [
        f"{theme.background_words(tables['tipping_curve'])} Light circle: as deployed (no pool). Dark triangle: after "
        f"{size:,} sentences of the collective ({theme.campaign(table)}), no filter.",
        "Bars: Wilson 95% intervals, which treat completions as independent. Vertical rule: 50%. "
        f"{theme.paper_words(*paper)}",
    ]
    description = f"{TITLE} " + "; ".join(
        f"{row['row']}, {theme.label(row['probe_set'])} {theme.label(row['domain'])}: "
        f"{theme.percent(row['male_before'])} to {theme.percent(row['male_after'])}"
        for row in theme.rows(table)
    )
    return theme.finish(faceted, TITLE, subtitle, description, style, len(columns) * style["width"] + 190)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    values = []
    for point in theme.rows(table):
        place = {"row": point["row"], "column": point["column"], "domain": theme.label(point["domain"])}
        place |= {"pair": f"run {point['domain']}", "chi2_p_holm": point["chi2_p_holm"]}
        for moment, kind in (("before", BEFORE), ("after", AFTER)):
            interval = {"low": point[f"{moment}_low"], "high": point[f"{moment}_high"]}
            share = point[f"male_{moment}"]
            if share is not None:
                values.append({**place, "place": moment, "kind": kind, "share": share, **interval})
    return values


def _paper_rows(reference: pd.DataFrame, table: pd.DataFrame, domains: list[str]) -> list[dict[str, Any]]:
    """The paper's shares of the domains that this run has too, repeated in every panel."""
    panels = theme.rows(table[["row", "column"]].drop_duplicates())
    values = []
    for quantity, kind in (("male_share_before", PAPER_BEFORE), ("male_share_after", PAPER_AFTER)):
        for number in theme.paper_numbers(reference, quantity):
            for domain in domains:
                if theme.same(number.get("domain"), domain):
                    place = {"domain": theme.label(domain), "pair": f"paper {domain}", "place": "paper"}
                    values += [{**panel, **place, "kind": kind, "share": number["value"]} for panel in panels]
    return values
