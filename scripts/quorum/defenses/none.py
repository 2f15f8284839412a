"""No filter: every text is accepted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from quorum.defenses.calibration import Scores


def score(
    texts: Sequence[str], reference: Sequence[str], *, seed: int = 0, lexicon: pd.DataFrame | None = None
) -> Scores:
    """Score 0 for every text, and 0 as the one reference score, so that nothing lies above the threshold."""
    return Scores(np.zeros(len(texts)), np.zeros(1), lambda row, ids: "")
