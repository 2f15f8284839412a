from __future__ import annotations

from math import nan

import pytest

from quorum.intervals import has_width


@pytest.mark.parametrize(
    ("low", "high", "wide"),
    [(0.0, 0.0, False), (1.0, 1.0 - 1e-12, False), (0.4, 0.401, True), (nan, 0.5, True), (None, None, True)],
)
def test_an_interval_has_a_width_unless_its_ends_are_one(low, high, wide):
    assert bool(has_width(low, high)) is wide
