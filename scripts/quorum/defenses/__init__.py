"""The firm's filters: each one scores the whole stream of texts and knows nothing of who wrote what.

Scoring and judging are apart. A filter is one module with one function,

    score(stream, reference, *, seed, lexicon) -> Scores

found by its name in `FILTERS`; a new filter is a new module and a new line there. `composite` is made of the others'
scores. `judge` turns scores into verdicts in the same way for all of them, at any strength: a strength is a
false-positive rate on the clean reference, so that filters are compared at the same promised cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module

import numpy as np
import pandas as pd

from quorum.defenses.blinded import Blinded, strings
from quorum.defenses.calibration import Scores, threshold

FILTERS: Mapping[str, str] = {
    "keyword": "quorum.defenses.keywords",
    "repetition": "quorum.defenses.repetition",
    "tfidf": "quorum.defenses.tfidf",
    "minhash": "quorum.defenses.minhash",
}
COMPOSITE = "composite"
DEFENSES = ("none", *FILTERS, COMPOSITE)
"""All defenses by name; "none" lets everything through and has no scores."""


def score(
    ids: Sequence[str], stream: Blinded, reference: Blinded, seed: int, lexicon: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of every filter: the rows of the tables `scores` and `reference_scores`, filter after filter.

    ids: names of the contributions, unique, in the order of the stream; only repeated in the scores and in reasons,
    never seen by a filter. stream: all contributions in their order of arrival. reference: ordinary clean texts, the
    same for every filter. seed: for filters that draw (minhash). lexicon: columns term and weight (keyword).

    Raises TypeError where ids are not strings; ValueError for ids that repeat or do not fit the stream, an empty
    reference or an unusable lexicon.
    """
    ids = strings("ids", ids)
    if len(ids) != len(stream):
        raise ValueError(f"{len(ids)} ids for {len(stream)} texts; each text needs one")
    repeated = next((name for name, times in Counter(ids).items() if times > 1), None)
    if repeated is not None:
        raise ValueError(f"id {repeated!r} occurs more than once; ids must be unique")
    if not len(reference):
        raise ValueError("the reference is empty; filters need clean texts to calibrate their thresholds")
    found = {
        name: import_module(module).score(stream, reference, seed=seed, lexicon=lexicon)
        for name, module in FILTERS.items()
    }
    found[COMPOSITE] = import_module("quorum.defenses.composite").combine(found)
    scores = pd.concat([_rows(name, ids, part) for name, part in found.items()], ignore_index=True)
    of_reference = [pd.DataFrame({"defense": name, "score": part.reference}) for name, part in found.items()]
    return scores, pd.concat(of_reference, ignore_index=True)


def _rows(name: str, ids: Sequence[str], scores: Scores) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "defense": name,
            "contribution_id": pd.Series(ids, dtype="str"),
            "score": scores.texts.astype(np.float64),
            "accepted_from": scores.accepted_from.astype(np.float64),
            "reason": pd.Series([scores.explain(row, ids) for row in range(len(ids))], dtype="str"),
        }
    )


def judge(
    scores: pd.DataFrame, reference_scores: pd.DataFrame, defense: str, false_positive_rate: float
) -> pd.DataFrame:
    """One verdict per contribution, in the order of the stream: the rows of table `verdicts`.

    scores, reference_scores: the tables of these names. defense: a filter in them. false_positive_rate: share of the
    reference that may be rejected, in [0, 1). A contribution is accepted if its column `accepted_from` is at most the
    threshold of `calibration.threshold`, taken from the scores of the reference.

    Raises ValueError for a filter without scores, or a rate outside of [0, 1).
    """
    mine = scores[scores["defense"] == defense]
    clean = reference_scores.loc[reference_scores["defense"] == defense, "score"]
    if clean.empty:
        known = ", ".join(dict.fromkeys(reference_scores["defense"]))
        raise ValueError(f"no scores of defense {defense!r}; there are those of {known}")
    accepted = mine["accepted_from"] <= threshold(clean.to_numpy(), false_positive_rate)
    verdicts = mine[["contribution_id", "score"]].assign(accepted=accepted, reason=mine["reason"].mask(accepted, ""))
    return verdicts.reset_index(drop=True)
