"""Intervals that say nothing: where all observations agree, a bootstrap has no width, however few they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def has_width(low: ArrayLike, high: ArrayLike) -> NDArray[np.bool_]:
    """Whether each interval has a width; one without ends counts as one that has.

    A bootstrap of observations that all agree comes to a width of 0, however few they are: it says nothing of how sure
    the estimate is. Wilson's interval does.
    """
    return ~np.isclose(np.asarray(low, dtype=float), np.asarray(high, dtype=float), rtol=0, atol=1e-9)
