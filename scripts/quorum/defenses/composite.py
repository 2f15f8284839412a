"""All filters together: the mean of what each of them finds, on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from quorum.defenses import keywords, minhash, repetition, tfidf
from quorum.defenses.calibration import Scores, rank

PARTS = {"keyword": keywords, "repetition": repetition, "tfidf": tfidf, "minhash": minhash}


def score(
    texts: Sequence[str], reference: Sequence[str], *, seed: int = 0, lexicon: pd.DataFrame | None = None
) -> Scores:
    """Mean of the ranks that the four filters give a text, each its empirical quantile in the reference, in [0, 2).

    The rule for the reference: each of its texts has the mean of its own four ranks, and the threshold is calibrated
    anew on those means; so the composite has the same promised false-positive rate as each filter alone. It spares no
    first copy: a near duplicate is one sign among four here. Raises what the filters raise.
    """
    parts = {name: part.score(texts, reference, seed=seed, lexicon=lexicon) for name, part in PARTS.items()}
    ranks = {name: rank(part.texts, part.reference) for name, part in parts.items()}
    own = [rank(part.reference, part.reference) for part in parts.values()]

    def explain(row: int, ids: Sequence[str]) -> str:
        worst = sorted(ranks, key=lambda name: -ranks[name][row])[:2]
        return "suspicious together: " + ", ".join(f"{name} rank {ranks[name][row]:.2f}" for name in worst)

    return Scores(np.mean(list(ranks.values()), axis=0), np.mean(own, axis=0), explain)
