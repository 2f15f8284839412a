"""The section that plans a campaign: a form for the reader's own numbers, and the campaigns of the configuration.

The form is computed in the reader's browser by resources/report/plan.js, with the formulas of quorum.needs and
quorum.planner; what the run measured goes there as data. The table below it is the planner's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from quorum import conditions, planner
from quorum.figures import theme
from quorum.needs import TARGET, Filter, Range, Scenario
from quorum.report import answer, words
from quorum.report.blocks import Cell, Planner, Section, Table, Tables

_SOURCES = ("tipping_points", "tipping_curve", "defense_grid")


def plan(tables: Tables, settings: Mapping[str, Any]) -> list[Section]:
    """The planner, where the run has campaigns to plan from. settings: the configuration of the run."""
    points, curve, grid = (tables.get(name) for name in _SOURCES)
    if points is None or curve is None:
        points = curve = None
    strength, confidence = settings["defense"]["at_strength"], settings["statistics"]["confidence"]
    if all(part is None or part.empty for part in (points, grid)):
        return []
    bases = sorted(planner.bases(points, curve, grid, confidence), key=_place)
    scenarios = [Scenario(**scenario) for scenario in conditions.planned(settings)]
    planned = planner.plan(scenarios, points, curve, grid, strength=strength, confidence=confidence)
    filters = {
        campaign: planner.filters_of(grid, *campaign, strength, confidence)
        for campaign in dict.fromkeys((basis.style, basis.strategy) for basis in bases)
    }
    block = Planner(
        _data(bases, filters, scenarios[0], confidence),
        [_table(scenario, planned[planned["scenario"] == scenario.name], bases) for scenario in scenarios],
    )
    said = [
        "How many people a campaign needs depends on how many sentences must arrive, how many of those that are sent "
        "get past the firm's filter, and how many one person sends. By the data alone B (b \u2212 t) / (t \u2212 p) "
        "must arrive: B are the firm's sentences, b is their male share, p the campaign's, and t is "
        f"{words.share(TARGET)}. A model may take more or fewer: that number is multiplied by what this run's fitted "
        "curve needed, for each sentence that its data needed.",
        "Intervals are put together end by end, fewest needed with most passing and the reverse, so that the result "
        "holds whenever each of them does. A group of at least its upper end is enough, one below its lower end is too "
        "few; in between it is unclear.",
        *missing(curve, bases, filters, strength),
    ]
    return [Section("planner", "How many people would you need?", "Planner", said, [block])]


def missing(
    curve: pd.DataFrame | None,
    bases: Iterable[planner.Basis],
    filters: Mapping[tuple[str, str], Mapping[str, Filter]],
    strength: str,
) -> list[str]:
    """What the run has not measured, and what therefore cannot be planned, in sentences."""
    said = []
    asked = set() if curve is None else set(curve["uptake"])
    if not any(basis.kind == planner.CURVE for basis in bases):
        said.append(
            "This run has no fitted curve, which takes three sizes above 0: how many voices a model takes beyond what "
            "its data need cannot be told."
        )
    elif rest := [theme.label(name) for name in theme.UPTAKES if name not in asked]:
        said.append(f"Not measured in this run, and so not offered: {words.listed(rest)}.")
    if not any(len(found) > 1 for found in filters.values()):
        said.append(
            f"This run has not measured what filters let through, by size, at strength {theme.label(strength)}: only "
            "a campaign that meets none can be planned."
        )
    return said


def _place(basis: planner.Basis) -> tuple[Any, ...]:
    """By campaign as in the figures; fitted curves before the line, and held-out probes first."""

    def place(value: str, known: Sequence[str]) -> int:
        return known.index(value) if value in known else len(known)

    return (
        place(basis.style, theme.STYLES),
        basis.style,
        basis.strategy,
        basis.kind == planner.LINE,
        place(basis.uptake, theme.UPTAKES),
        place(basis.probe_set, answer.SETS),
    )


# ---- what the script computes with -----------------------------------------------------------------------------------


def _data(
    bases: Sequence[planner.Basis],
    filters: Mapping[tuple[str, str], Mapping[str, Filter]],
    scenario: Scenario,
    confidence: float,
) -> dict[str, Any]:
    """As resources/report/plan.js wants it: what never happens is null, there infinity."""
    from scipy.stats import norm

    return {
        "target": TARGET,
        "z": float(norm.isf((1 - confidence) / 2)),
        "scenario": {
            "share": f"{100 * scenario.baseline_share:.10g}",
            "completions": scenario.baseline_completions,
            "background": scenario.background_size,
            "group": scenario.group_size,
            "each": scenario.sentences_per_agent,
        },
        "campaigns": [
            {
                "key": f"{style}/{strategy}",
                "name": _campaign(style, strategy, bases),
                "bases": [
                    {
                        "key": f"{basis.uptake}/{basis.probe_set}",
                        "name": _basis(basis),
                        "pool_share": basis.pool_share,
                        "times": _ends(basis.times),
                        "said": basis.said,
                    }
                    for basis in bases
                    if (basis.style, basis.strategy) == (style, strategy)
                ],
                "filters": [
                    {
                        "key": name,
                        "name": "no filter" if name == "none" else theme.label(name),
                        "sizes": found.sizes,
                        "passes": [_ends(share) for share in found.passes],
                        "n_seeds": found.n_seeds,
                    }
                    for name, found in measured.items()
                ],
            }
            for (style, strategy), measured in filters.items()
        ],
    }


def _ends(found: Range) -> list[float | None]:
    return [float(end) if math.isfinite(end) else None for end in found]


def _campaign(style: str, strategy: str, bases: Sequence[planner.Basis]) -> str:
    several = len({basis.strategy for basis in bases}) > 1
    name = words.campaign(style, strategy if several else "")
    return name[0].upper() + name[1:]


def _basis(basis: planner.Basis) -> str:
    if basis.kind == planner.LINE:
        return "a model that copies its data"
    return f"{theme.label(basis.uptake)}, {answer.asked(basis.probe_set)}"


# ---- the campaigns of the configuration ------------------------------------------------------------------------------


def _table(scenario: Scenario, planned: pd.DataFrame, bases: Sequence[planner.Basis]) -> Table:
    """People needed, a row for each campaign and basis and a column for each filter."""
    filters = theme.ordered(planned["defense"], theme.DEFENSES)
    key = ["style", "strategy", "basis", "uptake", "probe_set", "defense"]
    cells = {tuple(row[name] for name in key): row for row in theme.rows(planned)}
    rows = []
    for basis in bases:
        row = [Cell(_campaign(basis.style, basis.strategy, bases), _basis(basis))]
        for defense in filters:
            found = cells.get((basis.style, basis.strategy, basis.kind, basis.uptake, basis.probe_set, defense))
            row.append(Cell("\u2013") if found is None else Cell(_people(found), found["verdict"]))
        rows.append(row)
    caption = (
        f"People needed, {theme.label(scenario.name)}: {words.counted(scenario.group_size, 'person', 'people')} with "
        f"{words.counted(scenario.sentences_per_agent, 'sentence')} each, against "
        f"{words.counted(scenario.background_size, 'sentence')} that are "
        f"{words.share(scenario.baseline_share, 0 if round(100 * scenario.baseline_share, 6) % 1 == 0 else 1)} male"
    )
    columns = ["campaign", *("no filter" if name == "none" else theme.label(name) for name in filters)]
    return Table(caption, columns, rows, [False] * len(columns))


def _people(found: Mapping[str, Any]) -> str:
    needed, low, high = (found[name] for name in ("needed_agents", "agents_low", "agents_high"))
    if needed is None:
        return "no number" if low is None else f"no number ({words.between(low, high)})"
    interval = "" if low == high else f" ({words.between(low, high)})"
    return words.count(needed) + interval
