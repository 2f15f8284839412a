"""The sections that put the answer into its place: the papers' numbers, what was set and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from quorum.figures import theme
from quorum.report import words
from quorum.report.blocks import Cell, Section, Table, Tables

_FORMS = {
    "share": lambda value: words.share(value, 0 if round(100 * value, 6) % 1 == 0 else 1),
    "percentage points": lambda value: f"{value:.0f} points",
    "sentences": words.count,
    "bits": lambda value: f"{value:.2f} bits",
}


def papers(tables: Tables) -> list[Section]:
    """The papers' numbers beside this run's."""
    frame = tables.get("paper_comparison")
    if frame is None or frame.empty:
        return []
    blocks = []
    for paper, part in frame.groupby("paper", sort=False):
        measured = part[part["value"].notna()]
        if len(measured):
            blocks.append(_table(measured, str(paper), folded=len(measured) > 12))
        rest = len(part) - len(measured)
        if rest:
            caption = f"{paper}: {words.counted(rest, 'number')} that this run did not measure"
            blocks.append(_table(part[part["value"].isna()], caption, folded=True))
    sentences = [
        "The papers asked other models and other splits of the data: their numbers are beside these, and not a target."
    ]
    return [Section("papers", "What did the papers find?", "Papers", sentences, blocks)]


def _table(frame: pd.DataFrame, caption: str, folded: bool) -> Table:
    rows = []
    for row in theme.rows(frame):
        form = _FORMS.get(row["unit"], lambda value: f"{value:.3g}")
        condition, _, here = str(row["condition"] or "").partition("; here: ")
        interval = words.interval(row["low"], row["high"], form)
        value = "\u2013" if row["value"] is None else form(row["value"])
        rows.append(
            [
                Cell(theme.label(row["quantity"]), _conditions(condition)),
                Cell(form(row["paper_value"])),
                Cell(value, interval),
                Cell(_conditions(here), row["note"] or ""),
            ]
        )
    return Table(
        caption,
        ["quantity", "paper", "this run", "condition here"],
        rows,
        [False, True, True, False],
        folded,
        kind="papers",
    )


def _conditions(text: str) -> str:
    """ "pool_size=0, probe_set=held_out" as "pool size 0, probe set held out"."""
    return ", ".join(part.replace("=", " ").replace("_", " ") for part in text.split(", "))


# ---- set and measured ------------------------------------------------------------------------------------------------


def set_and_measured(tables: Tables, settings: Mapping[str, Any]) -> list[Section]:
    """What follows from the configuration, and what from the model."""
    world, collective, defense = settings["world"], settings["collective"], settings["defense"]
    rate = defense["strengths"][defense["at_strength"]]
    strategies = words.listed([theme.label(name) for name in collective["strategies"]])
    people = words.counted(collective["agents"], "person", "people")
    each = words.counted(collective["sentences_per_agent"], "sentence")
    given = [
        f"The firm's own data: {words.counted(world['background_size'], 'sentence')}, of them "
        f"{words.share(world['male_share'])} with a male pronoun. The paper measured such a share on its model; here "
        "it is set.",
        (
            "The collective's sentences: those that were submitted."
            if collective["pool_file"]
            else f"The collective's sentences, by up to {people} with {each} each, and who they call he or she: "
            f"strategy {strategies}."
        ),
        f"How strict the filters are: each may reject {words.share(rate)} of clean sentences. No filter sees who wrote "
        "what.",
        "What the data themselves say, and what a model would say that copies them: both follow from what is set.",
    ]
    found = [
        "What the model says as released, as deployed (with the firm's data alone) and after the campaign.",
        "What each filter rejects, of the campaign and of everybody else.",
        "What is left of the model's usefulness.",
        *(["What classifiers do to a minority, before and after."] if "minority_alpha" in tables else []),
    ]
    return [
        Section(
            "set",
            "What was set, and what was measured",
            "Set or measured",
            (),
            [
                Table("Set by whoever runs the study", [], [[Cell(text)] for text in given], [], False, "list"),
                Table("Measured", [], [[Cell(text)] for text in found], [], False, "list"),
                Table("What this does not say", [], [[Cell(text)] for text in _limits(settings)], [], False, "list"),
            ],
        )
    ]


def _limits(settings: Mapping[str, Any]) -> list[str]:
    seeds = words.counted(len(settings["seeds"]), "independent run")
    return [
        f"It is about one model, {settings['model']['name']}, in English, and {seeds}; another model can answer "
        "otherwise.",
        "The firm's sentences are written from a few patterns, so that filters find anything else novel: a filter that "
        "does well here promises nothing for real streams.",
        "Saying he and she equally often is the papers' goal and not a definition of fairness; it leaves out whom "
        "neither word fits.",
        "Intervals are about wordings and runs of this study, and not about other models, languages or professions.",
    ]
