"""The story of the study, with the numbers of this run in its boxes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "How do people's sentences come to move a model?"
PEOPLE, FIRM, AUDITOR = "the people", "the firm", "the auditor"
SHADES = {PEOPLE: "#FFF3D6", FIRM: "#CFE3F1", AUDITOR: "#F2F2F2"}
STEPS = (
    ("population", PEOPLE),
    ("collective", PEOPLE),
    ("contributions", PEOPLE),
    ("defense", FIRM),
    ("uptake", FIRM),
    ("audit", AUDITOR),
    ("statistics", AUDITOR),
    ("figures", AUDITOR),
)
UPTAKES = {"fine_tune": "models trained", "in_context": "corpora searched"}
PER_LINE, GAP, LINE_GAP = 4, 34, 52


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """The steps of the study in their order, each with what was set and what the run measured.

    Tables: baseline_bias, tipping_curve, defenses, wordings; style: width and height of a box, font_size, main_size
    (pool size of the result; None takes the largest one that every style has).
    """
    import altair as alt

    curve = tables["tipping_curve"]
    size = theme.main_size(curve[curve["defense"] == "none"], style["main_size"])
    words = _words(tables, size)
    width, font = style["width"], style["font_size"]
    total = PER_LINE * width + (PER_LINE - 1) * GAP
    lines = [STEPS[at : at + PER_LINE] for at in range(0, len(STEPS), PER_LINE)]
    # All boxes of a line are as high as the one with the most to say.
    heights = [max(style["height"], 44 + max(len(words[step]) for step, _ in line) * (font + 6)) for line in lines]
    boxes, texts, arrows, heads = [], [], [], []
    for place, (step, actor) in enumerate(STEPS):
        line = place // PER_LINE
        height = heights[line]
        left, top = (place % PER_LINE) * (width + GAP), 18 + sum(heights[:line]) + line * LINE_GAP
        boxes.append({"step": step, "actor": actor, "x": left, "x2": left + width, "y": top, "y2": top + height})
        texts.append({"x": left + 10, "y": top + 18, "words": f"{place + 1}  {step}", "role": "name"})
        for number, (role, text) in enumerate(words[step]):
            texts.append({"x": left + 10, "y": top + 41 + number * (font + 6), "words": text, "role": role})
        texts.append({"x": left + 2, "y": top - 9, "words": actor, "role": "actor"})
        if place + 1 == len(STEPS):
            continue
        middle = top + height / 2
        if (place + 1) % PER_LINE:
            arrows.append({"x": left + width, "y": middle, "x2": left + width + GAP - 8, "y2": middle})
            heads.append({"x": left + width + GAP - 6, "y": middle, "angle": 90})
        else:
            turn, below = top + height + 15, top + height + LINE_GAP
            corners = [
                (left + width / 2, top + height),
                (left + width / 2, turn),
                (width / 2, turn),
                (width / 2, below - 8),
            ]
            for (x, y), (x2, y2) in itertools.pairwise(corners):
                arrows.append({"x": x, "y": y, "x2": x2, "y2": y2})
            heads.append({"x": width / 2, "y": below - 6, "angle": 180})

    bottom = 18 + sum(heights) + (len(lines) - 1) * LINE_GAP
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, total], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[bottom + 2, 0], nice=False))
    drawn = alt.Chart(theme.data(texts)).encode(x=x, y=y, text="words:N")
    looks = {
        "name": {"fontWeight": "bold", "fontSize": font + 2},
        "actor": {"fontStyle": "italic", "color": "#404040"},
        "set": {"color": theme.INK},
        "measured": {"color": theme.INK, "fontWeight": "bold"},
    }
    layers = [
        alt.Chart(theme.data(arrows)).mark_rule(strokeWidth=2, color=theme.GREY).encode(x=x, y=y, x2="x2:Q", y2="y2:Q"),
        alt.Chart(theme.data(heads))
        .mark_point(shape="triangle-up", filled=True, size=90, color=theme.GREY, opacity=1)
        .encode(x=x, y=y, angle=alt.Angle("angle:Q", scale=None)),
        alt.Chart(theme.data(boxes))
        .mark_rect(stroke=theme.GREY, strokeWidth=1.2, cornerRadius=5)
        .encode(x=x, y=y, x2="x2:Q", y2="y2:Q", fill=theme.keyed("actor", SHADES, "fill")),
        *(
            theme.only(drawn, "role", role).mark_text(align="left", baseline="middle", limit=width - 16, **look)
            for role, look in looks.items()
        ),
    ]
    chart = alt.layer(*layers).properties(width=total, height=bottom, view=alt.ViewConfig(stroke=None))
    subtitle = [
        f"{theme.background_words(curve)} In the boxes, plain numbers are set by configuration, bold ones are measured."
    ]
    description = f"{TITLE} " + " ".join(
        f"{place + 1}. {step} ({actor}): {'; '.join(text for _, text in words[step])}."
        for place, (step, actor) in enumerate(STEPS)
    )
    return theme.finish(chart, TITLE, subtitle, description, style, total)


def _words(tables: Mapping[str, pd.DataFrame], size: int | None) -> dict[str, list[tuple[str, str]]]:
    """step -> lines of (set or measured, text); a line whose numbers the run does not have is left out."""
    curve, baseline, defenses = tables["tipping_curve"], tables["baseline_bias"], tables["defenses"]
    number, share = theme.background(curve)
    free = curve[curve["defense"] == "none"]
    swept = sorted(int(value) for value in free.loc[free["pool_size"] > 0, "pool_size"].unique())
    whole = baseline[baseline["domain"] == "all"]
    words: dict[str, list[tuple[str, str]]] = {step: [] for step, _ in STEPS}
    if number is not None:
        words["population"].append(("set", f"background of {number:,} sentences"))
    if share is not None:
        words["population"].append(("set", f"{theme.percent(share)} of them with a male pronoun"))
    if len(curve):
        words["collective"] += [
            ("set", f"style: {', '.join(map(theme.label, theme.ordered(curve['style'], theme.STYLES)))}"),
            ("set", theme.campaign(curve).replace(" ", ": ", 1)),
        ]
    if swept:
        several = f"{swept[0]:,} to {swept[-1]:,}" if len(swept) > 1 else f"{swept[0]:,}"
        top = free.loc[free["pool_size"] > 0, "alpha"].max()
        words["contributions"] += [
            ("set", f"pools of {several} sentences"),
            ("set", f"up to {theme.percent(top)} of all data"),
        ]
    filters = defenses[defenses["defense"] != "none"]
    if len(filters):
        recall, kept = filters["recall"], filters["honest_retention"]
        words["defense"] += [
            ("set", f"{filters['defense'].nunique()} filters, blind to who wrote what"),
            ("measured", f"pool kept: {_span(1 - recall.max(), 1 - recall.min())}"),
            ("measured", f"background kept: {_span(kept.min(), kept.max())}"),
        ]
    if len(curve):
        words["uptake"].append(("set", _seeds(curve)))
        for uptake, what in UPTAKES.items():
            # What is there without a pool is there once per seed, though every condition repeats its row.
            own = curve[curve["uptake"] == uptake].drop_duplicates(["style", "strategy", "defense", "pool_size"])
            number = int(own.loc[own["pool_size"] > 0, "n_seeds"].sum())
            number += int(own.loc[own["pool_size"] == 0, "n_seeds"].max()) if len(own) else 0
            if number:
                words["uptake"].append(("set", f"{theme.label(uptake)}: {number:,} {what}"))
    for name in theme.ordered(whole["probe_set"], theme.PROBE_SETS):
        rows = whole[whole["probe_set"] == name]
        words["audit"].append(("set", f"{name.replace('_', '-')}: {int(rows['n_prompts'].max()):,} probes"))
    if len(curve):
        words["audit"].append(
            ("measured", f"naming a gender: {_span(curve['coverage'].min(), curve['coverage'].max())}")
        )
    wordings = tables["wordings"]
    for name in theme.ordered(wordings["probe_set"], theme.PROBE_SETS):
        distinct = wordings.loc[wordings["probe_set"] == name, "wording"].nunique()
        words["statistics"].append(("set", f"{name.replace('_', '-')}: {distinct} wordings (clusters)"))
    words["statistics"].append(("set", "95% intervals: bootstrap, Wilson"))
    words["figures"] += _results(free, size)
    return words


def _results(free: pd.DataFrame, size: int | None) -> list[tuple[str, str]]:
    """Per uptake, style and probe set: the male share as deployed and at the main size, of the first strategy."""
    if size is None:
        return [("set", "no pool in this run")]
    lines = [("set", f"male share, 0 to {size:,} sentences:")]
    uptakes, strategies = theme.ordered(free["uptake"], theme.UPTAKES), theme.ordered(free["strategy"])
    for uptake in uptakes:
        own = free[(free["uptake"] == uptake) & (free["strategy"] == strategies[0])]
        if len(uptakes) > 1:
            lines.append(("set", f"by {theme.label(uptake)}" if uptake == "fine_tune" else theme.label(uptake)))
        for style in theme.ordered(own["style"], theme.STYLES):
            for name in theme.ordered(own["probe_set"], theme.PROBE_SETS):
                chosen = own[(own["style"] == style) & (own["probe_set"] == name)]
                ends = [chosen.loc[chosen["pool_size"] == end, "male_share"] for end in (0, size)]
                if all(len(end) for end in ends):
                    start, stop = (theme.percent(float(end.iloc[0])) for end in ends)
                    text = f"{theme.label(style)}, {name.replace('_', '-')}: {start} \u2192 {stop}"
                    lines.append(("measured", text))
    return lines


def _span(low: float, high: float) -> str:
    ends = [theme.percent(float(low)), theme.percent(float(high))]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _seeds(curve: pd.DataFrame) -> str:
    seeds = int(curve["n_seeds"].max())
    return f"{seeds} seed{'s' if seeds != 1 else ''}"
