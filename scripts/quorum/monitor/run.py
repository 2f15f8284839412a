"""A run of the monitor: follow the folder, and put every look on the page, into the tables and on the terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
from rich.console import Console

from quorum import tables
from quorum.files import atomically
from quorum.monitor import page
from quorum.monitor.judging import judge_background
from quorum.monitor.records import resume
from quorum.monitor.standing import World
from quorum.monitor.terminal import terminal
from quorum.monitor.view import view
from quorum.monitor.watch import Watch, follow


def run(
    watch: Watch,
    stop: threading.Event,
    console: Console,
    *,
    confidence: float,
    points: pd.DataFrame | None = None,
    curve: pd.DataFrame | None = None,
    before_look: Callable[[], object] = lambda: None,
) -> None:
    """Follows until `stop` is set, or nothing new has come for so long; writes index.html, standings.parquet and
    standings.csv beside the records. points, curve: tables tipping_points and tipping_curve of a run, if there is one.
    """
    watch.folder.mkdir(parents=True, exist_ok=True)
    firm = watch.firm
    background = judge_background(firm)
    world = World(len(background), int((background["gender"] == "male").sum()))
    setup = {
        "folder": str(watch.folder.resolve()),
        "defense": firm.defense,
        "false_positive_rate": firm.false_positive_rate,
        "seed": firm.seed,
        "background_size": len(firm.background),
        "background": f"{int(pd.util.hash_pandas_object(firm.background).sum()):x}",
    }
    seen, svg = resume(watch.records, setup), ""
    with terminal(console) as show:
        for look in follow(watch, seen, stop, before_look):
            now = view(look.seen, world, firm.defense, confidence, points, curve, look.trouble)
            if look.news or not svg:
                svg = page.chart(now)
                stem = watch.records / "standings"
                tables.publish(now.standings, f"{stem}.parquet", f"{stem}.csv", "monitor_standings")
            when = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
            html = page.page(now, svg, when, watch.seconds if look.running else None)
            atomically(watch.records / "index.html", lambda temporary, html=html: temporary.write_text(html, "utf-8"))
            show(now, look.news)
