"""Where the labels of marks go, so that they cover as little as possible."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def beside(
    labels: Sequence[tuple[float, float, str]],
    obstacles: Sequence[tuple[float, float]],
    lines: Sequence[tuple[float, float]],
    domains: tuple[Sequence[float], Sequence[float]],
    style: Mapping[str, Any],
) -> list[tuple[float, float]]:
    """Where the middle of each label (x, y of its mark, text) goes, so that it covers as little as possible.

    All places are in the units of the two domains, which fill a panel of style width x height. `obstacles` are the
    other marks, `lines` places on lines, which a label may cover if it must. Labels are placed in turn, each at the
    free place nearest to its mark.
    """
    (left, right), (low, high) = domains
    across, up = style["width"] / (right - left), style["height"] / (high - low)
    size = style["font_size"]
    marks = [((x - left) * across, (high - y) * up) for x, y in [*(row[:2] for row in labels), *obstacles]]
    taken = np.array([(x - 6, y - 6, x + 6, y + 6) for x, y in marks]).reshape(-1, 4)
    thin = [((x - left) * across - 3, (high - y) * up - 3) for x, y in lines]
    crossed = np.array([(x, y, x + 6, y + 6) for x, y in thin]).reshape(-1, 4)
    places = []
    for (x, y), (_, _, text) in zip(marks, labels, strict=False):
        written = text.split("\n")
        half_width, half_height = 0.29 * size * max(map(len, written)) + 1, 0.58 * size * len(written)
        best: tuple[float, tuple[float, float, float, float]] | None = None
        for distance in (0, 6, 12, 20, 30):
            for step in range(16):
                towards = (math.cos(math.pi * step / 8), math.sin(math.pi * step / 8))
                middle_x = x + towards[0] * (half_width + 8 + distance)
                middle_y = y + towards[1] * (half_height + 8 + distance)
                box = (middle_x - half_width, middle_y - half_height, middle_x + half_width, middle_y + half_height)
                outside = max(0.0, -box[0], box[2] - style["width"]) + max(0.0, -box[1], box[3] - style["height"])
                covered = 3 * _overlap(box, taken) + _overlap(box, crossed)
                cost = covered + 50 * outside + 3 * distance + 0.01 * step
                if best is None or cost < best[0]:
                    best = (cost, box)
        assert best is not None
        taken = np.vstack([taken, best[1]])
        places.append((left + (best[1][0] + best[1][2]) / 2 / across, high - (best[1][1] + best[1][3]) / 2 / up))
    return places


def _overlap(box: Sequence[float], others: np.ndarray) -> float:
    """The area that a box (left, top, right, bottom) has in common with each of the others (n, 4), summed."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    return float((np.maximum(width, 0) * np.maximum(height, 0)).sum())
