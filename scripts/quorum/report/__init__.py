"""The report of a run: one page that answers in plain language, with its figures, tables and provenance inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from quorum.report import answer, bargaining, comparison, filters, minority, page, planning, provenance
from quorum.report.blocks import Section, Tables, chart

# The tables that a page is made of where a run has them; figures need no other.
TABLES = (
    "baseline_bias",
    "tipping_curve",
    "tipping_points",
    "defenses",
    "defense_grid",
    "honest_costs",
    "domains",
    "utility",
    "requests",
    "minority_toy",
    "minority_datasets",
    "minority_alpha",
    "minority_flips",
    "minority_baselines",
    "minority_signal",
    "paper_comparison",
    "costs",
    "provenance",
)
FIGURES = (
    "bias_reduction",
    "tipping_curve",
    "defenses",
    "honest_costs",
    "domains",
    "utility",
    "minority_toy",
    "minority_alpha",
    "minority_pareto",
    "minority_knowledge",
    "minority_signal",
)


def sections(tables: Tables, settings: Mapping[str, Any]) -> list[Section]:
    """The sections of the page that the tables of the run have something for, in their order.

    tables: frames by name (schemas in quorum.tables; paper_reference as quorum.figures.draw wants it).
    settings: the configuration of the run.
    """
    confidence, size = settings["statistics"]["confidence"], settings["defense"]["at_size"]
    found: list[Section] = []
    both = bargaining.uptakes(tables)
    if both:
        of_run = bargaining.outcomes(tables)
        own = bargaining.of_uptake(tables, both[0])
        blocks = [*bargaining.campaigns_table(of_run, confidence), *chart("bias_reduction", tables, main_size=size)]
        found.append(Section("answers", "Campaign by campaign", "Answers", (), blocks))
        found += bargaining.tipping(
            tables,
            both[0],
            "tipping",
            "How does the model move?",
            "Tipping curve",
            bargaining.curve_sentences(own["tipping_curve"], own["tipping_points"]),
        )
        found += filters.defenses(own, size, settings["defense"]["at_strength"])
        found += bargaining.domains(own, size)
        found += bargaining.utility(own, size)
        found += bargaining.in_context(tables, of_run, settings)
    found += planning.plan(tables, settings)
    found += minority.minority(tables)
    found += comparison.papers(tables)
    return [*found, *comparison.set_and_measured(tables, settings)]


def lead(tables: Tables, settings: Mapping[str, Any]) -> list[answer.Answer]:
    """The answers at the top: those of the main uptake."""
    both = bargaining.uptakes(tables)
    of_run = bargaining.outcomes(tables) if both else []
    collective = settings["collective"]
    return answer.answers(
        [o for o in of_run if o.uptake == both[0]],
        settings["world"]["background_size"],
        settings["statistics"]["confidence"],
        None if collective["pool_file"] else collective["sentences_per_agent"],
    )


def html(
    tables: Tables,
    settings: Mapping[str, Any],
    assets: Mapping[str, str],
    made_at: datetime,
    paths: Mapping[str, str | Path],
) -> str:
    """The whole page. assets: see quorum.report.page; paths: the files of the tables, whose hashes the page tells."""
    return page.render(
        assets,
        page.scripts(),
        sections(tables, settings),
        lead=lead(tables, settings),
        model=settings["model"]["name"],
        facts=provenance.facts(tables, settings, made_at),
        provenance=provenance.tables_of(tables, paths),
        configuration=yaml.safe_dump(json.loads(json.dumps(settings)), sort_keys=False, allow_unicode=True),
    )
