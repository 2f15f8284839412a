"""What a page is made of: sections with sentences, figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from quorum import figures
from quorum.figures import theme
from quorum.report import panels, words

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, a second line in small print, and how dark it is (0..1; None is without shade)."""

    text: str
    note: str = ""
    shade: float | None = None


@dataclass(frozen=True)
class Table:
    """A table in words. numeric: which columns are numbers. folded: shown when it is asked for."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: Sequence[bool]
    folded: bool = True
    kind: str = "table"


@dataclass(frozen=True)
class Chart:
    """A figure taken apart; `narrow` panels stand closer together on a wide screen."""

    name: str
    figure: panels.Figure
    narrow: bool = False
    kind: str = "chart"


@dataclass(frozen=True)
class Planner:
    """A form that plans a campaign, computed by the page from `data`; its tables stand open where no script runs."""

    data: Mapping[str, Any]
    tables: Sequence[Table]
    kind: str = "planner"


@dataclass(frozen=True)
class Section:
    """A section of the page: name for links, title, the short word of the navigation, sentences, blocks."""

    name: str
    title: str
    short: str
    sentences: Sequence[str] = ()
    blocks: Sequence[Table | Chart | Planner] = field(default_factory=tuple)


def chart(name: str, tables: Tables, narrow: bool = False, **style: Any) -> list[Chart]:
    """The named figure of these tables; none where a table is missing or empty, or there is nothing to draw."""
    needed = [tables.get(table) for table in figures.FIGURES[name].tables]
    if any(frame is None or frame.empty for frame in needed):
        return []
    drawn = panels.take_apart(figures.draw(name, tables, style).to_dict(validate=False))
    return [] if drawn.subtitle == "Nothing to draw." else [Chart(name, drawn, narrow)]


def table(
    caption: str, frame: pd.DataFrame, columns: Mapping[str, tuple[str, Callable[[Any], str] | None]]
) -> list[Table]:
    """A folded table of some columns of a frame: name -> (heading, form); columns with a form are numbers.

    An empty cell is a dash. Nothing is made of an empty frame.
    """
    if frame.empty:
        return []
    rows = [
        [
            Cell("\u2013" if row[name] is None else (form or theme.label)(row[name]))
            for name, (_, form) in columns.items()
        ]
        for row in theme.rows(frame)
    ]
    return [
        Table(
            caption, [title for title, _ in columns.values()], rows, [form is not None for _, form in columns.values()]
        )
    ]


def with_interval(
    frame: pd.DataFrame,
    value: str,
    low: str,
    high: str,
    form: Callable[[Any], str] = words.share,
    wilson: tuple[str, str] | None = None,
) -> list[str | None]:
    """One cell a row: the value with its interval in brackets; None where there is no value.

    wilson: columns of Wilson's interval, for where that of a bootstrap has no width (words.interval).
    """
    cells: list[str | None] = []
    for row in theme.rows(frame):
        instead = (None, None) if wilson is None else (row[wilson[0]], row[wilson[1]])
        text = words.interval(row[low], row[high], form, instead)
        cells.append(None if row[value] is None else form(row[value]) + (f" ({text})" if text else ""))
    return cells


def campaigns(frame: pd.DataFrame) -> list[str]:
    """One campaign a row, by what tells it from the others in the frame."""
    several = {name: name in frame.columns and frame[name].nunique() > 1 for name in ("strategy", "uptake")}
    return [
        words.campaign(row["style"], *(row[name] if several[name] else "" for name in ("strategy", "uptake")))
        for row in theme.rows(frame)
    ]


def of_uptake(tables: Tables, uptake: str) -> dict[str, pd.DataFrame]:
    """The tables with the rows of one uptake alone, where they tell uptakes apart."""
    return {
        name: frame[frame["uptake"] == uptake] if "uptake" in frame.columns else frame for name, frame in tables.items()
    }
