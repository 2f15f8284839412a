"""Which of the firm's filters stop the campaign, and what do they cost?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "Which filters stop the campaign, and at what price?"
WHOLE, PAPER = "whole stream (measured, same for both probe sets)", "paper, another model"
_PROBES = {"matched": "matched probes (measured)", "held_out": "held-out probes (measured)"}
COLOURS = {_PROBES["matched"]: theme.BLUE, _PROBES["held_out"]: theme.ORANGE, WHOLE: theme.GREEN, PAPER: theme.INK}
FILLS = {**COLOURS, PAPER: "white"}
SHAPES = dict(zip(COLOURS, ("circle", "triangle-up", "diamond", "square"), strict=True))
MEASURES = {
    "reduction_pp": "reduction of male share (points)",
    "recall": "pool rejected (recall)",
    "false_positive_rate": "background rejected",
    "utility_retention": "utility kept",
}
_PAPER_PLACE = {"kind": PAPER, "slot": "lower"}
_TICKS = {"reduction_pp": "d", "false_positive_rate": ".1%"}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """What each filter leaves of the reduction, whom it rejects, and the utility that remains, side by side.

    Tables: defenses, tipping_curve, paper_reference; style: width of a panel, height of a row of it, font_size,
    main_size (pool size; None takes the largest one that every style has).
    """
    import altair as alt

    table = tables["defenses"]
    size = theme.main_size(table, style["main_size"])
    if size is None:
        return theme.nothing(TITLE, "The table defenses has no row with a pool.", style)
    table = table[table["pool_size"] == size]
    table = table.assign(row=theme.conditions(table))
    order = theme.condition_order(table, table["row"])
    defenses = theme.ordered(table["defense"], theme.DEFENSES)
    values = _rows(table) + _paper_rows(tables["paper_reference"], order, defenses)
    names = [theme.label(name) for name in defenses]
    legend = theme.legend(columns=2)
    colour = theme.keyed("kind", COLOURS, "color", legend)
    marks = {"fill": theme.keyed("kind", FILLS, "fill", legend), "shape": theme.keyed("kind", SHAPES, "shape", legend)}
    lines = []
    for heading in order:
        panels = [
            _panel(measure, [row for row in values if row["measure"] == measure], heading, names, style, colour, marks)
            for measure in MEASURES
        ]
        anchor = alt.TitleParams(
            text=heading, anchor="start", frame="bounds", fontSize=style["font_size"] + 1, offset=8
        )
        lines.append(alt.hconcat(*panels, spacing=22, title=anchor))
    chart = alt.vconcat(*lines, spacing=30)
    paper = theme.paper_numbers(tables["paper_reference"], "reduction_pp")
    subtitle = [
        f"{theme.background_words(tables['tipping_curve'])} Pool of {size:,} sentences ({theme.campaign(table)}); "
        "every filter's threshold is set at one false-positive rate on clean text, and its effects are measured.",
        "Reduction: points of male share below the model as deployed (no pool), with the 95% bootstrap interval over "
        f"seeds and wordings. Utility kept: against the undefended model without a pool. {theme.paper_words(*paper)}",
    ]
    description = f"{TITLE} " + "; ".join(
        f"{row['row']}, {row['defense']}, {row['kind']}: {row['value']:.1f} points"
        for row in values
        if row["measure"] == "reduction_pp" and row["kind"] != PAPER
    )
    return theme.finish(chart, TITLE, subtitle, description, style, len(MEASURES) * (style["width"] + 22) + 70)


def _panel(
    measure: str,
    values: list[dict[str, Any]],
    heading: str,
    names: list[str],
    style: Mapping[str, Any],
    colour: Any,
    marks: Mapping[str, Any],
) -> Any:
    """One measure under one condition; its scale covers all conditions, so that panels of a column can be compared."""
    import altair as alt

    title, points = MEASURES[measure], measure == "reduction_pp"
    scale = alt.Scale(domain=_domain(measure, values), nice=False)
    x = alt.X("value:Q", title=title, scale=scale, axis=alt.Axis(format=_TICKS.get(measure, ".0%"), tickCount=5))
    first = measure == next(iter(MEASURES))
    axis = alt.Axis(ticks=False, domain=False, labels=first, grid=True)
    y = alt.Y("defense:N", sort=names, scale=alt.Scale(domain=names, paddingInner=0.25), title=None, axis=axis)
    slots = ["upper", "middle", "lower"]
    offset = alt.YOffset("slot:N", sort=slots, scale=alt.Scale(domain=slots))
    tooltip = [
        alt.Tooltip("defense:N", title="filter"),
        alt.Tooltip("kind:N", title="probes"),
        alt.Tooltip("value:Q", title=title, format=".3~g" if points else ".2%"),
        alt.Tooltip("low:Q", title="from", format=".3~g"),
        alt.Tooltip("high:Q", title="to", format=".3~g"),
        alt.Tooltip("roc_auc:Q", title="ROC AUC", format=".3f"),
    ]
    shown = [row for row in values if row["row"] == heading]
    base = alt.Chart().encode(y=y, yOffset=offset, color=colour)
    layers = [
        base.mark_rule(strokeWidth=1.8).encode(x=alt.X("low:Q", scale=scale), x2="high:Q"),
        base.mark_point(size=60, strokeWidth=1.5, opacity=1).encode(x=x, **marks, tooltip=tooltip),
    ]
    if points:
        zero = alt.Chart(theme.data([{"zero": 0.0}])).mark_rule(color=theme.GREY, strokeWidth=1.2)
        layers.insert(0, zero.encode(x=alt.X("zero:Q", scale=scale, title=title)))
    height = style["height"] * len(names)
    return alt.layer(*layers, data=theme.data(shown)).properties(width=style["width"], height=height)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per measure; what does not depend on the probes is drawn once."""
    values = []
    once: set[tuple[str, str, str]] = set()
    for point in theme.rows(table):
        place = {"row": point["row"], "defense": theme.label(point["defense"]), "roc_auc": point["roc_auc"]}
        if point["reduction_pp"] is not None:
            kind = _PROBES.get(point["probe_set"], theme.label(point["probe_set"]))
            interval = theme.resampled(point["reduction_low"], point["reduction_high"])
            slot = "upper" if point["probe_set"] == theme.PROBE_SETS[0] else "middle"
            reduction = {"measure": "reduction_pp", "kind": kind, "slot": slot, "value": point["reduction_pp"]}
            values.append({**place, **reduction, **interval})
        for measure in ("recall", "false_positive_rate", "utility_retention"):
            key = (point["row"], point["defense"], measure)
            if point[measure] is not None and key not in once:
                once.add(key)
                values.append({**place, "measure": measure, "kind": WHOLE, "slot": "middle", "value": point[measure]})
    return values


def _paper_rows(reference: pd.DataFrame, order: list[str], defenses: list[str]) -> list[dict[str, Any]]:
    """The paper's reduction and utility under every filter that this run has too, repeated in every row of panels."""
    return [
        {**_PAPER_PLACE, "row": row, "defense": theme.label(defense), "measure": measure, "value": number["value"]}
        for measure in ("reduction_pp", "utility_retention")
        for number in theme.paper_numbers(reference, measure)
        for defense in defenses
        if theme.same(number.get("defense"), defense)
        for row in order
    ]


def _domain(measure: str, shown: list[dict[str, Any]]) -> list[float]:
    ends = [row[key] for row in shown for key in ("value", "low", "high") if row.get(key) is not None]
    if measure == "reduction_pp":
        low, high = min([0.0, *ends]), max([10.0, *ends])
        return [low - 0.05 * (high - low), high + 0.05 * (high - low)]
    if measure == "recall":
        return [-0.04, 1.04]
    if measure == "false_positive_rate":
        high = max([0.02, *ends])
        return [-0.04 * high, 1.1 * high]
    low, high = min([0.8, *ends]), max([1.0, *ends])
    return [low - 0.05 * (high - low), high + 0.05 * (high - low)]
