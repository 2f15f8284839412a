"""All filters together: the mean of what each of them finds, on one scale."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from quorum.defenses.calibration import LARGEST_RATE, Scores, rank, threshold


def combine(parts: Mapping[str, Scores]) -> Scores:
    """Mean of the ranks that the filters give a text, each its empirical quantile in the reference, in [0, 2).

    The rule is a calibrated mean with equal weights; nothing is learnt, and no text is scored again. The rule for the
    reference: each of its texts has the mean of its own ranks, and the threshold is calibrated anew on those means; so
    the composite has the same promised false-positive rate as each filter alone. It spares no first copy: a near
    duplicate is one sign among the others here.
    """
    ranks = {name: rank(part.texts, part.reference) for name, part in parts.items()}
    mean = np.mean(list(ranks.values()), axis=0)
    clean = np.mean([rank(part.reference, part.reference) for part in parts.values()], axis=0)
    names, by_rank = np.array(list(ranks)), np.array(list(ranks.values()))
    worst = np.argsort(-by_rank, axis=0, kind="stable")[:2]
    limit = threshold(clean, LARGEST_RATE)
    reasons = [
        "suspicious together: " + ", ".join(f"{names[part]} rank {by_rank[part, row]:.2f}" for part in worst[:, row])
        if mean[row] > limit
        else ""
        for row in range(len(mean))
    ]
    return Scores(mean, clean, mean, tuple(reasons))
