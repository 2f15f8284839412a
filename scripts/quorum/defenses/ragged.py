"""Rows of different lengths, laid end to end: words of texts, runs of words, and what is computed on them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_CELLS = 1 << 20


@dataclass(frozen=True)
class Ragged:
    """Row i holds values[starts[i]:starts[i + 1]]; starts has one more entry than there are rows, and begins with 0."""

    values: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Number of values of each row."""
        return np.diff(self.starts)

    @property
    def rows(self) -> np.ndarray:
        """Row of each value."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """Per row the sum of the weights of its values, added in their order, so that other rows change no digit."""
        return np.bincount(self.rows, weights, minlength=len(self))

    def take(self, rows: np.ndarray) -> Ragged:
        """The rows with these numbers, in this order."""
        sizes = self.sizes[rows]
        starts = starts_of(sizes)
        places = np.repeat(self.starts[:-1][rows] - starts[:-1], sizes) + np.arange(starts[-1])
        return Ragged(self.values[places], starts)

    def matrices(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of equal size together: (row numbers, places of their values as rows x size), size above 0.

        Sorting or reducing along the second axis treats many short rows at once; no matrix has more than 2^20 cells
        (or one row).
        """
        sizes = self.sizes
        order = np.argsort(sizes, kind="stable")
        ordered = sizes[order]
        for size in np.unique(sizes[sizes > 0]):
            same = order[np.searchsorted(ordered, size) : np.searchsorted(ordered, size, side="right")]
            for part in np.array_split(same, -(-len(same) * int(size) // _CELLS)):
                yield part, self.starts[part][:, None] + np.arange(size)

    def counted(self) -> tuple[Ragged, np.ndarray]:
        """Each row sorted, every value once, and how often each of them stood in its row."""
        ordered, first = np.empty_like(self.values), np.empty(len(self.values), dtype=bool)
        for _, places in self.matrices():
            values = np.sort(self.values[places], axis=1)
            ordered[places] = values
            first[places[:, 0]] = True
            first[places[:, 1:]] = values[:, 1:] != values[:, :-1]
        at = np.flatnonzero(first)
        starts = np.concatenate([[0], np.cumsum(first)])[self.starts]
        return Ragged(ordered[at], starts), np.diff(at, append=len(ordered))

    def distinct(self) -> Ragged:
        """Each row sorted, every value once."""
        return self.counted()[0]


def starts_of(sizes: np.ndarray) -> np.ndarray:
    """Where rows of these sizes begin, and the end of the last."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


LONGEST_RUN = 15
_DRAW = np.random.default_rng(2024)
_MULTIPLIERS = _DRAW.integers(2**63, size=LONGEST_RUN + 1, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def side_by_side(one: Ragged, other: Ragged) -> Ragged:
    """Row i of the one followed by row i of the other."""
    starts = one.starts + other.starts
    values = np.empty(starts[-1], dtype=one.values.dtype)
    for part, begin in ((one, starts[:-1]), (other, starts[:-1] + one.sizes)):
        values[np.repeat(begin - part.starts[:-1], part.sizes) + np.arange(len(part.values))] = part.values
    return Ragged(values, starts)


def mixed(values: np.ndarray) -> np.ndarray:
    """A bijection of 64-bit numbers that spreads every bit over all others (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def runs(hashes: Ragged, size: int, short: bool = True) -> Ragged:
    """A hash for every run of `size` values, in their order; size at most LONGEST_RUN.

    A row with fewer values is one run of all of them (none where it is empty); with short=False it has no run. Hashes
    have 63 bits, so that they are whole numbers in any table. Two runs are equal if their hashes are, up to a chance of
    about (number of runs)^2 / 2^64.
    """
    ends = np.repeat(hashes.starts[1:], hashes.sizes)
    left = ends - np.arange(len(hashes.values))
    values = hashes.values + _MULTIPLIERS[-1]  # no value is 0, or a run could be as long again without showing
    total = values * _MULTIPLIERS[0]
    for step in range(1, min(size, len(total))):
        within = left[:-step] > step
        total[:-step][within] += values[step:][within] * _MULTIPLIERS[step]
    sizes = np.maximum(hashes.sizes - size + 1, 0)
    begins = left >= size
    if short:
        alone = (hashes.sizes > 0) & (sizes == 0)
        begins[hashes.starts[:-1][alone]] = True
        sizes = sizes + alone
    return Ragged(mixed(total[begins]) >> np.uint64(1), starts_of(sizes))
