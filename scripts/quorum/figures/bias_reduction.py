"""What does the model assume: as released, as deployed, and after the campaign?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "Does the model still assume that a clinician is a man?"
SAMPLED, EXACT, PAPER = "sampled completions (measured)", "exact probabilities (measured)", "paper, another model"
COLOURS = {SAMPLED: theme.BLUE, EXACT: theme.RED, PAPER: theme.INK}
FILLS = {**COLOURS, PAPER: "white"}
SHAPES = {SAMPLED: "circle", EXACT: "diamond", PAPER: "square"}
DEPLOYED = "as deployed (n = 0)"
FIRM_HAS = {
    "fine_tune": "after learning from the background alone",
    "in_context": "with the background alone to retrieve from",
}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Male share as released, as deployed and after the campaign, one row a model, with both kinds of interval.

    Tables: baseline_bias, tipping_curve, paper_reference; style: width of a panel, height of a row of it, font_size,
    main_size (pool size; None takes the largest one that every style has).
    """
    import altair as alt

    curve = tables["tipping_curve"]
    curve = curve[curve["defense"] == "none"]
    size = theme.main_size(curve, style["main_size"])
    values = _released_rows(tables["baseline_bias"]) + _deployed_rows(curve, size)
    if not any(row["share"] is not None for row in values):
        return theme.nothing(TITLE, "Neither baseline_bias nor tipping_curve has a male share.", style)
    columns = [theme.label(name) for name in theme.ordered((row["probe_set"] for row in values), theme.PROBE_SETS)]
    measured = list(dict.fromkeys(row["model"] for row in values))
    values += _paper_rows(tables["paper_reference"], sorted({row["probe_set"] for row in values}))
    models = measured + [row["model"] for row in values if row["model"] not in measured]
    values = [{**row, "column": theme.label(row["probe_set"])} for row in values if row["share"] is not None]
    values = theme.ruled(values, ["column"], "parity", 0.5)

    x = alt.X(
        "share:Q",
        title="male share",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]),
    )
    y = alt.Y("model:N", sort=list(dict.fromkeys(models)), title=None, axis=alt.Axis(ticks=False, domain=False))
    legend = theme.legend()
    colour = theme.keyed("kind", COLOURS, "color", legend)
    marks = {"fill": theme.keyed("kind", FILLS, "fill", legend), "shape": theme.keyed("kind", SHAPES, "shape", legend)}
    base = alt.Chart()
    sampled = theme.only(base, "kind", SAMPLED)
    tooltip = [
        alt.Tooltip("model:N"),
        alt.Tooltip("kind:N", title="measure"),
        alt.Tooltip("share:Q", title="male share", format=".1%"),
        alt.Tooltip("low:Q", title="clustered, from", format=".1%"),
        alt.Tooltip("high:Q", title="clustered, to", format=".1%"),
        alt.Tooltip("wilson_low:Q", title="Wilson, from", format=".1%"),
        alt.Tooltip("wilson_high:Q", title="Wilson, to", format=".1%"),
        alt.Tooltip("coverage:Q", title="coverage", format=".1%"),
    ]
    layers = [
        base.mark_rule(color=theme.GREY, strokeWidth=1.2).encode(x=alt.X("parity:Q", title="male share")),
        sampled.mark_rule(strokeWidth=7, opacity=0.35).encode(
            x=alt.X("wilson_low:Q"), x2="wilson_high:Q", y=y, color=colour
        ),
        sampled.mark_rule(strokeWidth=1.6).encode(x=alt.X("low:Q"), x2="high:Q", y=y, color=colour),
        # The exact measure often lies on the sampled one, so its mark is smaller and comes after it.
        *(
            theme.only(base, "kind", kind)
            .mark_point(size=area, strokeWidth=1.5, opacity=1)
            .encode(x=x, y=y, color=colour, **marks, tooltip=tooltip)
            for kind, area in ((SAMPLED, 110), (EXACT, 32), (PAPER, 80))
        ),
        # The white one below keeps a number readable where the rule at 50% runs through it.
        *(
            theme.only(base, "kind", SAMPLED, PAPER)
            .mark_text(dy=-13, **halo)
            .encode(x=x, y=y, text=alt.Text("share:Q", format=".0%"))
            for halo in ({"stroke": "white", "strokeWidth": 4}, {})
        ),
    ]
    drawn = alt.layer(*layers, data=theme.data(values)).properties(
        width=style["width"], height=alt.Step(style["height"])
    )
    faceted = drawn.facet(column=alt.Column("column:N", sort=columns, title=None), spacing=24)
    after = f"after {size:,} sentences" if size else "no pool"
    known = [name for name in theme.ordered(curve["uptake"], theme.UPTAKES) if name in FIRM_HAS]
    subtitle = [
        f"{theme.background_words(curve)} As deployed: {' or '.join(FIRM_HAS[name] for name in known)}. "
        f"{after.capitalize()}: background and pool ({theme.campaign(curve)}), no filter.",
        "Thin bars: 95% bootstrap interval clustered by wording. Thick pale bars: Wilson 95% interval. Vertical rule: "
        "50%.",
    ]
    description = f"{TITLE} {theme.background_words(curve)} " + "; ".join(
        f"{row['column']} {row['model']}: {theme.percent(row['share'])}" for row in values if row["kind"] == SAMPLED
    )
    return theme.finish(faceted, TITLE, subtitle, description, style, len(columns) * style["width"] + 220)


def _rows(point: Mapping[str, Any], model: str) -> list[dict[str, Any]]:
    place = {"probe_set": point["probe_set"], "model": model, "coverage": point["coverage"]}
    sampled = {
        "share": point["male_share"],
        **theme.resampled(point["clustered_low"], point["clustered_high"]),
        "wilson_low": point["male_low"],
        "wilson_high": point["male_high"],
    }
    exact = {"share": point["exact_male_share"], "low": point["exact_low"], "high": point["exact_high"]}
    return [{**place, "kind": SAMPLED, **sampled}, {**place, "kind": EXACT, **exact}]


def _released_rows(baseline: pd.DataFrame) -> list[dict[str, Any]]:
    baseline = baseline[baseline["domain"] == "all"]
    several = baseline["model"].nunique() > 1
    return [
        row
        for point in theme.rows(baseline)
        for row in _rows(point, f"as released, {point['model']}" if several else "as released")
    ]


def _deployed_rows(curve: pd.DataFrame, size: int | None) -> list[dict[str, Any]]:
    """As deployed once per uptake and probe set (its rows repeat the same model), then the main size of every
    condition."""
    start = curve[curve["pool_size"] == 0].drop_duplicates(["uptake", "probe_set"])
    several = start["uptake"].nunique() > 1
    end = curve[curve["pool_size"] == size] if size else curve.iloc[:0]
    headings = theme.conditions(end) if len(end) else pd.Series(dtype=str)
    end = end.assign(heading=headings)
    order = theme.condition_order(end, headings) if len(end) else []
    end = end.sort_values("heading", key=lambda column: column.map(order.index)) if len(end) else end
    values = [
        row
        for point in theme.rows(start.sort_values("uptake"))
        for row in _rows(point, f"{DEPLOYED}, {theme.label(point['uptake'])}" if several else DEPLOYED)
    ]
    for point in theme.rows(end):
        heading = point["heading"].replace(" style", "")
        values += _rows(point, f"after {size:,}, {heading[0].lower()}{heading[1:]}")
    return values


def _paper_rows(reference: pd.DataFrame, probe_sets: list[str]) -> list[dict[str, Any]]:
    """The paper's shares as rows of their own, beside both probe sets."""
    values = []
    for number in theme.paper_numbers(reference, "male_share"):
        size = int(number.get("pool_size", 0))
        model = f"paper: after {size:,}" if size else "paper: without a pool"
        values += [{"probe_set": name, "model": model, "kind": PAPER, "share": number["value"]} for name in probe_sets]
    return values
