"""A grammar of skeletons: few parts, written by hand, that make thousands of distinct skeletons.

A grammar is a table with the columns symbol, scenario and text. A text may hold, besides the slots of a skeleton, other
symbols such as <act>; each stands for any of the texts of that symbol and scenario. The texts of symbol `sentence` are
whole sentences. A text without a scenario belongs to all of them, and the parts of a sentence are of one scenario.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from quorum.population import ResourceError

START = "sentence"
_SYMBOL = re.compile(r"<(\w+)>")
_BEGINNING = re.compile(r"(\W*?)(\[[^\[\]]*\|[^\[\]]*\]|\w)")

Rules = dict[str, list[str]]


def expand(style: pd.DataFrame) -> pd.DataFrame:
    """The skeletons of a style, columns skeleton and text: all sentences of a grammar, or the table as it is.

    A table with a column symbol is a grammar; its skeletons are named after their scenario. The first letter of a
    skeleton, or of each option of a choice that it begins with, is made a capital.

    Raises ResourceError for a missing column or cell, a symbol without a text in one of the scenarios, one that leads
    back to itself or that no sentence uses, and a skeleton that can be made in two ways.
    """
    if "symbol" not in style.columns:
        return style
    missing = [column for column in ("scenario", "text") if column not in style.columns]
    if missing:
        raise ResourceError(f"grammar: missing columns {missing}; found {[str(c) for c in style.columns]}")
    empty = style["symbol"].isna() | style["text"].isna()
    if empty.any():
        raise ResourceError(f"grammar, row {int(empty.to_numpy().argmax()) + 1}: symbol or text is empty")
    rows, used = [], {START}
    for scenario in list(style["scenario"].dropna().unique()) or ["any"]:
        own = style[style["scenario"].isna() | (style["scenario"] == scenario)]
        rules: Rules = {str(symbol): group.tolist() for symbol, group in own.groupby("symbol", sort=False)["text"]}
        sentences = list(_derived(f"<{START}>", rules, (), used, f"scenario {scenario!r}"))
        rows += [(f"{scenario}_{number:04d}", _capitalised(text)) for number, text in enumerate(sentences, start=1)]
    unused = sorted(set(style["symbol"]) - used)
    if unused:
        raise ResourceError(f"grammar: no sentence uses the symbols {unused}; use them, or remove their rows")
    skeletons = pd.DataFrame(rows, columns=["skeleton", "text"])
    twice = skeletons["text"].duplicated()
    if twice.any():
        raise ResourceError(f"grammar: {skeletons['text'][twice].iloc[0]!r} can be made in two ways; leave one of them")
    return skeletons


def _derived(text: str, rules: Rules, within: tuple[str, ...], used: set[str], where: str) -> Iterator[str]:
    """The text with its symbols replaced in all ways, the leftmost one changing slowest; `used` gathers symbols."""
    found = _SYMBOL.search(text)
    if found is None:
        yield text
        return
    symbol = found[1]
    if symbol in within:
        raise ResourceError(f"grammar, {where}: <{symbol}> leads back to itself: {' -> '.join((*within, symbol))}")
    if symbol not in rules:
        raise ResourceError(f"grammar, {where}: <{symbol}> has no text; add a row with that symbol")
    used.add(symbol)
    rests = list(_derived(text[found.end() :], rules, within, used, where))
    for part in rules[symbol]:
        for derived in _derived(part, rules, (*within, symbol), used, where):
            yield from (text[: found.start()] + derived + rest for rest in rests)


def _capitalised(text: str) -> str:
    """The text with a capital at its beginning, whatever is chosen there."""

    def capital(found: re.Match[str]) -> str:
        first = found[2]
        if not first.startswith("["):
            return found[1] + first.upper()
        return f"{found[1]}[{'|'.join(option[:1].upper() + option[1:] for option in first[1:-1].split('|'))}]"

    return _BEGINNING.sub(capital, text, count=1)
