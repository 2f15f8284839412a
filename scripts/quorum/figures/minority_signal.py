"""How small a collective can plant a signal? Success against its share, with the bound of Hardt et al. under it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import people, theme

TITLE = "How small a collective can plant a signal of its own, and what does theory promise?"
BOUND = "lower bound of Hardt et al. 2023"
_LOOKS = {
    "bayes": (theme.BLUE, "circle", [1, 0]),
    "boosted_trees": (theme.ORANGE, "triangle-up", [7, 3]),
    "logistic_regression": (theme.GREEN, "diamond", [2, 2]),
}
_SPARE = (theme.PURPLE, "cross", [12, 4])


def draw(tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any]) -> Any:
    """Success of a planted signal against the collective's share, with the lower bound of Hardt et al. 2023.

    Tables: minority_signal; style: width and height of a panel, font_size.
    """
    import altair as alt

    table = tables["minority_signal"]
    if table.empty:
        return theme.nothing(TITLE, "The table minority_signal has no row.", style)
    learners = theme.ordered(table["learner"], people.LEARNERS)
    measured = {_learner(name): _LOOKS.get(name, _SPARE) for name in learners}
    values = _rows(table, learners)
    entries = dict(measured)
    if any(row["kind"] == BOUND for row in values):
        entries[BOUND] = (theme.RED, theme.DASH_DOT_LINE, [8, 3, 2, 3])
    legend = theme.legend(symbolStrokeWidth=1.8)
    colour, dash, shape = people.look(entries, legend, "color", "strokeDash", "shape")
    last = float(table["alpha"].max()) or 1.0
    x = alt.X(
        "alpha:Q",
        title="share of all training rows (\u03b1)",
        scale=alt.Scale(domain=[0, 1.04 * last], nice=False),
        axis=people.share_axis(grid=False, tickCount=4),
    )
    tooltip = [
        alt.Tooltip("kind:N", title="line"),
        alt.Tooltip("alpha:Q", title="share of all rows", format=".2~%"),
        alt.Tooltip("success:Q", format=".1%"),
        alt.Tooltip("low:Q", title="one SD below", format=".1%"),
        alt.Tooltip("high:Q", title="one SD above", format=".1%"),
        alt.Tooltip("xi:Q", title="\u03be", format=".2~%"),
        alt.Tooltip("delta:Q", title="\u0394", format=".3f"),
    ]

    def panel(dataset: str, signal: str, first: bool) -> Any:
        chart = alt.Chart(theme.data([row for row in values if (row["dataset"], row["signal"]) == (dataset, signal)]))
        lines = theme.only(chart, "kind", *measured)
        y = alt.Y(
            "success:Q",
            title="success of the signal" if first else None,
            scale=alt.Scale(domain=[0, 1.03], nice=False),
            axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], labels=first),
        )
        own = table[(table["dataset"] == dataset) & (table["signal"] == signal)]
        words = textwrap.wrap(f"{people.dataset(dataset)}: {signal}", int(style["width"] / (0.6 * style["font_size"])))
        words.append(f"\u03be = {100 * own['xi'].mean():.2g}%, \u0394 = {own['delta'].mean():.2f}")
        return alt.layer(
            theme.only(chart, "kind", BOUND).mark_line(strokeWidth=2).encode(colour, dash, x=x, y=y),
            lines.mark_rule(strokeWidth=1.3).encode(colour, x=x, y=alt.Y("low:Q"), y2="high:Q"),
            lines.mark_line(strokeWidth=1.7).encode(colour, dash, x=x, y=y),
            lines.mark_point(size=45, filled=True, opacity=1).encode(colour, shape, x=x, y=y, tooltip=tooltip),
        ).properties(width=style["width"], height=style["height"], title=theme.heading(words, style))

    order = {name: at for at, name in enumerate(people.in_order(table["dataset"]))}
    signals = table.groupby(["dataset", "signal"], sort=False)["xi"].mean().reset_index()
    signals = signals.assign(_place=signals["dataset"].map(order)).sort_values(["_place", "xi", "signal"])
    pairs = list(zip(signals["dataset"], signals["signal"], strict=True))
    lines = people.in_lines(pairs)
    chart = alt.vconcat(
        *(alt.hconcat(*(panel(*pair, pair == line[0]) for pair in line), spacing=18) for line in lines), spacing=24
    )
    subtitle = [
        "Success: held-out rows that get the collective's label once the signal is put into them. "
        f"{people.learner_words(table).capitalize()}; {people.runs_words(table)}. {people.sd_words(table, 'Bars')}",
        "The bound, 1 \u2212 ((1 \u2212 \u03b1) / \u03b1) \u0394 \u03be, assumes that every member plants both signal "
        "and label (so here), that members are people like the others (up to sampling), and a learner that is "
        "Bayes-optimal for the mixture, \u03b5 = 0: bayes is, on the training rows; for boosted trees it is not known. "
        "\u03be and \u0394 are counted in the rows of the others. A bound below 0% says nothing and is left out.",
    ]
    largest = table[table["alpha"] == table.groupby(["dataset", "signal"])["alpha"].transform("max")]
    description = f"{TITLE} Success at the largest share: " + "; ".join(
        f"{people.dataset(row['dataset'])}, {row['signal']}, {theme.label(row['learner'])} at "
        f"{100 * row['alpha']:.2g}%: {theme.percent(row['success_mean'])}, bound {theme.percent(row['bound'])}"
        for row in theme.rows(largest)
    )
    return theme.finish(chart, TITLE, subtitle, description, style, max(map(len, lines)) * (style["width"] + 40) + 50)


def _learner(name: str) -> str:
    return f"{theme.label(name)} (measured)"


def _rows(table: pd.DataFrame, learners: list[str]) -> list[dict[str, Any]]:
    """One row per learner, signal and alpha; the bound knows nothing of the learner and is drawn once."""
    values = []
    once: set[tuple[str, str, float]] = set()
    table = table.assign(_learner=table["learner"].map(learners.index))
    for row in theme.rows(table.sort_values(["alpha", "_learner"])):
        place = {key: row[key] for key in ("dataset", "signal", "alpha", "xi", "delta")}
        bar = people.spread(row["success_mean"], row["success_sd"])
        values.append({**place, "kind": _learner(row["learner"]), "success": row["success_mean"], **bar})
        key = (row["dataset"], row["signal"], row["alpha"])
        if key not in once and row["bound"] >= 0:
            values.append({**place, "kind": BOUND, "success": row["bound"]})
        once.add(key)
    return values
