"""What a trained model does to both groups, on rows that it was not trained on."""

from __future__ import annotations

import numpy as np

from quorum.minority.population import GROUPS


def measures(label: np.ndarray, predicted: np.ndarray, group: np.ndarray) -> dict[str, float]:
    """error, eqod, sp, tpr_gap and fpr_gap of predictions; all arguments (n,) of 0 and 1, group 1 is the minority.

    eqod is the mean of the absolute gaps in true and false positive rates (fairlearn's equalized_odds_difference with
    agg="mean"), sp the absolute gap in positive predictions (demographic_parity_difference). The signed gaps are the
    majority's rate minus the minority's.
    Raises ValueError if a group lacks a label: one of its rates does not exist.
    """
    rates, positive = np.empty((2, 2)), np.empty(2)
    for number, name in GROUPS.items():
        mine = group == number
        for value in (0, 1):
            of_label = predicted[mine & (label == value)]
            if not len(of_label):
                raise ValueError(f"no row of the {name} (group {number}) has label {value}: its rate does not exist")
            rates[number, value] = of_label.mean()
        positive[number] = predicted[mine].mean()
    fpr_gap, tpr_gap = (float(gap) for gap in rates[0] - rates[1])
    return {
        "error": float((label != predicted).mean()),
        "eqod": (abs(tpr_gap) + abs(fpr_gap)) / 2,
        "sp": float(abs(positive[0] - positive[1])),
        "tpr_gap": tpr_gap,
        "fpr_gap": fpr_gap,
    }
