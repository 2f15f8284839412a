"""The monitor on a terminal: a table that stays in its place, or plain lines where the output is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from quorum.monitor import view
from quorum.monitor.view import View

if TYPE_CHECKING:
    from rich.console import Console, Group


@contextmanager
def terminal(console: Console) -> Iterator[Callable[[View, bool], None]]:
    """A function that shows a view; its second argument says whether there is news, else no line is printed."""
    from rich.live import Live

    if not console.is_terminal:
        yield lambda shown_now, news: print_lines(console, shown_now) if news else None
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda shown_now, news: live.update(table(shown_now), refresh=True)


def print_lines(console: Console, shown_now: View) -> None:
    """The last file, or trouble, and where the campaign stands, as one plain line each."""
    for line in lines(shown_now):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def lines(shown_now: View) -> list[str]:
    """The same as text."""
    files = shown_now.seen.files
    told = [shown_now.trouble] if shown_now.trouble else []
    if len(files):
        last = files.iloc[-1]
        became = f"{last['accepted']:,} accepted, {last['invalid']:,} invalid, {last['filtered']:,} filtered"
        told.append(f"{last['file']}: {became if last['judged'] else 'set aside: ' + last['reason']}")
    return [*told, view.headline(shown_now)]


def table(shown_now: View) -> Group:
    """The view as something that rich prints; nothing in it is read as markup."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Table | Text] = [Text(line) for line in lines(shown_now)]
    for names, rows in (
        (("", "number", "at any time"), view.figures(shown_now)),
        (("until the tipping point, by", "sentences", "at any time"), view.outlooks(shown_now)),
        (("why not accepted", "sentences"), view.reasons(shown_now)),
        (("file set aside", "why"), view.set_aside(shown_now)[:5]),
    ):
        if rows:
            drawn = Table(*names, title=None, expand=False)
            for row in rows:
                drawn.add_row(*(Text(str(cell)) for cell in row))
            parts.append(drawn)
    return Group(*parts, Text("Ctrl-C ends it; the same command goes on."))
