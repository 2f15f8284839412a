"""What does fairness cost? Error against violation, for the collective's methods and for the firm's mitigations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from quorum.figures import label_places, people, theme

TITLE = "What does fairness cost when the people bring it about, and what when the firm does?"
BASE, BEFORE, AFTER = people.UNMITIGATED, "paper, before any action", "paper, collective of 30%"
_STAR = "M0,-1.1L0.25,-0.34L1.05,-0.34L0.4,0.13L0.65,0.89L0,0.42L-0.65,0.89L-0.4,0.13L-1.05,-0.34L-0.25,-0.34Z"
_BAR = "M-1,-0.35L1,-0.35L1,0.35L-1,0.35Z"
_HOURGLASS = "M-0.8,-0.9L0.8,-0.9L-0.8,0.9L0.8,0.9Z"
# What stands beside the mark, what the legend says, and the shape of the mark.
MITIGATIONS = {
    "exponentiated_gradient": ("EG", "EG: ExponentiatedGradient", "triangle-down"),
    "threshold_optimizer": ("TO", "TO: ThresholdOptimizer", "square"),
    "reweighing": ("RW", "RW: reweighing", "triangle-right"),
    "massaging": ("M", "M: massaging", _HOURGLASS),
    "massaging_promote": ("M+", "M+: massaging, promotions alone", "triangle-left"),
    "massaging_demote": ("M\u2212", "M\u2212: massaging, demotions alone", _BAR),
}


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Error against violation: the collective's fronts and the firm's own mitigations (Ben-Dov et al. 2025).

    Tables: minority_flips, minority_baselines, paper_reference; style: width and height of a panel, font_size.
    """
    import altair as alt

    flips = tables["minority_flips"]
    flips = flips[flips["knowledge"] == "all"]
    if flips.empty:
        return theme.nothing(TITLE, "The table minority_flips has no row in which the collective knows all.", style)
    alpha = people.main_alpha(tables["minority_flips"])
    flips = flips[flips["alpha"] == alpha]
    methods = people.method_looks(flips["method"])
    paper = _paper_rows(tables["paper_reference"], flips)
    baselines = tables["minority_baselines"]
    drawn = people.populations(flips)
    firm = [row for row in _firm_rows(baselines) if (row["dataset"], row["learner"]) in drawn]
    values = _fronts(flips) + firm + paper
    entries: dict[str, Any] = dict(methods)
    found = {row["kind"] for row in firm}
    shapes = {words: shape for _, words, shape in MITIGATIONS.values()}
    entries |= {kind: (theme.PURPLE, shape, [1, 0]) for kind, shape in shapes.items() if kind in found}
    entries |= {kind: (theme.PURPLE, "wedge", [1, 0]) for kind in sorted(found - set(shapes) - {BASE})}
    entries |= {BASE: (theme.INK, _STAR, [1, 0])} if BASE in found else {}
    looks = {BEFORE: (theme.INK, "circle", [1, 0], "white"), AFTER: (theme.INK, "square", [1, 0], "white")}
    entries |= {kind: looks[kind] for kind in looks if any(row["kind"] == kind for row in paper)}
    legend = theme.legend(columns=4, symbolStrokeWidth=1.5)
    colour, dash, fill, shape = people.look(entries, legend, "color", "strokeDash", "fill", "shape")
    tooltip = [
        alt.Tooltip("kind:N", title="who"),
        alt.Tooltip("flips:Q", title="relabelled rows", format=",d"),
        alt.Tooltip("error:Q", title="error", format=".2%"),
        alt.Tooltip("value:Q", title="violation", format=".2%"),
        alt.Tooltip("error_sd:Q", title="SD of the error", format=".2%"),
        alt.Tooltip("value_sd:Q", title="SD of the violation", format=".2%"),
    ]

    def panel(dataset: str, learner: str, measure: str, first: bool) -> Any:
        own = [row for row in values if row["dataset"] == dataset and row["learner"] in (learner, None)]
        shown = [row for row in own if row["measure"] == measure]
        errors = [row[key] for row in own for key in ("error", "error_low", "error_high") if row.get(key) is not None]
        margin = 0.06 * (max(errors) - min(errors)) or 0.01
        domains = (
            [max(0.0, min(errors) - margin), max(errors) + margin],
            [-0.03 * people.top(shown, "value", "high"), people.top(shown, "value", "high")],
        )
        named = [row for row in shown if row.get("code")]
        others = [(row["error"], row["value"]) for row in shown if not row.get("code")]
        crosses = [place for row in named for place in _along_cross(row)]
        places = label_places.beside(
            [(row["error"], row["value"], row["code"]) for row in named], others, crosses, domains, style
        )
        texts = [{"code": row["code"], "error": x, "value": y} for row, (x, y) in zip(named, places, strict=True)]
        x = alt.X(
            "error:Q",
            title="error" if measure == "sp" else None,
            scale=alt.Scale(domain=domains[0], nice=False),
            axis=people.share_axis(labels=measure == "sp", grid=False),
        )
        y = alt.Y(
            "value:Q",
            title=people.VIOLATIONS[measure] if first else None,
            scale=alt.Scale(domain=domains[1], nice=False),
            axis=people.share_axis(minExtent=38),
        )
        chart = alt.Chart(theme.data(shown))
        fronts = theme.only(chart, "kind", *methods)
        marks = theme.only(chart, "kind", *(kind for kind in entries if kind not in methods))
        layers = [
            chart.mark_rule(strokeWidth=1, opacity=0.55).encode(colour, x=x, y=alt.Y("low:Q"), y2="high:Q"),
            chart.mark_rule(strokeWidth=1, opacity=0.55).encode(colour, x=alt.X("error_low:Q"), x2="error_high:Q", y=y),
            fronts.mark_line(strokeWidth=1.7).encode(colour, dash, x=x, y=y, order="error:Q"),
            fronts.mark_point(size=40, opacity=1, strokeWidth=1).encode(colour, fill, shape, x=x, y=y, tooltip=tooltip),
            marks.mark_point(size=75, opacity=1, strokeWidth=1.5).encode(
                colour, fill, shape, x=x, y=y, tooltip=tooltip
            ),
        ]
        text = alt.Chart(theme.data(texts)).encode(x=x, y=y, text="code:N")
        layers.append(text.mark_text(fontSize=style["font_size"], stroke="white", strokeWidth=3, strokeJoin="round"))
        layers.append(text.mark_text(fontSize=style["font_size"], color=theme.INK))
        return alt.layer(*layers)

    chart, width = people.by_dataset(flips, tuple(people.VIOLATIONS), panel, style)
    subtitle = [
        f"Lines: the collective ({theme.percent(alpha)} of the minority, knows the whole majority); the points of the "
        "sweep over relabelled rows that no other point of the same method beats in both error and violation.",
        f"Lettered marks: what the firm can do on the same splits. {people.sd_words(flips, 'Crosses')}{_upper(flips)}. "
        "Lower left is better; each data set has its own scales.",
    ]
    if paper:
        subtitle.append("Hollow: the paper's numbers, with its own splits, learner and preparation of the data.")
    description = f"{TITLE} Error and EqOd violation: " + "; ".join(_words(values))
    return theme.finish(chart, TITLE, subtitle, description, style, width)


def _upper(flips: pd.DataFrame) -> str:
    words = f"{people.learner_words(flips)}, {people.runs_words(flips)}"
    return words[0].upper() + words[1:]


def _words(values: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every mark of the firm, and of every front its fairest end."""
    chosen: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for row in values:
        if row["measure"] == "eqod" and row["learner"] is not None:
            key = (row["dataset"], row["learner"], row["kind"])
            if key not in chosen or row["value"] < chosen[key]["value"]:
                chosen[key] = row
    return [
        f"{people.dataset(dataset)}, {theme.label(learner)}, {kind}: {theme.percent(row['error'], 1)}, "
        f"{theme.percent(row['value'], 1)}"
        for (dataset, learner, kind), row in chosen.items()
    ]


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Which of the points (two costs) no other one beats: none is as low in both and lower in one.

    Their indices, by rising first cost; of equal points the first one only.
    """
    chosen: list[int] = []
    for at in sorted(range(len(points)), key=lambda index: (points[index], index)):
        if not chosen or points[at][1] < points[chosen[-1]][1]:
            chosen.append(at)
    return chosen


def _fronts(flips: pd.DataFrame) -> list[dict[str, Any]]:
    values = []
    for (dataset, learner, method), group in flips.groupby(["dataset", "learner", "method"], sort=False):
        sweep = theme.rows(group.sort_values("flips"))
        for measure in people.VIOLATIONS:
            for at in front([(row["error_mean"], row[f"{measure}_mean"]) for row in sweep]):
                cells = {"error": sweep[at]["error_mean"], "value": sweep[at][f"{measure}_mean"]}
                spreads = {"error_sd": sweep[at]["error_sd"], "value_sd": sweep[at][f"{measure}_sd"]}
                place = {"dataset": dataset, "learner": learner, "measure": measure, "kind": theme.label(method)}
                values.append({**place, **cells, **spreads, "flips": sweep[at]["flips"]})
    return values


def _firm_rows(baselines: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per measure and mitigation, with the ends of its cross; the unmitigated model has no letters."""
    values = []
    for row in theme.rows(baselines):
        name = theme.label(row["mitigation"])
        code, kind, _ = MITIGATIONS.get(row["mitigation"], (name, name, ""))
        if row["mitigation"] == "none":
            code, kind = "", BASE
        across = people.spread(row["error_mean"], row["error_sd"])
        for measure in people.VIOLATIONS:
            mean, sd = row[f"{measure}_mean"], row[f"{measure}_sd"]
            values.append(
                {
                    "dataset": row["dataset"],
                    "learner": row["learner"],
                    "measure": measure,
                    "kind": kind,
                    "code": code,
                    "error": row["error_mean"],
                    "error_sd": row["error_sd"],
                    "error_low": across["low"],
                    "error_high": across["high"],
                    "value": mean,
                    "value_sd": sd,
                    **people.spread(mean, sd),
                }
            )
    return values


def _along_cross(row: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Places on the cross of a mark, for a label to keep off."""
    x, y = row["error"], row["value"]
    across = [
        (x + part * (end - x), y) for end in (row["error_low"], row["error_high"]) if end is not None for part in _PARTS
    ]
    return across + [
        (x, y + part * (end - y)) for end in (row["low"], row["high"]) if end is not None for part in _PARTS
    ]


_PARTS = (0.25, 0.5, 0.75, 1)


def _paper_rows(reference: pd.DataFrame, flips: pd.DataFrame) -> list[dict[str, Any]]:
    """The paper's pairs of error and EqOd, where it gives both; its learner is not known, so beside each learner."""
    errors = {
        (number["dataset"], number["alpha"]): number["value"]
        for number in people.minority_paper(reference, "error", flips)
    }
    return [
        {
            "dataset": number["dataset"],
            "learner": None,
            "measure": "eqod",
            "kind": BEFORE if number["alpha"] == 0 else AFTER,
            "error": errors[number["dataset"], number["alpha"]],
            "value": number["value"],
        }
        for number in people.minority_paper(reference, "eqod", flips)
        if number["alpha"] in (0, 0.3) and (number["dataset"], number["alpha"]) in errors
    ]
