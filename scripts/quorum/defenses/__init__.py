"""The firm's filters: each one judges the whole stream of texts and knows nothing of who wrote what.

A filter is one module with one function,

    score(texts, reference, *, seed, lexicon) -> Scores

found by its name in `DEFENSES`; a new filter is a new module and a new line there. `judge` turns scores into verdicts
in the same way for all of them, so that they are compared at the same promised cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module

import numpy as np
import pandas as pd

from quorum.defenses.calibration import threshold

DEFENSES: Mapping[str, str] = {
    "none": "quorum.defenses.none",
    "keyword": "quorum.defenses.keywords",
    "repetition": "quorum.defenses.repetition",
    "tfidf": "quorum.defenses.tfidf",
    "minhash": "quorum.defenses.minhash",
    "composite": "quorum.defenses.composite",
}


def _strings(name: str, values: Sequence[str]) -> list[str]:
    """The values as a list; TypeError where they are a table, a bare string, or hold anything but strings."""
    if isinstance(values, str | bytes | Mapping) or hasattr(values, "columns"):
        raise TypeError(f"{name} must be a sequence of strings, not {type(values).__name__}: a filter sees texts alone")
    strings = list(values)
    for row, value in enumerate(strings):
        if not isinstance(value, str):
            raise TypeError(f"{name}: row {row} is {type(value).__name__}, not a string")
    return strings


def judge(
    ids: Sequence[str],
    texts: Sequence[str],
    reference: Sequence[str],
    defense: str,
    false_positive_rate: float,
    seed: int,
    lexicon: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One verdict per text, in the order of the texts: the rows of table `verdicts`.

    ids: names of the texts, unique; only repeated in the verdicts and in reasons, never scored.
    texts: the whole stream in its order of arrival. reference: ordinary clean texts, the same for every filter.
    defense: a key of `DEFENSES`. false_positive_rate: share of the reference that may be rejected, in [0, 1).
    seed: for filters that draw (minhash, composite). lexicon: columns term and weight (keyword, composite).

    A text is rejected if its score lies above the threshold of `calibration.threshold`, taken from the scores of the
    reference; `minhash` spares the first text of each group of near duplicates (see there).

    Raises TypeError where ids, texts or reference are not strings; ValueError for an unknown filter, ids that repeat
    or do not fit the texts, a rate outside [0, 1), an empty reference or an unusable lexicon.
    """
    ids, texts, reference = _strings("ids", ids), _strings("texts", texts), _strings("reference", reference)
    if defense not in DEFENSES:
        raise ValueError(f"unknown defense {defense!r}; known: {', '.join(DEFENSES)}")
    if len(ids) != len(texts):
        raise ValueError(f"{len(ids)} ids for {len(texts)} texts; each text needs one")
    repeated = next((name for name, times in Counter(ids).items() if times > 1), None)
    if repeated is not None:
        raise ValueError(f"id {repeated!r} occurs more than once; ids must be unique")
    if not reference and defense != "none":
        raise ValueError(f"the reference is empty; {defense} needs clean texts to calibrate its threshold")

    scores = import_module(DEFENSES[defense]).score(texts, reference, seed=seed, lexicon=lexicon)
    limit = threshold(scores.reference, false_positive_rate)
    accepted = (scores.texts <= limit) | scores.spared(limit)
    return pd.DataFrame(
        {
            "contribution_id": pd.Series(ids, dtype="str"),
            "score": scores.texts.astype(np.float64),
            "accepted": accepted,
            "reason": pd.Series(
                ["" if kept else scores.reason(row, ids) for row, kept in enumerate(accepted)], dtype="str"
            ),
        }
    )
