"""People made up for the tests of the minority study: two groups, and the smaller one is judged more harshly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quorum.minority.population import Population


def people(n: int = 400, seed: int = 0, *, share: float = 0.4, gaps: float = 0.0, per_person: int = 1) -> Population:
    """n rows with merit (a measurement), grade (a code of 5 values), noise and group as features; the good label
    follows merit, and the minority needs more of it."""
    generator = np.random.default_rng(seed)
    group = (generator.random(n) < share).astype(np.int64)
    merit = generator.normal(size=n)
    grade = np.clip(np.round(merit + generator.normal(size=n)), -2, 2)
    label = (merit + generator.normal(scale=0.7, size=n) > 0.8 * group).astype(np.int64)
    features = pd.DataFrame({"merit": merit, "grade": grade, "noise": generator.normal(size=n), "group": group * 1.0})
    if gaps:
        features = features.mask(generator.random(features.shape) < gaps * (features.columns != "group"))
    # Whoever has several rows has them in one group.
    place = np.argsort(group, kind="stable")
    person = np.empty(n, dtype=object)
    person[place] = [f"{group[row]}-{number // per_person}" for number, row in enumerate(place)]
    return Population(features, label, group, person)
