"""Which majority rows does a score look at? The nearest ones of any label, or the nearest ones with the good label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import label_places, people, theme

TITLE = "Which majority rows does a candidate's score look at?"
GOOD, OTHER = "majority, good label", "majority, other label"
CANDIDATE, LINK = "candidate (minority, other label)", "row that the score counts"
LOOKS = {
    GOOD: (theme.BLUE, "circle", [1, 0], theme.BLUE),
    OTHER: (theme.BLUE, "circle", [1, 0], "#DCEBF5"),
    CANDIDATE: (theme.RED, "triangle-up", [1, 0], "#FBE3D3"),
    LINK: (theme.GREY, theme.LINE, [1, 0]),
}
_MEANING = {
    "rb_label": "good labels among the {k} nearest majority rows",
    "rb_dist": "minus the mean distance to the {k} nearest rows with the good label",
}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Which majority rows RB-label and RB-dist look at, on made-up points (Ben-Dov et al. 2025).

    Tables: minority_scoring; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["minority_scoring"]
    points = table[table["kind"] != "link"]
    if points.empty:
        return theme.nothing(TITLE, "The table minority_scoring has no point.", style)
    domains = (_domain(points["x1"], 0.14), _domain(points["x2"], 0.08))
    entries = LOOKS if len(points) < len(table) else {kind: LOOKS[kind] for kind in LOOKS if kind != LINK}
    legend = theme.legend(columns=4, symbolStrokeWidth=1.6)
    colour, fill, shape = people.look(entries, legend, "color", "fill", "shape")
    x, y = (
        alt.X("x1:Q", title="first feature", scale=alt.Scale(domain=domains[0], nice=False), axis=_axis()),
        alt.Y("x2:Q", title="second feature", scale=alt.Scale(domain=domains[1], nice=False), axis=_axis()),
    )
    panels, told = [], []
    for method in theme.ordered(table["method"], people.METHODS):
        own = table[table["method"] == method]
        links = own[own["kind"] == "link"].dropna(subset=["x1_to", "x2_to"])
        k = int(links.groupby(["x1", "x2"]).size().max()) if len(links) else None
        marks = _point_rows(own[own["kind"] != "link"])
        candidates = own[own["kind"] == "candidate"]
        if len(links):  # with many candidates, some are joined to their rows as examples
            candidates = candidates.merge(links[["x1", "x2"]].drop_duplicates())
        texts = _texts(candidates, marks, links, domains, style)
        told += [f"{theme.label(method)}, {row['words']}".replace("\n", ", ") for row in texts]
        chart = alt.Chart(theme.data(marks))
        text = alt.Chart(theme.data(texts)).encode(x=x, y=y, text="words:N")
        words = {"fontSize": style["font_size"], "lineBreak": "\n", "baseline": "middle"}
        meaning = _MEANING.get(method, "").format(k=k if k is not None else "k")
        panels.append(
            alt.layer(
                alt.Chart(theme.data({**row, "kind": LINK} for row in theme.rows(links)))
                .mark_rule(strokeWidth=1.4)
                .encode(colour, x=x, y=y, x2="x1_to:Q", y2="x2_to:Q"),
                chart.mark_point(size=55, opacity=1, strokeWidth=1.3).encode(
                    colour, fill, shape, x=x, y=y, tooltip=["kind:N", "score:Q", "rank:Q"]
                ),
                text.mark_text(**words, stroke="white", strokeWidth=3.5, strokeJoin="round"),
                text.mark_text(**words, color=theme.INK),
            ).properties(
                width=style["width"],
                height=style["height"],
                title=theme.heading([theme.label(method), meaning] if meaning else theme.label(method), style),
            )
        )
    first = points[(points["method"] == points["method"].iloc[0]) & (points["kind"] == "candidate")]
    many = f"{len(first)} members of the collective have the other label and are candidates"
    subtitle = [
        f"Made-up points in the plane; {many}. Lines join a candidate to the majority rows that its score counts. The "
        "highest score is rank 1 and is relabelled first; equal scores are ordered by a seeded shuffle.",
    ]
    chart = alt.hconcat(*panels, spacing=30)
    description = f"{TITLE} Candidates: {'; '.join(told)}."
    return theme.finish(chart, TITLE, subtitle, description, style, len(panels) * (style["width"] + 60))


def _axis() -> Any:
    import altair as alt

    return alt.Axis(grid=False, tickCount=5)


def _domain(cells: pd.Series, beyond: float) -> list[float]:
    low, high = float(cells.min()), float(cells.max())
    margin = beyond * (high - low) or 1.0
    return [low - margin, high + margin]


def _point_rows(points: pd.DataFrame) -> list[dict[str, Any]]:
    values = []
    for row in theme.rows(points):
        kind = CANDIDATE if row["kind"] == "candidate" else (GOOD if row["label"] == 1 else OTHER)
        values.append({**row, "kind": kind})
    return values


def _texts(
    candidates: pd.DataFrame,
    marks: list[dict[str, Any]],
    links: pd.DataFrame,
    domains: tuple[list[float], list[float]],
    style: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Score and rank of every candidate that has them, beside its mark and off the links as far as there is room."""
    named = theme.rows(candidates.dropna(subset=["score", "rank"]).sort_values("rank"))
    labels = [(row["x1"], row["x2"], f"rank {row['rank']:.0f}\nscore {_number(row['score'])}") for row in named]
    others = [(row["x1"], row["x2"]) for row in marks]
    crossed = [
        (link["x1"] + part / 20 * (link["x1_to"] - link["x1"]), link["x2"] + part / 20 * (link["x2_to"] - link["x2"]))
        for link in theme.rows(links)
        for part in range(1, 20)
    ]
    places = label_places.beside(labels, others, crossed, domains, style)
    return [{"words": words, "x1": x, "x2": y} for (_, _, words), (x, y) in zip(labels, places, strict=True)]


def _number(score: float) -> str:
    return (f"{score:.0f}" if float(score).is_integer() else f"{score:.2f}").replace("-", "\u2212")
