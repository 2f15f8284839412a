"""What becomes of a file's sentences: validated as any submission, then judged by the firm's filter, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from quorum import background, defenses, tables
from quorum.contributions import validate_submission
from quorum.defenses import composite
from quorum.defenses.blinded import Blinded, blind, blind_contributions
from quorum.defenses.calibration import Scores, threshold

ACCEPTED, INVALID, FILTERED = "accepted", "invalid", "filtered"


@dataclass(frozen=True)
class Firm:
    """Who receives the campaign.

    background: what it has (table contributions). reference: its clean texts. defense, false_positive_rate: its filter
    and strength. lexicon, seed: of the filters (defenses.score). health_terms, professions: what a submission is
    validated against (contributions.validate_submission).
    """

    background: pd.DataFrame
    reference: Blinded
    defense: str
    false_positive_rate: float
    lexicon: pd.DataFrame
    seed: int
    health_terms: Sequence[str]
    professions: pd.DataFrame


def equipped(
    files: Mapping[str, Any],
    defense: str,
    *,
    reference_size: int,
    male_share: float,
    overlap: float,
    seed: int,
    sentences_per_agent: int,
    rate: float,
) -> Firm:
    """The firm out of its files: background (table contributions), professions, skeletons, template, keywords, health.

    Its clean reference is written as for the study's own filters (background.write_background).
    """
    read = {name: pd.read_csv(files[name]) for name in ("professions", "skeletons", "template", "keywords", "health")}
    clean = background.write_background(
        read["professions"],
        read["skeletons"],
        read["template"],
        reference_size,
        male_share,
        overlap,
        background.REFERENCE_SEED + seed,
        sentences_per_agent,
    )
    return Firm(
        tables.read_table(files["background"], "contributions"),
        blind_contributions(clean),
        defense,
        rate,
        read["keywords"],
        seed,
        read["health"]["term"].tolist(),
        read["professions"],
    )


def judge_background(firm: Firm) -> pd.DataFrame:
    """The background that the firm's own filter leaves it, which is what the campaign is up against."""
    accepted, _ = _verdicts(firm, [], [], *_texts(firm.background))
    return firm.background[accepted].reset_index(drop=True)


def judge_file(firm: Firm, earlier: pd.DataFrame, sentences: pd.DataFrame, number: int) -> pd.DataFrame:
    """The verdicts on a file's sentences, rows of table monitor_verdicts, in the order of the file.

    earlier: the verdicts on all files before. sentences: columns text and agent; a row that names no agent is one of
    its own. The filter sees the background, all valid sentences that came before, and these; what it once said stays.
    """
    row = np.arange(1, len(sentences) + 1)
    unnamed = sentences["agent"].isna() | (sentences["agent"].astype(str).str.strip() == "")
    named = sentences.assign(
        agent=sentences["agent"].mask(unnamed, pd.Series([f"file{number:05d}.{k}" for k in row], dtype="object"))
    )
    before = earlier[earlier["stage"] != INVALID]
    valid, rejections = validate_submission(named, firm.health_terms, firm.professions, taken=before["text"].tolist())
    refused = rejections.set_index("row")
    kept = np.setdiff1d(row, refused.index)
    (own_texts, own_agents), (texts, agents) = _texts(firm.background), _texts(valid)
    accepted, reasons = _verdicts(
        firm, own_texts + before["text"].tolist(), own_agents + before["agent"].tolist(), texts, agents
    )
    judged = pd.DataFrame(
        {
            "row": kept,
            "agent": agents,
            "gender": valid["gender"].to_numpy(),
            "text": texts,
            "stage": np.where(accepted, ACCEPTED, FILTERED),
            "reason": reasons,
        }
    )
    invalid = pd.DataFrame(
        {
            "row": refused.index,
            "agent": refused["agent"].to_numpy(),
            "gender": "none",
            "text": refused["text"].to_numpy(),
            "stage": INVALID,
            "reason": refused["reason"].to_numpy(),
        }
    )
    together = pd.concat([judged, invalid]).sort_values("row", ignore_index=True)
    return together.assign(number=number).astype({"row": "int64", "number": "int64"})


def _texts(contributions: pd.DataFrame) -> tuple[list[str], list[str]]:
    return (contributions["prompt"] + contributions["completion"]).tolist(), contributions["agent"].tolist()


def _verdicts(
    firm: Firm, texts: list[str], agents: list[str], new_texts: list[str], new_agents: list[str]
) -> tuple[np.ndarray, list[str]]:
    """Which of the new texts the filter accepts, and why not the others; texts: all that came before them."""
    if firm.defense == "none" or not new_texts:
        return np.ones(len(new_texts), dtype=bool), [""] * len(new_texts)
    stream = blind(texts + new_texts, agents + new_agents)
    scores = score_last(firm, stream, len(new_texts))
    accepted = scores.accepted_from <= threshold(scores.reference, firm.false_positive_rate)
    return accepted, ["" if well else why for well, why in zip(accepted, scores.reasons, strict=True)]


def score_last(firm: Firm, stream: Blinded, size: int) -> Scores:
    """Scores of the last `size` texts of a stream, as `defenses.score` gives them for the whole of it."""
    first = len(stream) - size
    part = Blinded(stream.texts[first:], stream.agents[first:])
    found = {}
    for name in defenses.FILTERS if firm.defense == defenses.COMPOSITE else [firm.defense]:
        module = import_module(defenses.FILTERS[name])
        shared = module.share(stream, firm.reference, firm.seed) if name in defenses.SHARING else None
        found[name] = defenses.score_part(name, part, firm.reference, shared, first_row=first, lexicon=firm.lexicon)
    return composite.combine(found) if firm.defense == defenses.COMPOSITE else found[firm.defense]
