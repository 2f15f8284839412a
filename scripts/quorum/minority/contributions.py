"""What the collective contributes: its own rows, unchanged but for the label."""

from __future__ import annotations

import numpy as np


def relabelled(label: np.ndarray, candidates_in_order: np.ndarray, m: int) -> np.ndarray:
    """The labels of all rows after the first m candidates took label 1; a new array.

    label: (n,); candidates_in_order: row numbers, all with label 0. m above their number relabels all of them.
    Raises ValueError for a negative m, or a candidate with another label.
    """
    if m < 0:
        raise ValueError(f"{m} flips: nobody can relabel fewer than no rows")
    if label[candidates_in_order].any():
        first = candidates_in_order[label[candidates_in_order] != 0][0]
        raise ValueError(f"row {first} is no candidate: its label is {label[first]} already")
    changed = label.copy()
    changed[candidates_in_order[:m]] = 1
    return changed
