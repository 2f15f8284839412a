"""How long must the firm train? Male share of the model as deployed against the length of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme

TITLE = "How long must the firm train before the model says what the data say?"


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Exact male share after training on the background alone, against the length of training.

    Tables: learning_curve; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["learning_curve"]
    if table.empty:
        return theme.nothing(TITLE, "The table learning_curve has no row.", style)
    table = table.assign(
        low=(table["exact_male_share"] - table["exact_sd"]).clip(0, 1),
        high=(table["exact_male_share"] + table["exact_sd"]).clip(0, 1),
        probes=table["probe_set"].map(theme.label),
    )
    share = float(table["background_male_share"].iloc[0])
    looks = {
        theme.label(name): look
        for name, look in zip(
            theme.ordered(table["probe_set"], theme.PROBE_SETS),
            [(theme.BLUE, "circle", [1, 0]), (theme.ORANGE, "triangle-up", [6, 3])],
            strict=False,
        )
    }
    legend = theme.legend(symbolStrokeWidth=0)
    colour, shape, dash = (
        theme.keyed("probes", {kind: look[place] for kind, look in looks.items()}, channel, shown)
        for place, (channel, shown) in enumerate((("color", legend), ("shape", legend), ("strokeDash", None)))
    )
    x = alt.X("epochs:Q", title="passes over the background", scale=alt.Scale(zero=True))
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y("exact_male_share:Q", title="exact male share", scale=scale, axis=alt.Axis(format=".0%"))
    base = alt.Chart(theme.data(theme.rows(table)))
    chart = alt.layer(
        base.mark_rule(color=theme.GREY, strokeDash=[4, 4]).encode(
            y=alt.Y("background_male_share:Q", scale=alt.Scale(domain=[0, 1]))
        ),
        base.mark_rule(strokeWidth=5, opacity=0.45).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
        base.mark_line(strokeWidth=1.6).encode(x=x, y=y, color=colour, strokeDash=dash),
        base.mark_point(size=60, filled=True, opacity=1).encode(x=x, y=y, color=colour, shape=shape),
    ).properties(width=style["width"], height=style["height"])
    subtitle = [
        f"Dashed: the background's male share, set to {theme.percent(share)}. Points: measured, mean of "
        f"{int(table['n_seeds'].max())} seeds,",
        "each run trained to the end of its own schedule. Pale bars: SD over seeds.",
    ]
    description = f"{TITLE} " + "; ".join(
        f"{row['epochs']} epochs, {row['probes']} {theme.percent(row['exact_male_share'])}" for row in theme.rows(table)
    )
    return theme.finish(chart, TITLE, subtitle, description, style, style["width"] + 90)
