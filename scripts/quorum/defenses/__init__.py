"""The firm's filters: each one scores the whole stream of texts and knows nothing of who wrote what.

Scoring and judging are apart. A filter is one module with one function,

    score_part(part, reference, shared, *, first_row, lexicon) -> Scores

found by its name in `filters.FILTERS`; a new filter is a new module in the folder own. A stream may come in parts, and
every text has the same score however many: what the parts of a stream have to know of each other is in `shared`, a
table that the filters in `SHARING` make of all of them with `share`, and others do without. `composite` is made of the
scores of those of the study. `judge` turns scores into verdicts in the same way for all of them, at any strength: a
strength is a false-positive rate on the clean reference, so that filters are compared at the same promised cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import import_module

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded, strings
from quorum.defenses.calibration import Scores, threshold
from quorum.filters import COMPOSITE, DEFENSES, FILTERS, SHARING, STUDIED

__all__ = ["COMPOSITE", "DEFENSES", "FILTERS", "SHARING", "as_tables", "from_tables", "judge", "score", "score_part"]


def score(
    ids: Sequence[str], stream: Blinded, reference: Blinded, seed: int, lexicon: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of every filter: the rows of the tables `scores` and `reference_scores`, filter after filter.

    ids: names of the contributions, unique, in the order of the stream; only repeated in the scores, never seen by a
    filter. stream: all contributions in their order of arrival. reference: ordinary clean texts, the same for every
    filter. seed: for filters that draw (minhash). lexicon: columns term and weight (keyword).

    Raises TypeError where ids are not strings; ValueError for ids that repeat or do not fit the stream, an empty
    reference or an unusable lexicon.
    """
    ids = strings("ids", ids)
    if len(ids) != len(stream):
        raise ValueError(f"{len(ids)} ids for {len(stream)} texts; each text needs one")
    repeated = next((name for name, times in Counter(ids).items() if times > 1), None)
    if repeated is not None:
        raise ValueError(f"id {repeated!r} occurs more than once; ids must be unique")
    found = {}
    for name, module in FILTERS.items():
        shared = import_module(module).share(stream, reference, seed) if name in SHARING else None
        found[name] = score_part(name, stream, reference, shared, lexicon=lexicon)
    found[COMPOSITE] = import_module("quorum.defenses.composite").combine({name: found[name] for name in STUDIED})
    tables = [as_tables(name, ids, part) for name, part in found.items()]
    scores, reference_scores = (pd.concat(parts, ignore_index=True) for parts in zip(*tables, strict=True))
    return scores, reference_scores


def score_part(
    defense: str,
    part: Blinded,
    reference: Blinded,
    shared: pd.DataFrame | None,
    *,
    first_row: int = 0,
    lexicon: pd.DataFrame,
) -> Scores:
    """Scores of one filter for a part of a stream, whose first text is number first_row (from 0) of the whole.

    shared: what the filter knows of all parts (see `SHARING`), or None. Raises ValueError for an empty reference, and
    where the filter has not given every text a score and a reason.
    """
    if not len(reference):
        raise ValueError("the reference is empty; filters need clean texts to calibrate their thresholds")
    module = import_module(FILTERS[defense])
    found = module.score_part(part, reference, shared, first_row=first_row, lexicon=lexicon)
    given = tuple(len(column) for column in (found.texts, found.accepted_from, found.reasons, found.reference))
    if given != (wanted := (len(part), len(part), len(part), len(reference))):
        raise ValueError(
            f"filter {defense}: texts, accepted_from, reasons and reference have {given} entries; needed are {wanted}"
        )
    return found


def as_tables(defense: str, ids: Sequence[str], scores: Scores) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores as frames of the tables `scores` and `reference_scores`."""
    of_stream = {
        "defense": pd.Series([defense] * len(ids), dtype="str"),
        "contribution_id": pd.Series(ids, dtype="str"),
        "score": scores.texts.astype(np.float64),
        "accepted_from": scores.accepted_from.astype(np.float64),
        "reason": pd.Series(scores.reasons, dtype="str"),
    }
    return pd.DataFrame(of_stream), pd.DataFrame({"defense": defense, "score": scores.reference})


def from_tables(scores: pd.DataFrame, reference_scores: pd.DataFrame) -> dict[str, Scores]:
    """The scores in the tables `scores` and `reference_scores`, by filter."""
    found = {}
    for name, rows in scores.groupby("defense", sort=False):
        clean = reference_scores.loc[reference_scores["defense"] == name, "score"]
        found[name] = Scores(
            rows["score"].to_numpy(), clean.to_numpy(), rows["accepted_from"].to_numpy(), tuple(rows["reason"])
        )
    return found


def judge(
    scores: pd.DataFrame, reference_scores: pd.DataFrame, defense: str, false_positive_rate: float
) -> pd.DataFrame:
    """One verdict per contribution, in the order of the stream: the rows of table `verdicts`.

    scores, reference_scores: the tables of these names. defense: a filter in them. false_positive_rate: share of the
    reference that may be rejected, at most calibration.LARGEST_RATE. A contribution is accepted if its column
    `accepted_from` is at most the threshold of `calibration.threshold`, taken from the scores of the reference.

    Raises ValueError for a filter without scores, or a rate outside of its range.
    """
    mine = scores[scores["defense"] == defense]
    clean = reference_scores.loc[reference_scores["defense"] == defense, "score"]
    if clean.empty:
        known = ", ".join(dict.fromkeys(reference_scores["defense"]))
        raise ValueError(f"no scores of defense {defense!r}; there are those of {known}")
    accepted = mine["accepted_from"] <= threshold(clean.to_numpy(), false_positive_rate)
    verdicts = mine[["contribution_id", "score"]].assign(accepted=accepted, reason=mine["reason"].mask(accepted, ""))
    return verdicts.reset_index(drop=True)
