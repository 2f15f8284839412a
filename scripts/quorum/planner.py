"""The planner: how many people a campaign needs, by the data's own line, the fitted curves and the measured filters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from quorum import needs
from quorum.needs import CONFIDENCE, Filter, Range, Scenario

__all__ = ["Scenario", "plan"]

LINE, CURVE = "expected_line", "fitted_curve"
ENOUGH, TOO_FEW, UNCLEAR, NEVER = "enough", "too few", "unclear", "never"
_CAMPAIGN = ["style", "strategy"]


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
    if (points is None) != (curve is None):
        raise ValueError("points and curve belong together: the curve's sweep says how far the points were looked for")
    campaigns = [part[_CAMPAIGN] for part in (points, grid) if part is not None]
    found = pd.concat(campaigns).drop_duplicates().to_numpy().tolist() if campaigns else [["any", "counter"]]
    rows = []
    for scenario in scenarios:
        for style, strategy in sorted(found):
            bases = [*_by_line(scenario, style, strategy, curve, confidence)]
            bases += [*_by_curves(scenario, style, strategy, points, curve, confidence)]
            filters = {"none": Filter(), **_filters(grid, style, strategy, strength, confidence)}
            for basis, needed, said in bases:
                for defense, filtered in filters.items():
                    about = {"style": style, "strategy": strategy, "defense": defense}
                    about["strength"] = strength if defense != "none" else "none"
                    rows.append(basis | about | _row(scenario, needed, filtered, said, defense))
    return pd.DataFrame(rows)


Basis = tuple[dict[str, str], Range, list[str]]
"""Where an answer comes from, what must arrive by it, and what it assumes."""


def _by_line(
    scenario: Scenario, style: str, strategy: str, curve: pd.DataFrame | None, confidence: float
) -> Iterable[Basis]:
    share = _pool_share(style, strategy, curve)
    said = ["the model comes to say what its data say", _who_writes(strategy, share), _baseline(scenario)]
    needed = needs.needed_by_data(scenario, share, confidence=confidence)
    yield {"basis": LINE, "uptake": "none", "probe_set": "none"}, needed, said


def _by_curves(
    scenario: Scenario,
    style: str,
    strategy: str,
    points: pd.DataFrame | None,
    curve: pd.DataFrame | None,
    confidence: float,
) -> Iterable[Basis]:
    if points is None or curve is None:
        return
    mine = points[(points["style"] == style) & (points["strategy"] == strategy)]
    for point, largest, times in needs.multiples(mine, curve, confidence):
        said = [
            "the model, its training and the writing are those of the run",
            f"a model needs {_written(times.value)} times what the data need, as in the run"
            if math.isfinite(times.value)
            else f"its curve does not cross 50% up to {needs.BEYOND_SWEEP * largest:,.0f} sentences in the run's world",
            f"{point['crossing_share']:.0%} of the resampled curves cross 50%",
            _baseline(scenario),
        ]
        where = {"basis": CURVE, "uptake": point["uptake"], "probe_set": point["probe_set"]}
        yield where, needs.needed_by_data(scenario, confidence=confidence).times(times), said


def _filters(
    grid: pd.DataFrame | None, style: str, strategy: str, strength: str, confidence: float
) -> dict[str, Filter]:
    if grid is None:
        return {}
    mine = grid[(grid["style"] == style) & (grid["strategy"] == strategy) & (grid["strength"] == strength)]
    return {str(name): needs.measured_filter(rows, confidence) for name, rows in mine.groupby("defense", sort=False)}


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


def _row(scenario: Scenario, needed: Range, filtered: Filter, said: list[str], defense: str) -> dict[str, Any]:
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
        "assumptions": "; ".join([*said, *_about(filtered, sent, defense)]),
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
