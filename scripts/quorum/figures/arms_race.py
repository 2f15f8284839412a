"""How good must the writing be? Styles against filters: what gets through, and what the model then says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "How good must the writing be?"
_WRITING = {
    "template": "one sentence pattern for all",
    "varied": "a new pattern for each sentence",
    "mimic": "the firm's own patterns",
    "paraphrase": "a model's own words",
}
UNFILTERED = "no filter"


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """How writing styles fare against filters: a cell has the share that gets through and the male share it leads to.

    Tables: arms_race; style: width and height of a cell, font_size.
    """
    import altair as alt

    table = tables["arms_race"]
    if table.empty:
        return theme.nothing(TITLE, "The table arms_race has no row.", style)
    probe_set = theme.ordered(table["probe_set"], ("held_out", "matched"))[0]
    table = table[table["probe_set"] == probe_set]
    styles = theme.ordered(table["style"], theme.STYLES)
    filters = theme.ordered(table["defense"], theme.DEFENSES)
    values = [_cell(row) for row in theme.rows(table)]
    columns = [_heading(name) for name in styles]
    rows = [_row(name) for name in filters]
    sort = [" ".join(lines) for lines in columns]
    x = alt.X(
        "column:N",
        sort=sort,
        scale=alt.Scale(domain=sort),
        title=None,
        axis=alt.Axis(
            orient="top",
            labelAngle=0,
            ticks=False,
            domain=False,
            labelPadding=style["font_size"] + 10,
            labelExpr=_broken(columns),
            labelLimit=0,
        ),
    )
    y = alt.Y("row:N", sort=rows, scale=alt.Scale(domain=rows), title=None, axis=alt.Axis(ticks=False, domain=False))
    tooltip = [
        alt.Tooltip("column:N", title="writing"),
        alt.Tooltip("row:N", title="filter"),
        alt.Tooltip("passed:Q", title="gets through", format=".1%"),
        alt.Tooltip("exact_male_share:Q", title="model's male share", format=".1%"),
        alt.Tooltip("exact_low:Q", title="from", format=".1%"),
        alt.Tooltip("exact_high:Q", title="to", format=".1%"),
        alt.Tooltip("skeletons_per_agent:Q", title="patterns per writer", format=".1f"),
    ]
    base = alt.Chart(theme.data(values)).encode(x=x, y=y)
    size = style["font_size"]
    chart = alt.layer(
        base.mark_rect(stroke="white", strokeWidth=3).encode(color=theme.passing("passed"), tooltip=tooltip),
        base.mark_text(dy=-size * 0.6, fontSize=size + 5, fontWeight="bold").encode(
            text="shown:N", color=theme.passing_ink("passed")
        ),
        base.mark_text(dy=size * 0.9, fontSize=size - 1).encode(text="says:N", color=theme.passing_ink("passed")),
    ).properties(width=style["width"] * len(styles), height=style["height"] * len(rows))
    description = f"{TITLE} " + "; ".join(
        f"{row['column']}, {row['row']}: {row['shown']} gets through, {row['says']}" for row in values
    )
    return theme.finish(
        chart, TITLE, _subtitle(table, probe_set), description, style, style["width"] * len(styles) + 120
    )


def _subtitle(table: pd.DataFrame, probe_set: str) -> list[str]:
    filtered = table[table["defense"] != "none"]
    through = filtered.assign(open=filtered["passed"] > 0.5).groupby("style")["open"].sum()
    count = filtered["defense"].nunique()
    found = ", ".join(
        f"{theme.label(name)} {int(through[name])}" for name in theme.ordered(through.index, theme.STYLES)
    )
    deployed = table["exact_deployed"].mean()
    seeds, size = int(table["n_seeds"].max()), int(table["pool_size"].max())
    strength = next(iter(filtered["strength"]), "none")
    first = f"Filters, of {count}, that let more than half of the campaign through: {found}." if count else ""
    second = (
        f"Large: share of {size:,} sentences that gets through (strength {strength}, mean of {seeds} "
        f"seed{'s' if seeds != 1 else ''}). Small: the male share of the model that learns from what is left, "
        f"{theme.label(probe_set).split(':')[0].lower()}, exact measure; {theme.percent(deployed)} as deployed."
    )
    return [line for line in (first, second) if line]


def _heading(name: str) -> list[str]:
    return [f"{theme.label(name).capitalize()}:", _WRITING.get(name, "as submitted")]


def _broken(columns: list[list[str]]) -> str:
    """An expression that shows each heading in two lines; headings are compared as text, and never run."""
    import json

    pairs = {" ".join(lines): lines for lines in columns}
    return f"({json.dumps(pairs)})[datum.label]"


def _row(name: str) -> str:
    return UNFILTERED if name == "none" else theme.label(name)


def _cell(row: dict[str, Any]) -> dict[str, Any]:
    share = row["exact_male_share"]
    says = "" if share is None else f"model at {theme.percent(share)} male"
    return {
        **row,
        "column": " ".join(_heading(row["style"])),
        "row": _row(row["defense"]),
        "shown": theme.percent(row["passed"]),
        "says": says,
    }
