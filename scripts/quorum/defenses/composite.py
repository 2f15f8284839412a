"""All filters together: the mean of what each of them finds, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from quorum.defenses.calibration import Scores, rank


def combine(parts: Mapping[str, Scores]) -> Scores:
    """Mean of the ranks that the filters give a text, each its empirical quantile in the reference, in [0, 2).

    The rule is a calibrated mean with equal weights; nothing is learnt, and no text is scored again. The rule for the
    reference: each of its texts has the mean of its own ranks, and the threshold is calibrated anew on those means; so
    the composite has the same promised false-positive rate as each filter alone. It spares no first copy: a near
    duplicate is one sign among the others here.
    """
    ranks = {name: rank(part.texts, part.reference) for name, part in parts.items()}
    own = [rank(part.reference, part.reference) for part in parts.values()]
    mean = np.mean(list(ranks.values()), axis=0)

    def explain(row: int, ids: Sequence[str]) -> str:
        worst = sorted(ranks, key=lambda name: -ranks[name][row])[:2]
        return "suspicious together: " + ", ".join(f"{name} rank {ranks[name][row]:.2f}" for name in worst)

    return Scores(mean, np.mean(own, axis=0), mean, explain)
