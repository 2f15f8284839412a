"""How deep must the model learn? Trained layers K against male share and against speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "How many layers must learn, and what does depth cost?"


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Exact male share and training speed against the number of trained last layers, with SDs over seeds and wordings.

    Tables: depth_study; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["depth_study"]
    if table.empty:
        return theme.nothing(TITLE, "The table depth_study has no row.", style)
    table = table.assign(kind=[_heading(*pair) for pair in zip(table["style"], table["pool_size"], strict=True)])
    order = list(dict.fromkeys(_sorted(table)["kind"]))
    looks = {kind: _LOOKS[place % len(_LOOKS)] for place, kind in enumerate(order)}
    legend = theme.legend(symbolStrokeWidth=0)
    colour, shape, dash = (
        theme.keyed("kind", {kind: look[place] for kind, look in looks.items()}, channel, shown)
        for place, (channel, shown) in enumerate((("color", legend), ("shape", legend), ("strokeDash", None)))
    )
    layers = sorted(int(layer) for layer in table["layers"].unique())
    x = alt.X("layers:O", sort=layers, title="trained last layers K", axis=alt.Axis(labelAngle=0, grid=False))
    # The conditions of one K stand side by side, so that their intervals do not cover each other.
    dodge = alt.XOffset("kind:N", sort=order, scale=alt.Scale(domain=order, paddingOuter=0.6))
    look = {"x": x, "xOffset": dodge, "color": colour}
    share = alt.Y(
        "exact_male_share:Q",
        title="exact male share",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]),
    )
    tooltip = [
        alt.Tooltip("kind:N", title="pool"),
        alt.Tooltip("layers:O", title="K"),
        alt.Tooltip("exact_male_share:Q", format=".1%"),
        alt.Tooltip("exact_sd:Q", title="SD over seeds", format=".3f"),
        alt.Tooltip("wording_sd:Q", title="SD over wordings", format=".3f"),
        alt.Tooltip("n_seeds:Q", title="seeds"),
        alt.Tooltip("sentences_per_second:Q", title="sentences/s", format=".1f"),
    ]
    panels = []
    for name in theme.ordered(table["probe_set"], theme.PROBE_SETS):
        base = alt.Chart(theme.data(_rows(table[table["probe_set"] == name])))
        rule = base.mark_rule(color=theme.GREY, strokeWidth=1.2).encode(
            y=alt.Y("parity:Q", scale=alt.Scale(domain=[0, 1]))
        )
        panels.append(
            alt.layer(
                rule,
                base.mark_rule(strokeWidth=1.2).encode(**look, y=alt.Y("wording_low:Q"), y2="wording_high:Q"),
                base.mark_rule(strokeWidth=5, opacity=0.45).encode(**look, y=alt.Y("seed_low:Q"), y2="seed_high:Q"),
                base.mark_line(strokeWidth=1.6).encode(**look, y=share, strokeDash=dash),
                base.mark_point(size=60, filled=True, opacity=1).encode(**look, y=share, shape=shape, tooltip=tooltip),
            ).properties(width=style["width"], height=style["height"], title=_panel(alt, theme.label(name), style))
        )
    speed = table.dropna(subset=["sentences_per_second"]).drop_duplicates(["layers", "kind"])
    if len(speed):
        y = alt.Y("sentences_per_second:Q", title="sentences per second", scale=alt.Scale(zero=True))
        base = alt.Chart(theme.data(_rows(speed))).encode(**look, y=y)
        panels.append(
            alt.layer(
                base.mark_line(strokeWidth=1.6).encode(strokeDash=dash),
                base.mark_point(size=60, filled=True, opacity=1).encode(shape=shape, tooltip=tooltip),
            ).properties(
                width=style["width"], height=style["height"], title=_panel(alt, "Speed of one retraining", style)
            )
        )
    chart = alt.hconcat(*panels, spacing=24)
    seeds = int(table["n_seeds"].max())
    subtitle = [
        "The data's own share is set by configuration; the model's exact male share (probability of male words / male "
        f"and female words at the pronoun) is measured, mean of {seeds} seed{'s' if seeds != 1 else ''}.",
        "Thick pale bars: SD over seeds. Thin bars: SD over wordings. Horizontal rule: 50%. Speed: sentences of the "
        "stream x epochs per second of training, on the machine of this run.",
    ]
    description = f"{TITLE} " + "; ".join(
        f"K={row['layers']}, {row['kind']}, {theme.label(row['probe_set'])} {theme.percent(row['exact_male_share'])}"
        for row in theme.rows(_sorted(table))
    )
    return theme.finish(chart, TITLE, subtitle, description, style, len(panels) * (style["width"] + 70))


_LOOKS = (
    (theme.INK, "square", [2, 2]),
    (theme.BLUE, "circle", [1, 0]),
    (theme.ORANGE, "triangle-up", [6, 3]),
    (theme.GREEN, "diamond", [8, 3, 2, 3]),
    (theme.RED, "cross", [1, 3]),
)


def _heading(name: str, size: int) -> str:
    return "as deployed (no pool)" if size == 0 else f"{size:,} sentences, {theme.label(name)} style"


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    styles = theme.ordered(table["style"], theme.STYLES)
    return table.assign(_style=table["style"].map(styles.index)).sort_values(["pool_size", "_style", "layers"])


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows with the ends of both bars, kept within 0..1; no bar where there is no SD."""
    values = []
    for row in theme.rows(table):
        share = row["exact_male_share"]
        for name, column in (("seed", "exact_sd"), ("wording", "wording_sd")):
            spread = row[column]
            row[f"{name}_low"] = None if spread is None else max(0.0, share - spread)
            row[f"{name}_high"] = None if spread is None else min(1.0, share + spread)
        values.append(row)
    return theme.ruled(values, ["probe_set"], "parity", 0.5)


def _panel(alt: Any, text: str, style: Mapping[str, Any]) -> Any:
    return alt.TitleParams(text=text, fontSize=style["font_size"] + 1, anchor="middle", offset=8)
