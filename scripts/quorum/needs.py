"""What a campaign needs: sentences that must arrive, and those that must be sent for it, each with its interval.

    needed by the data      n* = B (b - t) / (t - p): there the expected line meets the target t (statistics)
    needed by a model       n* x (crossing of its fitted curve / crossing of the line in the world of that curve)
    to be sent              the smallest m with passes(m) m >= what is needed, passes as measured behind the filter

Every number is a Range. A value of infinity is the answer "never", an upper end of infinity an interval without one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from quorum import statistics
from quorum.statistics import CONFIDENCE

TARGET = 0.5
BEYOND_SWEEP = 2  # a fitted crossing past twice the largest size counts as none (tipping.tipping_points)


class Range(NamedTuple):
    """A number and its interval: low <= value <= high."""

    value: float
    low: float
    high: float

    def times(self, other: Range) -> Range:
        """The product of two ranges of numbers that are not negative; never stays never."""
        return Range(*(_product(a, b) for a, b in zip(self, other, strict=True)))


def exactly(value: float) -> Range:
    """A number that is known, or set."""
    return Range(value, value, value)


@dataclass(frozen=True)
class Scenario:
    """A campaign that is planned.

    baseline_share: male share of what the firm learns from, or of what its model says, in 0..1; baseline_completions:
    answers that it was measured on (None: it is set, without an interval). background_size: sentences that the firm
    has. group_size: people who would join, with sentences_per_agent sentences each.
    """

    name: str
    baseline_share: float
    background_size: int
    group_size: int
    sentences_per_agent: int = 10
    baseline_completions: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.baseline_share <= 1:
            raise ValueError(f"scenario {self.name}: baseline_share = {self.baseline_share}; it must lie in 0..1")
        for name in ("background_size", "group_size", "sentences_per_agent", "baseline_completions"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"scenario {self.name}: {name} = {value}; it must be at least 1")


@dataclass(frozen=True)
class Filter:
    """What a filter lets through of a campaign: per swept size (sentences sent, ascending) the share that passes, with
    its interval over seeds. No sizes: everything passes."""

    sizes: tuple[int, ...] = ()
    passes: tuple[Range, ...] = ()
    n_seeds: int = 0


# ---- what must arrive ------------------------------------------------------------------------------------------------


def needed_by_data(
    scenario: Scenario, pool_share: float | None = None, target: float = TARGET, confidence: float = CONFIDENCE
) -> Range:
    """Sentences that must reach the firm until its data are at the target (statistics.critical_size).

    pool_share: male share of the campaign; None is the rarer gender alone. The interval is that of the baseline share
    (Wilson), if it was measured. Infinite where the campaign stops short of the target or pulls the other way.
    """
    share = scenario.baseline_share
    if pool_share is None:
        pool_share = 0.0 if share > target else 1.0
    shares = [share]
    if scenario.baseline_completions is not None:
        total = scenario.baseline_completions
        ends = statistics.wilson_interval(round(share * total), total, confidence)
        # An end beyond the target needs nothing; no campaign is turned round for it.
        shares += [max(end, target) if share > target else min(end, target) for end in ends]
    needed = [_crossing_of_line(scenario.background_size, one, pool_share, target) for one in shares]
    return Range(needed[0], min(needed), max(needed))


def _crossing_of_line(background_size: float, share: float, pool_share: float, target: float) -> float:
    if math.isclose(share, target):
        return 0.0
    size = statistics.critical_size(background_size, share, pool_share, target)
    return math.inf if math.isnan(size) else size


def against_the_data(point: pd.Series, largest: float, confidence: float = CONFIDENCE) -> Range:
    """How many times what the data need a model needed: the fitted crossing of 1/2 over that of the expected line.

    point: a row of table tipping_points. largest: largest size of its sweep (sentences). A curve that does not cross
    within twice of that is infinite. So is the upper end where so many resamples do not cross that the interval of all
    of them has none; of those that do cross, low and high are taken as they are. Low is 0 where some resamples cross,
    too few for the table to say where.
    """
    line = point["critical_size_expected"]
    if pd.isna(point["fitted_size"]):
        low = BEYOND_SWEEP * largest if point["crossing_share"] < (1 - confidence) / 2 else 0.0
        return Range(math.inf, (low if pd.isna(point["tipping_low"]) else point["tipping_low"]) / line, math.inf)
    value = point["fitted_size"] / line
    low = value if pd.isna(point["tipping_low"]) else min(value, point["tipping_low"] / line)
    closed = pd.notna(point["tipping_high"]) and point["crossing_share"] >= (1 + confidence) / 2
    return Range(value, low, max(value, point["tipping_high"] / line) if closed else math.inf)


def multiples(
    points: pd.DataFrame, curve: pd.DataFrame, confidence: float = CONFIDENCE
) -> Iterator[tuple[pd.Series, float, Range]]:
    """The undefended rows of table tipping_points with a fitted curve, each with the largest size of its sweep (from
    table tipping_curve of the same run) and `against_the_data`."""
    key = ["uptake", "style", "strategy", "probe_set", "defense"]
    fitted = points["crossing_share"].notna() & (points["critical_size_expected"] > 0)
    for _, point in points[fitted & (points["defense"] == "none")].iterrows():
        largest = curve.loc[(curve[key] == point[key]).all(axis=1), "pool_size"].max()
        yield point, largest, against_the_data(point, largest, confidence)


# ---- what must be sent -----------------------------------------------------------------------------------------------


def measured_filter(rows: pd.DataFrame, confidence: float = CONFIDENCE) -> Filter:
    """What a filter let through; rows: those of table defense_grid of one campaign, filter and strength.

    The interval is Student's over seeds, cut to 0..1; none with a single seed.
    """
    from scipy.stats import t

    rows = rows.sort_values("pool_size")
    passes = []
    for row in rows.to_dict("records"):
        half = 0.0
        if row["n_seeds"] > 1 and pd.notna(row["passed_sd"]):
            half = t.ppf((1 + confidence) / 2, row["n_seeds"] - 1) * row["passed_sd"] / math.sqrt(row["n_seeds"])
        passes.append(Range(row["passed"], max(0.0, row["passed"] - half), min(1.0, row["passed"] + half)))
    return Filter(tuple(rows["pool_size"].tolist()), tuple(passes), int(rows["n_seeds"].min()))


def to_be_sent(needed: Range, filtered: Filter) -> Range:
    """Sentences to send so that `needed` of them arrive: the smallest m with passes(m) m >= needed.

    passes(m) m is linear between the swept sizes, and past the last of them goes on at its share. Infinite where the
    filter never lets so many through. Ends of both intervals are put together, so that it holds if both of them do.
    """
    if not filtered.sizes:
        return needed
    shares = np.array(filtered.passes)
    best, worst = shares[:, 2], shares[:, 1]
    return Range(
        _smallest_sent(needed.value, filtered.sizes, shares[:, 0]),
        _smallest_sent(needed.low, filtered.sizes, best),
        _smallest_sent(needed.high, filtered.sizes, worst),
    )


def _smallest_sent(needed: float, sizes: Sequence[int], shares: Sequence[float]) -> float:
    if needed <= 0 or math.isinf(needed):
        return needed
    sent = np.concatenate([[0.0], np.asarray(sizes, dtype=float)])
    arrived = np.concatenate([[0.0], np.asarray(sizes, dtype=float) * np.asarray(shares, dtype=float)])
    for k in range(1, len(sent)):
        if arrived[k] >= needed:
            way = (needed - arrived[k - 1]) / (arrived[k] - arrived[k - 1])
            return float(sent[k - 1] + way * (sent[k] - sent[k - 1]))
    last = float(shares[-1])
    return needed / last if last > 0 else math.inf


def _product(a: float, b: float) -> float:
    return 0.0 if 0 in (a, b) else a * b
