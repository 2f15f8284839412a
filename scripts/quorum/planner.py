"""The planner: how many people a campaign needs, by the data's own line, the fitted curves and the measured filters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quorum import needs
from quorum.needs import CONFIDENCE, Filter, Range, Scenario

__all__ = ["Basis", "Scenario", "bases", "filters_of", "plan"]

LINE, CURVE = "expected_line", "fitted_curve"
ENOUGH, TOO_FEW, UNCLEAR, NEVER = "enough", "too few", "unclear", "never"
_CAMPAIGN = ["style", "strategy"]


@dataclass(frozen=True)
class Basis:
    """What says how much must arrive of one campaign: the data's own line, or a fitted curve of a run.

    kind: LINE or CURVE; uptake, probe_set: of the curve ("none" for the line). pool_share: male share of what the
    campaign writes, None for the rarer gender alone. times: how many times what the data need. said: what is assumed.
    """

    kind: str
    uptake: str
    probe_set: str
    style: str
    strategy: str
    pool_share: float | None
    times: Range
    said: tuple[str, ...]

    def needed(self, scenario: Scenario, confidence: float = CONFIDENCE) -> Range:
        """Sentences of the campaign that must reach the firm."""
        return needs.needed_by_data(scenario, self.pool_share, confidence=confidence).times(self.times)


def plan(
    scenarios: Iterable[Scenario],
    points: pd.DataFrame | None = None,
    curve: pd.DataFrame | None = None,
    grid: pd.DataFrame | None = None,
    *,
    strength: str = "moderate",
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Table plan: what every scenario needs, by the expected line and by every fitted curve, behind every filter.

    points, curve, grid: the tables tipping_points, tipping_curve and defense_grid of a run (quorum.tables.read_table),
    the first two together; without them there is the expected line alone, and no filter. strength: of the filters.
    Raises ValueError for a scenario out of range, or points without a curve.

        >>> from quorum import planner
        >>> table = planner.plan([planner.Scenario("ward", 0.79, 1700, group_size=120)])
        >>> table[["needed_sentences", "needed_agents", "verdict"]].to_numpy().tolist()
        [[986.0, 99.0, 'enough']]
    """
    found = bases(points, curve, grid, confidence)
    filters = {
        campaign: filters_of(grid, *campaign, strength, confidence)
        for campaign in dict.fromkeys((basis.style, basis.strategy) for basis in found)
    }
    rows = [
        {
            "basis": basis.kind,
            "uptake": basis.uptake,
            "probe_set": basis.probe_set,
            "style": basis.style,
            "strategy": basis.strategy,
            "defense": defense,
            "strength": strength if defense != "none" else "none",
            **_row(scenario, basis, filtered, defense, confidence),
        }
        for scenario in scenarios
        for basis in found
        for defense, filtered in filters[basis.style, basis.strategy].items()
    ]
    return pd.DataFrame(rows)


def bases(
    points: pd.DataFrame | None,
    curve: pd.DataFrame | None,
    grid: pd.DataFrame | None,
    confidence: float = CONFIDENCE,
) -> list[Basis]:
    """What a run can say of every campaign (style, strategy) that it has: its line first, then its fitted curves.

    Tables as in `plan`; without any of them there is the line of a campaign that writes the rarer gender alone.
    """
    if (points is None) != (curve is None):
        raise ValueError("points and curve belong together: the curve's sweep says how far the points were looked for")
    campaigns = [part[_CAMPAIGN] for part in (points, grid) if part is not None]
    found = pd.concat(campaigns).drop_duplicates().to_numpy().tolist() if campaigns else [["any", "counter"]]
    return [
        basis
        for style, strategy in sorted(found)
        for basis in (_line(style, strategy, curve), *_curves(style, strategy, points, curve, confidence))
    ]


def _line(style: str, strategy: str, curve: pd.DataFrame | None) -> Basis:
    share = _pool_share(style, strategy, curve)
    said = ("the model comes to say what its data say", _who_writes(strategy, share))
    return Basis(LINE, "none", "none", style, strategy, share, needs.exactly(1), said)


def _curves(
    style: str, strategy: str, points: pd.DataFrame | None, curve: pd.DataFrame | None, confidence: float
) -> Iterable[Basis]:
    if points is None or curve is None:
        return
    mine = points[(points["style"] == style) & (points["strategy"] == strategy)]
    for point, largest, times in needs.multiples(mine, curve, confidence):
        said = (
            "the model, its training and the writing are those of the run",
            f"a model needs {_written(times.value)} times what the data need, as in the run"
            if math.isfinite(times.value)
            else f"its curve does not cross 50% up to {needs.BEYOND_SWEEP * largest:,.0f} sentences in the run's world",
            f"{point['crossing_share']:.0%} of the resampled curves cross 50%",
        )
        yield Basis(CURVE, point["uptake"], point["probe_set"], style, strategy, None, times, said)


def filters_of(
    grid: pd.DataFrame | None, style: str, strategy: str, strength: str, confidence: float = CONFIDENCE
) -> dict[str, Filter]:
    """What each filter lets through of a campaign, by name; "none" of them is the first. grid: table defense_grid."""
    unfiltered = {"none": Filter()}
    if grid is None:
        return unfiltered
    mine = grid[(grid["style"] == style) & (grid["strategy"] == strategy) & (grid["strength"] == strength)]
    measured = mine.groupby("defense", sort=False)
    return unfiltered | {str(name): needs.measured_filter(rows, confidence) for name, rows in measured}


def _pool_share(style: str, strategy: str, curve: pd.DataFrame | None) -> float | None:
    """Male share of what a campaign writes; None is the rarer gender alone, as parity is until it is reached."""
    if strategy in ("counter", "parity"):
        return None
    if strategy == "balanced":
        return 0.5
    if curve is None:
        return None
    # A pool that came as a file is in the expected line e of the run: e = b (1 - alpha) + p alpha.
    mine = curve[(curve["style"] == style) & (curve["strategy"] == strategy) & (curve["defense"] == "none")]
    ends = mine.sort_values("pool_size").iloc[[0, -1]] if len(mine) else mine
    if not len(ends) or not (alpha := ends["alpha"].iloc[1]):
        return None
    start, end = ends["expected_male_share"]
    return float(np.clip((end - start * (1 - alpha)) / alpha, 0, 1))


def _row(scenario: Scenario, basis: Basis, filtered: Filter, defense: str, confidence: float) -> dict[str, Any]:
    needed = basis.needed(scenario, confidence)
    sent = needs.to_be_sent(needed, filtered)
    people = Range(*(_up(number / scenario.sentences_per_agent) for number in sent))
    verdict = _verdict(people, scenario.group_size)
    return {
        "scenario": scenario.name,
        "baseline_share": scenario.baseline_share,
        "background_size": scenario.background_size,
        "group_size": scenario.group_size,
        "sentences_per_agent": scenario.sentences_per_agent,
        **_columns("needed_delivered", "delivered", Range(*map(_up, needed))),
        "passes": _passes(needed, sent, filtered),
        **_columns("needed_sentences", "sentences", Range(*map(_up, sent))),
        **_columns("needed_agents", "agents", people),
        "verdict": verdict,
        "answer": _answer(needed, sent, people, scenario, defense, filtered),
        "assumptions": "; ".join([*basis.said, _baseline(scenario), *_about(filtered, sent, defense)]),
    }


def _passes(needed: Range, sent: Range, filtered: Filter) -> float:
    """Share that passes of as many sentences as are needed; of the most that were tried where no number is enough."""
    if not filtered.sizes or sent.value == 0:
        return 1.0 if not filtered.sizes else filtered.passes[0].value
    return needed.value / sent.value if math.isfinite(sent.value) else filtered.passes[-1].value


def _columns(name: str, stem: str, found: Range) -> dict[str, float]:
    ends = dict(zip((name, f"{stem}_low", f"{stem}_high"), found, strict=True))
    return {column: number if math.isfinite(number) else math.nan for column, number in ends.items()}


def _verdict(people: Range, group_size: int) -> str:
    if math.isinf(people.low) or (math.isinf(people.value) and group_size < people.low):
        return NEVER
    if group_size >= people.high:
        return ENOUGH
    return TOO_FEW if group_size < people.low else UNCLEAR


# ---- in words --------------------------------------------------------------------------------------------------------


def _answer(needed: Range, sent: Range, people: Range, scenario: Scenario, defense: str, filtered: Filter) -> str:
    if math.isinf(needed.value):
        return "never, as far as the run can tell: without any filter the campaign does not come to 50%"
    if math.isinf(sent.value):
        most = max(size * share.value for size, share in zip(filtered.sizes, filtered.passes, strict=True))
        fewer = f", and of fewer at most {most:,.0f}" if most else ""
        return (
            f"never: {defense} lets none of {filtered.sizes[-1]:,} sentences pass{fewer}; "
            f"{_up(needed.value):,.0f} must arrive"
        )
    if sent.value == 0:
        return "none: it is at 50% already"
    high = f"{people.high:,.0f}" if math.isfinite(people.high) else "any number"
    span = f" (from {people.low:,.0f} to {high})" if people.low != people.high else ""
    share = people.value / scenario.group_size
    return f"{_up(sent.value):,.0f} sentences of {people.value:,.0f} people{span}: {share:.0%} of the group"


def _who_writes(strategy: str, share: float | None) -> str:
    return "the campaign writes the rarer gender alone" if share is None else f"{share:.0%} of the campaign is male"


def _baseline(scenario: Scenario) -> str:
    total = scenario.baseline_completions
    if total is None:
        return "the baseline share is exact"
    return f"the baseline share was measured on {total:,} independent answers"


def _about(filtered: Filter, sent: Range, defense: str) -> list[str]:
    if not filtered.sizes:
        return []
    said = [f"{defense} is the run's, and lets through what it let through of such sentences there"]
    if filtered.n_seeds < 2:
        said.append("one seed: what passes has no interval")
    if math.isfinite(sent.value) and max(e for e in sent if math.isfinite(e)) > filtered.sizes[-1]:
        said.append(f"past {filtered.sizes[-1]:,} sentences the same share passes as there")
    return said


def _written(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:,.0f}"


def _up(number: float) -> float:
    """The next whole number; what rounding alone has put above a whole number stays at it."""
    return number if math.isinf(number) else float(math.ceil(round(number, 9)))
