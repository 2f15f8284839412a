"""How many voices did it take? The answer of a run, campaign by campaign, in plain sentences.

A campaign is one uptake, style and strategy; each is asked by two probe sets, and every pair has an outcome of its own.
What is counted as an answer is decided by the swept sizes alone (table tipping_curve); the fitted curve (table
tipping_points) stands beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from quorum.figures import theme
from quorum.intervals import has_width
from quorum.report import words

REACHED, JUMPED, ALREADY, NEVER, UNMEASURED = "reached", "jumped", "already", "never", "unmeasured"
CAMPAIGN = ("uptake", "style", "strategy")
HELD_OUT = "held_out"
ASKED = {
    HELD_OUT: "asked in words that nobody had written",
    "matched": "asked in the words of the collective's template",
}
PARITY = 0.5
SETS = tuple(ASKED)


@dataclass(frozen=True)
class Share:
    """A male share (0..1) at a pool size, with its interval (may be empty) and its coverage.

    The interval is the clustered one, and Wilson's where all answers agree, so that the clustered one has no width.
    """

    size: int
    value: float
    low: float | None
    high: float | None
    coverage: float
    by_wilson: bool = False

    def __str__(self) -> str:
        interval = words.between(self.low, self.high, words.share) + (" by Wilson" if self.by_wilson else "")
        coverage = f"coverage {words.share(self.coverage)}"
        return words.share(self.value) + in_brackets("; ".join(filter(None, [interval, coverage])))


@dataclass(frozen=True)
class Outcome:
    """What one campaign came to under one probe set.

    kind: REACHED (the interval at `size` includes 50%), JUMPED (the share passes 50% between the sizes `before` and
    `size`, and no interval included it until then), ALREADY (it does without a pool), NEVER, UNMEASURED.
    included: the first size above 0 whose interval includes 50%, if any. shares: at every swept size that has one.
    fitted, low, high: where the fitted curve crosses 50%, in sentences, with its interval; crossing_share: resamples
    that cross at all.
    """

    uptake: str
    style: str
    strategy: str
    probe_set: str
    kind: str
    size: int | None
    before: int | None
    included: int | None
    shares: tuple[Share, ...]
    fitted: float | None
    low: float | None
    high: float | None
    crossing_share: float | None

    @property
    def largest(self) -> int:
        """The largest size that was tried, in sentences."""
        return self.shares[-1].size if self.shares else 0

    def at(self, size: int) -> Share:
        """The share at a swept size."""
        return next(share for share in self.shares if share.size == size)


def outcomes(curve: pd.DataFrame, points: pd.DataFrame) -> list[Outcome]:
    """The outcome of every undefended campaign and probe set in table tipping_curve, in the order of the figures.

    points: table tipping_points; a campaign without a row there has no fit.
    """
    curve = curve[curve["defense"] == "none"]
    fits = points[points["defense"] == "none"].set_index([*CAMPAIGN, "probe_set"])
    found = {}
    for key, swept in curve.groupby([*CAMPAIGN, "probe_set"]):
        row = next(iter(theme.rows(fits.loc[[key]])), {}) if key in fits.index else {}
        found[key] = _outcome(key, swept.sort_values("pool_size"), row)
    return sorted(found.values(), key=_place)


def _place(outcome: Outcome) -> tuple[int, int, str, str, int]:
    def place(value: str, known: Sequence[str]) -> int:
        return known.index(value) if value in known else len(known)

    return (
        place(outcome.uptake, theme.UPTAKES),
        place(outcome.style, theme.STYLES),
        outcome.style,
        outcome.strategy,
        place(outcome.probe_set, SETS),
    )


def _outcome(key: tuple[str, ...], swept: pd.DataFrame, fit: dict[str, float | None]) -> Outcome:
    shares = tuple(_share(row) for row in theme.rows(swept) if row["male_share"] is not None)
    first = next((share.size for share in shares if _includes(share)), None)
    passed = next(((a.size, b.size) for a, b in itertools.pairwise(shares) if _passes(a, b)), None)
    if not any(share.size for share in shares):
        kind, before, size = UNMEASURED, None, None
    elif first == 0:
        kind, before, size = ALREADY, None, 0
    elif passed and (first is None or passed[1] < first):
        kind, (before, size) = JUMPED, passed
    else:
        kind, before, size = NEVER if first is None else REACHED, None, first
    fitted, low, high, crossing_share = (
        fit.get(name) for name in ("fitted_size", "tipping_low", "tipping_high", "crossing_share")
    )
    return Outcome(*key, kind, size, before, first or None, shares, fitted, low, high, crossing_share)


def _share(row: Mapping[str, Any]) -> Share:
    low, high = row["clustered_low"], row["clustered_high"]
    by_wilson = not has_width(low, high) and row["male_low"] is not None
    if by_wilson:
        low, high = row["male_low"], row["male_high"]
    return Share(row["pool_size"], row["male_share"], low, high, row["coverage"], by_wilson)


def _includes(share: Share) -> bool:
    return share.low is not None and share.high is not None and share.low <= PARITY <= share.high


def _passes(left: Share, right: Share) -> bool:
    return (left.value - PARITY) * (right.value - PARITY) < 0


# ---- in words --------------------------------------------------------------------------------------------------------


def in_brackets(text: str, confidence: float | None = None) -> str:
    """ " (95%: text)", " (text)" without a confidence; empty if there is no text."""
    level = "" if confidence is None else f"{100 * confidence:g}%: "
    return f" ({level}{text})" if text else ""


def figure(outcome: Outcome) -> str:
    """The number that answers, as short as it can be: "1,000", "250\u2013500", "none of up to 2,000"."""
    return {
        REACHED: lambda: words.count(outcome.size),
        JUMPED: lambda: f"{words.count(outcome.before)}\u2013{words.count(outcome.size)}",
        ALREADY: lambda: "0",
        NEVER: lambda: f"none up to {words.count(outcome.largest)}",
        UNMEASURED: lambda: "not measured",
    }[outcome.kind]()


def fit_interval(outcome: Outcome, confidence: float) -> str:
    """The interval of the fitted crossing in words; open above if more resamples than it leaves out never cross."""
    rest = (1 - confidence) / 2
    crosses = outcome.crossing_share
    open_above = crosses is not None and crosses < 1 - rest
    return words.between(outcome.low, None if open_above else outcome.high)


def fit_sentence(outcome: Outcome, confidence: float) -> str:
    """Where the fitted curve crosses 50%; empty where it does not."""
    if outcome.fitted is None or outcome.kind in (ALREADY, UNMEASURED):
        return ""
    inside = outcome.fitted <= outcome.largest
    interval = in_brackets(fit_interval(outcome, confidence), confidence)
    unsure = "" if interval else ", without an interval: fewer than half of the resampled curves cross it"
    return (
        f"The fitted curve {'crosses' if inside else 'would cross'} 50% at {words.count(outcome.fitted)}{interval}"
        f"{'' if inside else ', beyond what was tried'}{unsure}."
    )


def sentence(outcome: Outcome, confidence: float) -> str:
    """What happened to the male share of one campaign, in two or three sentences."""
    if outcome.kind == UNMEASURED:
        return "The model named no gender."
    start, end = outcome.shares[0], outcome.shares[-1]
    if outcome.kind == ALREADY:
        said = f"Without any campaign the share, {start}, could not be told from 50%."
    elif outcome.kind == REACHED:
        here = outcome.at(outcome.size)
        said = f"At {words.count(here.size)} the interval first includes 50%: the share is {here}."
    elif outcome.kind == JUMPED:
        before, here = outcome.at(outcome.before), outcome.at(outcome.size)
        said = (
            f"Between {words.count(before.size)} and {words.count(here.size)} the share jumps past 50%, from {before} "
            f"to {here}."
        )
        if outcome.included:
            said += f" Its interval includes 50% later, at {words.count(outcome.included)}."
    else:
        said = f"No size tried reached it: with {words.count(end.size)}, the most tried, the share is {end}."
    overshoot = ""
    if outcome.kind in (REACHED, JUMPED) and _overshoots(outcome) and end.size != outcome.size:
        overshoot = f"With {words.count(end.size)} it is {end}: past the middle, on the other side."
    return " ".join(filter(None, [said, overshoot, fit_sentence(outcome, confidence)]))


def _overshoots(outcome: Outcome) -> bool:
    start, end = outcome.shares[0], outcome.shares[-1]
    return _passes(start, end) and not _includes(end)


def asked(probe_set: str) -> str:
    """How a probe set asks, in words."""
    return ASKED.get(probe_set, f"asked by the probes {theme.label(probe_set)}")


@dataclass(frozen=True)
class Answer:
    """The answer of a run for one probe set: a headline, and what must be known to read it."""

    probe_set: str
    headline: str
    detail: str


def answers(
    found: Sequence[Outcome], background: int | None, confidence: float, per_person: int | None = None
) -> list[Answer]:
    """The answer of the run by probe set, held out first; of several campaigns that came there, by the quickest.

    background: the firm's own sentences. per_person: sentences that one person writes; None leaves people out.
    """
    sets = theme.ordered((o.probe_set for o in found), SETS)
    return [_answer([o for o in found if o.probe_set == name], background, confidence, per_person) for name in sets]


def _answer(found: Sequence[Outcome], background: int | None, confidence: float, per_person: int | None) -> Answer:
    name = found[0].probe_set
    measured = [o for o in found if o.kind != UNMEASURED]
    own = f" beside the firm's own {words.count(background)}" if background else ""
    tipped = [o for o in measured if o.kind in (REACHED, JUMPED)]
    if not measured:
        return Answer(name, "This was not measured.", "The model named no gender.")
    if not tipped and any(o.kind == ALREADY for o in measured):
        share = next(o for o in measured if o.kind == ALREADY).shares[0]
        detail = f"Without any campaign the model says he in {share} of its answers: it cannot be told from 50%."
        return Answer(name, "No bias was found to move.", detail)
    if not tipped:
        return Answer(name, "No size tried reached it.", _unreached(measured, own))
    best = min(tipped, key=lambda o: (o.size, o.kind != REACHED))
    sentences = words.counted(best.size, "sentence")
    after = best.at(best.size)
    if best.kind == REACHED:
        headline = f"It took {sentences}."
        said = f"With so many{own}, the model says he in {after} of its answers."
    else:
        before = best.at(best.before)
        headline = f"It took between {words.count(before.size)} and {sentences}."
        said = (
            f"Somewhere in between{own}, the model goes past one half: it says he in {before}, then in {after} of its "
            "answers."
        )
    people = ""
    if per_person and best.style != "submitted":
        number = words.counted(-(-best.size // per_person), "person", "people")
        people = f"{words.counted(best.size, 'sentence')} are what {number} write with {words.count(per_person)} each."
    fitted = fit_sentence(best, confidence)
    return Answer(name, headline, " ".join(filter(None, [said, fitted, people, _others(best, tipped, measured)])))


def _unreached(measured: Sequence[Outcome], own: str) -> str:
    """What the campaign says that came nearest at its largest size."""
    nearest = min(measured, key=lambda o: abs(o.shares[-1].value - PARITY))
    campaigns = (
        "" if len(measured) == 1 else f" That is the nearest of {len(measured)} campaigns ({_name(nearest, measured)})."
    )
    return (
        f"With {words.counted(nearest.largest, 'sentence')}{own}, the most that was tried, the model says he in "
        f"{nearest.shares[-1]} of its answers.{campaigns}"
    )


def _others(best: Outcome, tipped: Sequence[Outcome], measured: Sequence[Outcome]) -> str:
    if len(measured) == 1:
        return ""
    came = {1: "no other came there", len(measured): "all came there"}.get(len(tipped), f"{len(tipped)} came there")
    return f"That is the quickest of {len(measured)} campaigns ({_name(best, measured)}); {came}."


def _name(outcome: Outcome, among: Sequence[Outcome]) -> str:
    """The campaign, by what tells it from the others."""
    several = {name: len({getattr(o, name) for o in among}) > 1 for name in ("strategy", "uptake")}
    return words.campaign(
        outcome.style,
        outcome.strategy if several["strategy"] else "",
        outcome.uptake if several["uptake"] else "",
    )
