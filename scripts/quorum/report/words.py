"""Numbers in words: what all sentences of the report share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quorum.figures.theme import label, missing
from quorum.intervals import has_width


def count(number: float) -> str:
    """A whole number with thousands set apart."""
    return f"{number:,.0f}"


def counted(number: float, noun: str, plural: str = "") -> str:
    """A number of things: "1 sentence", "1,700 sentences"."""
    return f"{count(number)} {noun if round(number) == 1 else plural or noun + 's'}"


def share(value: float | None, digits: int = 0) -> str:
    """A share (0..1) in per cent; one that is neither nothing nor all is not rounded to 0% or 100%."""
    if missing(value):
        return "not measured"
    text = f"{100 * value:.{digits}f}%"
    if text == f"{0:.{digits}f}%" and value > 0:
        return f"under {10**-digits:g}%"
    if text == f"{100:.{digits}f}%" and value < 1:
        return f"over {100 - 10**-digits:g}%"
    return text


def between(low: float | None, high: float | None, form: Callable[[float], str] = count) -> str:
    """An interval in words: "303 to 387", with one end "at least 303" or "at most 387"; empty without any end."""
    ends = [None if missing(end) else form(end) for end in (low, high)]
    if None not in ends:
        return f"{ends[0]} to {ends[1]}"
    if ends[0] is not None:
        return f"at least {ends[0]}"
    return "" if ends[1] is None else f"at most {ends[1]}"


def interval(
    low: float | None,
    high: float | None,
    form: Callable[[float], str] = count,
    wilson: tuple[float | None, float | None] = (None, None),
) -> str:
    """An interval in words. Where all answers agree, however few, a bootstrap's has no width: then it is Wilson's, by
    its name, or "no interval"."""
    if has_width(low, high):
        return between(low, high, form)
    instead = between(*wilson, form)
    return f"{instead} by Wilson" if instead else "no interval"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Items as a list in a sentence: "a", "a and b", "a, b and c"."""
    items = list(items)
    return f" {last} ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def seconds(value: float) -> str:
    """A duration in its largest fitting units: "41 s", "12 min", "3 h 20 min"."""
    if value < 60:
        return f"{value:.0f} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def campaign(style: str, strategy: str = "", uptake: str = "") -> str:
    """A campaign in a reader's words: "varied wording", with its strategy and uptake where they are given."""
    wording = {
        "template": "one template",
        "varied": "varied wording",
        "mimic": "the firm's own wording",
        "paraphrase": "the model's own wording",
        "submitted": "the submitted sentences",
    }.get(style, label(style))
    parts = [wording, f"strategy {label(strategy)}" if strategy else "", label(uptake) if uptake else ""]
    return ", ".join(filter(None, parts))
