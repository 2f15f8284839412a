"""What the page and the terminal say of a campaign: the same words, from the same numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from quorum.contributions import shown
from quorum.monitor.judging import ACCEPTED, FILTERED, INVALID
from quorum.monitor.records import Seen
from quorum.monitor.standing import World, projected, standings

MOST_REASONS, MOST_FILES = 10, 20


@dataclass(frozen=True)
class View:
    """What is told: seen files and verdicts, the world, table monitor_standings, the projections after the last file
    (standing.projected; None before the first), and trouble with the folder."""

    seen: Seen
    world: World
    standings: pd.DataFrame
    projections: pd.DataFrame | None
    defense: str
    confidence: float
    trouble: str


def view(
    seen: Seen,
    world: World,
    defense: str,
    confidence: float,
    points: pd.DataFrame | None,
    curve: pd.DataFrame | None,
    trouble: str = "",
) -> View:
    """The view of what is seen; points and curve as in standing.projected."""
    table = standings(seen.verdicts, world, confidence)
    projections = projected(table.iloc[-1], points, curve) if len(table) else None
    return View(seen, world, table, projections, defense, confidence, trouble)


def headline(shown_now: View) -> str:
    """The answer first: what came in, what it did, and what it still takes."""
    if not len(shown_now.standings):
        return "Nothing was judged yet."
    last = shown_now.standings.iloc[-1]
    before, after = shown_now.world.share, last["male_share"]
    return (
        f"{last['accepted']:,.0f} of {last['sent']:,.0f} sentences reach the firm. Its data were {before:.1%} male "
        f"and are {after:.1%} now. {_outlook(shown_now, last)}"
    )


def _outlook(shown_now: View, last: pd.Series) -> str:
    towards = shown_now.world.share > 0.5
    if (last["male_share"] <= 0.5) == towards:
        return "They are at 50%, or past it."
    if math.isnan(last["total"]):
        return "A campaign like this never brings them to 50%."
    more = math.ceil(last["total"] - last["sent"])
    in_all = span(last["total_low"], last["total_high"])
    return f"If it goes on so, {more:,} more sentences bring them to 50% ({in_all} in all)."


def span(low: float, high: float) -> str:
    """An interval of sentences in words; NaN as a low end is never, as a high end none."""
    if math.isnan(low):
        return "never"
    return f"{math.ceil(low):,} to {math.ceil(high):,}" if not math.isnan(high) else f"{math.ceil(low):,} or more"


def figures(shown_now: View) -> list[tuple[str, str, str]]:
    """Rows of (what, number, anytime-valid interval)."""
    files, judged = shown_now.seen.files, int(shown_now.seen.files["judged"].sum())
    stages = shown_now.seen.verdicts["stage"]
    rows = [
        ("files judged", f"{judged:,}", ""),
        ("files set aside", f"{len(files) - judged:,}", ""),
        ("sentences accepted", f"{int((stages == ACCEPTED).sum()):,}", ""),
        ("sentences that are no valid submission", f"{int((stages == INVALID).sum()):,}", ""),
        (f"sentences rejected by the filter {shown_now.defense}", f"{int((stages == FILTERED).sum()):,}", ""),
    ]
    if len(shown_now.standings):
        last = shown_now.standings.iloc[-1]
        before = shown_now.world.share
        moved = sorted(100 * (last[end] - before) for end in ("share_low", "share_high"))
        rows += [
            (
                "effect on the firm's data so far",
                f"{100 * (last['male_share'] - before):+.1f} points",
                f"{moved[0]:+.1f} to {moved[1]:+.1f}",
            ),
            (
                "pull of a sentence (0.5 is the most)",
                f"{last['pull']:.3f}",
                f"{last['pull_low']:.3f} to {last['pull_high']:.3f}",
            ),
        ]
    return rows


def outlooks(shown_now: View) -> list[tuple[str, str, str]]:
    """Rows of (by what, sentences in all until the tipping point, anytime-valid interval)."""
    if shown_now.projections is None:
        return []
    rows = []
    for row in shown_now.projections.to_dict("records"):
        by = "the data themselves"
        if row["basis"] != "expected_line":
            by = f"the run's models: {row['uptake']}, {row['style']}, {row['probe_set']}".replace("_", " ")
        total = "never" if math.isnan(row["total"]) else f"{math.ceil(row['total']):,}"
        rows.append((by, total, span(row["low"], row["high"])))
    return rows


def reasons(shown_now: View) -> list[tuple[str, str]]:
    """Why sentences were not accepted, and how many, the most frequent first."""
    refused = shown_now.seen.verdicts.query("stage != @ACCEPTED", local_dict={"ACCEPTED": ACCEPTED})
    why = refused["reason"].str.split(":").str[0].where(refused["stage"] == INVALID, refused["reason"])
    why = why.mask(why == "", "no reason given")
    counts = why[why.notna()].value_counts()
    told = [(shown(reason), f"{count:,}") for reason, count in counts.head(MOST_REASONS).items()]
    rest = int(counts.iloc[MOST_REASONS:].sum())
    return [*told, ("other reasons", f"{rest:,}")] if rest else told


def set_aside(shown_now: View) -> list[tuple[str, str]]:
    """The files last set aside, and why, newest first."""
    files = shown_now.seen.files
    rows = files[~files["judged"].astype(bool)][["file", "reason"]].tail(MOST_FILES).iloc[::-1]
    return list(rows.itertuples(index=False, name=None))


def judged(shown_now: View) -> list[Sequence[str]]:
    """The files last judged, newest first: name, accepted, invalid, filtered."""
    files = shown_now.seen.files
    rows = files[files["judged"].astype(bool)].tail(MOST_FILES).iloc[::-1]
    return [(row["file"], *(f"{row[key]:,}" for key in (ACCEPTED, INVALID, FILTERED))) for _, row in rows.iterrows()]
