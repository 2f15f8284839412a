"""What do the filters do to honest text, and to whom?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "What do the filters do to honest people's text?"
SOURCES = ("pubmedqa", "medqa", "aci_bench", "background")
CALIBRATIONS = {"template": "calibrated on the study's templates", "real": "calibrated on such real text"}
SHAPES = {"weak": "triangle-up", "moderate": "circle", "strong": "square"}
COLOURS = {"weak": theme.SKY, "moderate": theme.BLUE, "strong": theme.INK}
GAP = "women's minus men's (points)"
_FILLS = {"template": "white", "real": theme.GREEN}
_ROOM = 20.0
_FEWEST = 30


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """What filters reject of clinical text that people wrote, and the gap between sentences about women and men.

    Tables: honest_costs; style: width of a panel, height of a row of it, font_size.
    """
    import altair as alt

    table = tables["honest_costs"]
    if table.empty:
        return theme.nothing(TITLE, "The table honest_costs has no row.", style)
    filters = [theme.label(name) for name in theme.ordered(table["defense"], theme.DEFENSES)]
    strengths = theme.ordered(table["strength"], theme.STRENGTHS)
    calibrations = theme.ordered(table["calibration"], list(CALIBRATIONS))
    values = [_row(row) for row in theme.rows(table)]
    reach = max(
        [_ROOM, *(abs(row[end] or 0) for row in values for end in ("low", "high") if _is_shown(row, strengths))]
    )
    lines = []
    for source in theme.ordered(table["source"], SOURCES):
        own = [row for row in values if row["source"] == source]
        panels = [
            _rejected([row for row in own if row["calibration"] == calibration], filters, strengths, style, at == 0)
            for at, calibration in enumerate(calibrations)
        ]
        gaps = [row for row in own if _is_shown(row, strengths)]
        panels.append(_gaps(gaps, filters, reach, style))
        people = own[0]["n_people"]
        words = f"{_source(source)}: {people:,} people, {own[0]['n_sentences']:,} sentences"
        lines.append(alt.hconcat(*panels, spacing=20, title=theme.heading(words, style, whole=True)))
    subtitle = [
        "Rejected share of honest sentences, by the promise that the threshold was set to (strength), and by the clean "
        "text that it was set on. A person is a document; the study's background has agents. Bars: 95% bootstrap "
        "interval, clustered by person.",
        f"Right: rejected share of sentences about women minus that of sentences about men, strength "
        f"{_shown(strengths)}, with the 95% interval clustered by person (Newcombe's where nobody varies); filled: "
        "calibrated on such real text, hollow: on the study's templates. A sentence is about whom its first pronoun "
        "names.",
    ]
    description = f"{TITLE} Rejected: " + "; ".join(
        f"{_source(row['source'])}, {CALIBRATIONS.get(row['calibration'], row['calibration'])}, {row['filter']}, "
        f"{row['strength']} {theme.percent(row['rejected'])}"
        for row in values
    )
    width = 3 * (style["width"] + 30) + 90
    return theme.finish(alt.vconcat(*lines, spacing=22), TITLE, subtitle, description, style, width)


def _shown(strengths: list[str]) -> str:
    return "moderate" if "moderate" in strengths else strengths[-1]


def _is_shown(row: Mapping[str, Any], strengths: list[str]) -> bool:
    """Whether the difference between the sexes is drawn: at one strength, and of enough sentences about both."""
    return row["strength"] == _shown(strengths) and min(row["n_female"], row["n_male"]) >= _FEWEST


def _source(name: str) -> str:
    return "The study's background" if name == "background" else theme.label(name)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    interval = "gap" if row["gap_clustered_low"] is None else "gap_clustered"
    points = {
        name: None if row[column] is None else 100 * row[column]
        for name, column in (("gap", "gap"), ("low", f"{interval}_low"), ("high", f"{interval}_high"))
    }
    return {**row, "filter": theme.label(row["defense"]), **points}


def _filters(filters: list[str], first: bool) -> Any:
    import altair as alt

    axis = alt.Axis(ticks=False, domain=False, labels=first, labelPadding=9, grid=True)
    return alt.Y("filter:N", sort=filters, scale=alt.Scale(domain=filters), title=None, axis=axis)


def _rejected(
    values: list[dict[str, Any]], filters: list[str], strengths: list[str], style: Mapping[str, Any], first: bool
) -> Any:
    """Rejected shares under one calibration, with a rule for each promise."""
    import altair as alt

    if not values:
        return _blank("not judged so", style, len(filters))
    promises = [{"promise": rate} for rate in sorted({row["false_positive_rate"] for row in values})]
    calibration = values[0]["calibration"]
    placed = {
        "scale": alt.Scale(type="sqrt", domain=[0, 1]),
        "title": ["rejected,", CALIBRATIONS.get(calibration, calibration)],
        "axis": alt.Axis(format=".0%", values=[0, 0.05, 0.2, 0.5, 1], labelOverlap=False),
    }
    legend = theme.legend(columns=3) if first else None
    channels = {
        "color": theme.keyed("strength", {name: COLOURS.get(name, theme.GREY) for name in strengths}, "color", legend),
        "shape": theme.keyed("strength", {name: SHAPES.get(name, "cross") for name in strengths}, "shape", legend),
    }
    tooltip = [
        alt.Tooltip("filter:N"),
        alt.Tooltip("strength:N"),
        alt.Tooltip("rejected:Q", format=".1%"),
        alt.Tooltip("people_hit:Q", title="people who lose a sentence", format=".1%"),
        alt.Tooltip("people_silenced:Q", title="people who lose more than half", format=".1%"),
    ]
    base = alt.Chart(theme.data(values)).encode(y=_filters(filters, first), color=channels["color"])
    rules = alt.Chart(theme.data(promises)).mark_rule(color=theme.GREY, strokeDash=[2, 3])
    layers = [rules.encode(x=alt.X("promise:Q", **placed))]
    for name, shift in zip(strengths, _shifts(len(strengths), style), strict=True):
        own = theme.only(base, "strength", name)
        layers += [
            own.mark_rule(strokeWidth=1.6, yOffset=shift).encode(
                x=alt.X("clustered_low:Q", **placed), x2="clustered_high:Q"
            ),
            own.mark_point(size=45, filled=True, opacity=1, yOffset=shift).encode(
                x=alt.X("rejected:Q", **placed), shape=channels["shape"], tooltip=tooltip
            ),
        ]
    return alt.layer(*layers).properties(width=style["width"], height=style["height"] * len(filters))


def _shifts(count: int, style: Mapping[str, Any]) -> list[float]:
    """Pixels by which marks of one row are shifted, so that none hides another."""
    step = 0.85 * style["height"] / (count + 1)
    return [step * (place - (count - 1) / 2) for place in range(count)]


def _blank(words: str, style: Mapping[str, Any], rows: int) -> Any:
    """A panel that says why it is empty."""
    import altair as alt

    text = alt.Chart(theme.data([{"words": words}])).mark_text(color=theme.GREY, lineBreak="\n").encode(text="words:N")
    return text.properties(
        width=style["width"], height=style["height"] * rows, view=alt.ViewBackground(stroke=theme.PALE)
    )


def _gaps(values: list[dict[str, Any]], filters: list[str], reach: float, style: Mapping[str, Any]) -> Any:
    """The difference between the sexes under both calibrations."""
    import altair as alt

    if not values:
        return _blank(f"fewer than {_FEWEST} sentences\nabout women, or about men", style, len(filters))
    scale = alt.Scale(domain=[-reach, reach], nice=True)
    placed = {"scale": scale, "title": ["rejected,", GAP], "axis": alt.Axis(format="+d", tickCount=3)}
    tooltip = [
        alt.Tooltip("filter:N"),
        alt.Tooltip("calibration:N"),
        alt.Tooltip("gap:Q", title=GAP, format="+.2f"),
        alt.Tooltip("low:Q", title="from", format="+.2f"),
        alt.Tooltip("high:Q", title="to", format="+.2f"),
        alt.Tooltip("n_female:Q", title="sentences about women", format=","),
        alt.Tooltip("n_male:Q", title="about men", format=","),
    ]
    base = alt.Chart(theme.data(values)).encode(y=_filters(filters, False))
    zero = alt.Chart(theme.data([{"zero": 0.0}])).mark_rule(color=theme.GREY)
    layers = [zero.encode(x=alt.X("zero:Q", **placed))]
    for (name, fill), shift in zip(_FILLS.items(), _shifts(len(_FILLS), style), strict=True):
        own = theme.only(base, "calibration", name)
        layers += [
            own.mark_rule(strokeWidth=1.6, color=theme.GREEN, yOffset=shift).encode(
                x=alt.X("low:Q", **placed), x2="high:Q"
            ),
            own.mark_point(size=55, shape="diamond", stroke=theme.GREEN, fill=fill, opacity=1, yOffset=shift).encode(
                x=alt.X("gap:Q", **placed), tooltip=tooltip
            ),
        ]
    return alt.layer(*layers).properties(width=style["width"], height=style["height"] * len(filters))
