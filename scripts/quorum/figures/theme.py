"""What all figures share: one look, the words for conditions, and the few steps from a table to the rows of a chart.

Every distinction is carried by shape, dash or position as well as by colour, and the colours (Okabe and Ito 2008)
differ in lightness, so that a figure can be read by colour-blind people and in grey print. Hollow marks are always the
paper's numbers.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from quorum.intervals import has_width

if TYPE_CHECKING:
    import altair as alt

BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#AA4499"
INK, GREY, PALE = "#1A1A1A", "#6B6B6B", "#D9D9D9"
# What a line without marks looks like in a legend: a stroke long enough to show its dashes.
LINE = "M-2.1,0L2.1,0"
DASH_DOT_LINE, DOTTED_LINE = (
    "M-2.1,0L-1,0M-0.2,0L0.2,0M1,0L2.1,0",
    "M-2.1,0L-1.7,0M-0.8,0L-0.4,0M0.5,0L0.9,0M1.8,0L2.2,0",
)
# The first family ships with the renderer, so that the PNG is the same on every machine.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

STYLES, PROBE_SETS = ("template", "varied", "mimic", "paraphrase"), ("matched", "held_out")
UPTAKES = ("fine_tune", "in_context")
DEFENSES = ("none", "keyword", "repetition", "tfidf", "minhash", "composite")
STRENGTHS = ("weak", "moderate", "strong")
FILTER_LOOKS = {
    "keyword": (BLUE, [1, 0]),
    "repetition": (ORANGE, [7, 3]),
    "tfidf": (GREEN, [2, 2]),
    "minhash": (RED, [8, 3, 2, 3]),
    "composite": (INK, [12, 4]),
}
# From stopped (nearly white) to through: one hue, so that it is read in grey print as well.
THROUGH = ("#F2F6FA", "#08519C")
METRICS = ("entropy", "perplexity", "coherence", "accuracy", "honest_share")
_WORDS = {
    "matched": "Matched probes: is it recalled?",
    "held_out": "Held-out probes: does it generalise?",
    "fine_tune": "fine-tuning",
    "tfidf": "TF-IDF",
    "minhash": "MinHash",
    "icu": "ICU",
    "ecg": "ECG",
    "honest_share": "honest text kept",
    "pubmedqa": "PubMedQA abstracts",
    "medqa": "MedQA vignettes",
    "aci_bench": "ACI-Bench notes",
    "rb_prob": "RB-prob",
    "rb_label": "RB-label",
    "rb_dist": "RB-dist",
}


def label(value: object) -> str:
    """A table's value in a reader's words: underscores become spaces, abbreviations get their capitals."""
    text = str(value)
    if text in _WORDS:
        return _WORDS[text]
    words = text.replace("_", " ").split(" ")
    return " ".join(_WORDS.get(word.lower(), word) for word in words)


def ordered(values: Iterable[object], known: Sequence[str] = ()) -> list[str]:
    """The distinct values: known ones in their own order, then the others sorted."""
    found = {str(value) for value in values}
    return [value for value in known if value in found] + sorted(found - set(known))


def percent(share: float | None, digits: int = 0) -> str:
    """A share (0..1) as text; "n/a" where it is missing."""
    return "n/a" if missing(share) else f"{100 * share:.{digits}f}%"


def missing(value: object) -> bool:
    """Whether a single cell is empty (None, NaN, or pandas' own)."""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def rows(frame: pd.DataFrame | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows as plain Python values that JSON knows: empty cells (and infinities) become None."""
    records = frame.to_dict("records") if isinstance(frame, pd.DataFrame) else frame
    return [{str(key): _plain(value) for key, value in record.items()} for record in records]


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if missing(value) or (isinstance(value, float) and math.isinf(value)) else value


def resampled(low: float | None, high: float | None) -> dict[str, float | None]:
    """The ends of a bootstrap interval as `low` and `high`; none where all answers agree, so that it has no width."""
    return {"low": low, "high": high} if has_width(low, high) else {"low": None, "high": None}


def conditions(frame: pd.DataFrame) -> pd.Series:
    """One heading per row, "Template style", with strategy and uptake wherever the table holds more than one."""
    heading = frame["style"].map(lambda style: f"{label(style).capitalize()} style")
    if frame["strategy"].nunique() > 1:
        heading = heading + ", strategy " + frame["strategy"].map(label)
    if frame["uptake"].nunique() > 1:
        heading = heading + ", " + frame["uptake"].map(label)
    return heading


def condition_order(frame: pd.DataFrame, headings: pd.Series) -> list[str]:
    """The headings by style (template first), then by strategy and uptake."""
    styles = ordered(frame["style"], STYLES)
    keys = frame.assign(_heading=headings, _style=frame["style"].map(styles.index))
    return list(dict.fromkeys(keys.sort_values(["_style", "strategy", "uptake"])["_heading"]))


def passing(field: str) -> Any:
    """The colour of a share (0..1) that gets through, from pale to dark blue; cells say it in numbers too."""
    import altair as alt

    return alt.Color(f"{field}:Q", scale=alt.Scale(domain=[0, 1], range=list(THROUGH)), legend=None)


def passing_ink(field: str) -> Any:
    """The colour of text on a cell in `passing` of the same field."""
    import altair as alt

    return alt.condition(f"datum['{field}'] > 0.45", alt.value("white"), alt.value(INK))


def campaign(frame: pd.DataFrame) -> str:
    """The strategies in a table, in words."""
    names = ordered(frame["strategy"])
    return f"{'strategies' if len(names) > 1 else 'strategy'} {', '.join(label(name) for name in names)}"


def main_size(frame: pd.DataFrame, wanted: int | None) -> int | None:
    """The pool size that a before/after figure shows: `wanted`, or the largest one above 0 that all styles and uptakes
    have.

    None if the frame holds no pool at all. Raises ValueError if `wanted` is not among the sizes of the frame.
    """
    swept = frame[frame["pool_size"] > 0]
    if swept.empty:
        return None
    if wanted is not None:
        if wanted not in set(swept["pool_size"]):
            sizes = sorted(int(size) for size in swept["pool_size"].unique())
            raise ValueError(f"style key main_size: {wanted} is not a pool size of this run; it has {sizes}")
        return int(wanted)
    common = set.intersection(*(set(group["pool_size"]) for _, group in swept.groupby(["style", "uptake"])))
    return int(max(common or set(swept["pool_size"])))


def background(curve: pd.DataFrame) -> tuple[int | None, float | None]:
    """Size and male share of the background, both set by configuration, as a tipping_curve table implies them.

    The size follows from alpha = n / (B + n), the share is the data's at n = 0. None where the table does not say.
    """
    swept = curve[(curve["pool_size"] > 0) & (curve["alpha"] > 0) & (curve["alpha"] < 1)]
    sizes = swept["pool_size"] * (1 - swept["alpha"]) / swept["alpha"]
    shares = curve.loc[(curve["pool_size"] == 0) & (curve["defense"] == "none"), "data_male_share"]
    return (
        None if sizes.empty else round(float(sizes.median())),
        None if shares.empty else float(shares.mean()),
    )


def background_words(curve: pd.DataFrame) -> str:
    """The sentence that every figure owes its reader: what was set, and what was measured."""
    size, share = background(curve)
    sentences = f" of {size:,} sentences" if size else ""
    level = (
        "The background's male share is set"
        if share is None
        else f"The background{sentences} is set to {percent(share)} male"
    )
    return f"{level}; the model's share is measured."


def paper_numbers(reference: pd.DataFrame, quantity: str) -> list[dict[str, Any]]:
    """The paper's numbers for one quantity, each with its conditions: {"pool_size": "1000", "value": 0.48}.

    `reference` has the columns quantity, condition ("pool_size=1000, defense=none") and paper_value.
    Raises ValueError that names the condition if it does not have that form.
    """
    chosen = reference[reference["quantity"] == quantity]
    numbers: list[dict[str, Any]] = []
    for condition, value in zip(chosen["condition"], chosen["paper_value"], strict=True):
        parts = [] if missing(condition) or not condition else str(condition).split(", ")
        if not all("=" in part for part in parts):
            raise ValueError(
                f"paper_reference: condition {condition!r} of {quantity} is not of the form key=value, key=value"
            )
        if not missing(value):
            numbers.append({**dict(part.split("=", 1) for part in parts), "value": float(value)})
    return numbers


def paper_words(*numbers: Mapping[str, Any]) -> str:
    """What the hollow marks are; "" if there is none."""
    sizes = sorted({int(number["pool_size"]) for number in numbers if number.get("pool_size", "0") != "0"})
    pools = f", pool of {' or '.join(f'{size:,}' for size in sizes)}" if sizes else ""
    return f"Hollow: the paper's numbers (another model{pools})." if numbers else ""


def same(left: object, right: object) -> bool:
    """Whether two names mean the same thing: case, underscores, hyphens and spaces do not count."""
    return re.sub(r"[\s_-]+", "", str(left)).casefold() == re.sub(r"[\s_-]+", "", str(right)).casefold()


def data(values: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as the inline data of a chart."""
    import altair as alt

    # A tuple, which Altair hands on whole: it copies lists, row by row, whenever a chart becomes part of another.
    return alt.InlineData(values=tuple(rows(values)))


def keyed(field: str, entries: Mapping[str, Any], channel: str, legend: Any = None) -> Any:
    """A channel (color, fill, shape, stroke_dash, ...) of a nominal field from value -> colour, shape or dash.

    Channels that share field, order and legend merge into one legend.
    """
    import altair as alt

    kind = {
        "color": alt.Color,
        "fill": alt.Fill,
        "shape": alt.Shape,
        "strokeDash": alt.StrokeDash,
    }[channel]
    scale = alt.Scale(domain=list(entries), range=list(entries.values()))
    return kind(f"{field}:N", scale=scale, sort=list(entries), legend=legend)


def ruled(values: Sequence[Mapping[str, Any]], panel: Sequence[str], field: str, value: float) -> list[dict[str, Any]]:
    """The rows, with `field` = `value` in the first row of every panel: one rule per panel, not one per row."""
    seen: set[tuple[Any, ...]] = set()
    result = []
    for row in values:
        key = tuple(row[name] for name in panel)
        result.append(dict(row) if key in seen else {**row, field: value})
        seen.add(key)
    return result


def legend(columns: int = 3, **options: Any) -> alt.Legend:
    """The legend below the chart, never cut short."""
    import altair as alt

    placed = {"title": None, "orient": "bottom", "direction": "horizontal", "columns": columns, "columnPadding": 24}
    return alt.Legend(**{**placed, "labelLimit": 0, "labelOffset": 8, "symbolSize": 110, "symbolOpacity": 1, **options})


def only(chart: alt.Chart, field: str, *values: object) -> alt.Chart:
    """The chart with only the rows whose field is one of the values; no value is ever run as an expression."""
    import altair as alt

    return chart.transform_filter(alt.FieldOneOfPredicate(field=field, oneOf=list(values)))


def nothing(title: str, words: str, style: Mapping[str, Any]) -> alt.Chart:
    """A chart that says in words why there is nothing to draw."""
    import altair as alt

    chart = (
        alt.Chart(data([{"words": words}]), width=480, height=80)
        .mark_text(align="left", fontSize=style["font_size"] + 1, color=INK)
        .encode(x=alt.value(4), y=alt.value(40), text="words:N")
    )
    return finish(chart, title, ["Nothing to draw."], words, style, 480)


def finish(
    chart: Any, title: str, subtitle: Sequence[str], description: str, style: Mapping[str, Any], width: float
) -> Any:
    """The chart with its title, its subtitle wrapped to about `width` pixels, its alternative text and the theme."""
    import altair as alt

    size = style["font_size"]
    per_line = int(max(width, 560) / (0.49 * size))
    lines = [line for text in subtitle for line in textwrap.wrap(text, per_line)]
    return chart.properties(
        title=alt.TitleParams(text=textwrap.wrap(title, int(per_line * size / (1.12 * (size + 5)))), subtitle=lines),
        description=description,
        background="white",
        padding=14,
    ).configure(
        font=FONT,
        view=alt.ViewConfig(stroke=PALE),
        axis=alt.AxisConfig(
            labelFontSize=size,
            titleFontSize=size,
            titleFontWeight="normal",
            titleColor=INK,
            labelColor=INK,
            gridColor="#EBEBEB",
            domainColor=GREY,
            tickColor=GREY,
            labelLimit=320,
        ),
        header=alt.HeaderConfig(
            labelFontSize=size + 1, labelFontWeight="bold", labelColor=INK, labelLimit=0, title=None, labelPadding=8
        ),
        legend=alt.LegendConfig(labelFontSize=size, titleFontSize=size, labelColor=INK, titleColor=INK),
        title=alt.TitleConfig(
            anchor="start",
            frame="bounds",
            fontSize=size + 5,
            subtitleFontSize=size,
            color=INK,
            subtitleColor="#404040",
            offset=14,
            subtitlePadding=6,
            subtitleLineHeight=size + 5,
        ),
        text=alt.MarkConfig(fontSize=size, color=INK),
    )


def heading(text: str | Sequence[str], style: Mapping[str, Any], whole: bool = False) -> alt.TitleParams:
    """The heading of a panel, or of a whole line of panels."""
    import altair as alt

    place = {"anchor": "start" if whole else "middle", "frame": "bounds" if whole else "group"}
    text = text if isinstance(text, str) else list(text)
    return alt.TitleParams(text=text, fontSize=style["font_size"] + (2 if whole else 1), offset=8, **place)
