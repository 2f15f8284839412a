"""Repetition inside a text, wordings that many texts share, and bursts of one wording from one agent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from quorum.defenses import gopher
from quorum.defenses.blinded import Blinded
from quorum.defenses.calibration import Found, Scores, rank, score_blocks
from quorum.defenses.ragged import Ragged, mixed, runs
from quorum.defenses.words import Words, blocks, shorten

WORDING = 4
"""Length in words of a wording that texts share; shorter runs are ordinary English, longer ones rarely span a slot."""


def _wordings(words: Words, agents: np.ndarray) -> tuple[Ragged, Ragged]:
    """Per text its wordings in their order, and the same as wordings of its agent."""
    wordings = runs(words.hashes, WORDING)
    own = mixed(wordings.values ^ np.repeat(mixed(agents), wordings.sizes)) >> np.uint64(1)
    return wordings, Ragged(own, wordings.starts)


def _agents(contributions: Blinded, reference: bool) -> np.ndarray:
    """Pseudonyms; nobody in the reference is somebody in the stream, whatever the names."""
    return ~contributions.agents if reference else contributions.agents


def count(part: Blinded, reference: bool = False) -> pd.DataFrame:
    """In how many of the texts each wording, and each wording of one agent, occurs: a frame of table `shared_wordings`.

    This is what one part of a stream has to tell the others; the reference counts as a part.
    """
    agents, counted = _agents(part, reference), []
    for first, words in blocks(part.texts):
        keys = [kind.distinct().values for kind in _wordings(words, agents[first : first + len(words)])]
        key, texts = np.unique(np.concatenate(keys), return_counts=True)
        counted.append(pd.DataFrame({"wording": key.view(np.int64), "texts": texts}))
    return _together(counted)


def ranges(number: int) -> list[tuple[int, int]]:
    """Hashes of wordings in ranges (first, last excluded), so that no more than one range of all need be in memory."""
    edges = [2**63 * edge // number for edge in range(number + 1)]
    return [(first, min(last, 2**63 - 1)) for first, last in pairwise(edges)]


def merge(counted: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The counts of all parts together, a frame of table `shared_wordings`; what a single text has is left out.

    The merged counts of all `ranges`, one after the other, are those of everything.
    """
    counts = _together(counted)
    return counts[counts["texts"] > 1].reset_index(drop=True)


def _together(counted: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The sums of the counts, sorted by wording."""
    if not counted:
        return pd.DataFrame({"wording": np.zeros(0, dtype=np.int64), "texts": np.zeros(0, dtype=np.int64)})
    key, texts = (np.concatenate([part[column].to_numpy() for part in counted]) for column in ("wording", "texts"))
    order = np.argsort(key)
    key, texts = key[order], texts[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    return pd.DataFrame({"wording": key[first], "texts": np.add.reduceat(texts, first) if len(key) else texts})


def _others(keys: Ragged, wordings: pd.DataFrame) -> np.ndarray:
    """For each key the number of other texts that have it."""
    known, texts = wordings["wording"].to_numpy(), wordings["texts"].to_numpy()
    if not len(known):
        return np.zeros(len(keys.values), dtype=np.int64)
    values = keys.values.view(np.int64)
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[at] == values, texts[at] - 1, 0)


def _measure(words: Words, agents: np.ndarray, wordings: pd.DataFrame) -> tuple[np.ndarray, list[Ragged]]:
    """Gopher's measures over their limits (texts x 13; 0 where nothing is repeated), and of each wording how many other
    texts, and how many other texts of its agent, have it."""
    kinds = [Ragged(_others(kind, wordings), kind.starts) for kind in _wordings(words, agents)]
    measures, repeated = gopher.measures(words)
    return np.where(repeated, measures, 0.0) / np.array(list(gopher.LIMITS.values())), kinds


def _three(inside: np.ndarray, kinds: Sequence[Ragged]) -> list[np.ndarray]:
    """The three measures of each text: inside, shared, burst."""
    return [inside.max(axis=1), *(kind.sums(kind.values) / np.maximum(1, kind.sizes) for kind in kinds)]


def share(stream: Blinded, reference: Blinded, seed: int) -> pd.DataFrame:
    """The counted wordings of a stream in one part."""
    return merge([count(stream), count(reference, reference=True)])


def score_part(
    part: Blinded, reference: Blinded, shared: pd.DataFrame, *, first_row: int, lexicon: pd.DataFrame
) -> Scores:
    """The largest of three ranks in the reference, each the empirical quantile of a measure (`calibration.rank`).

    inside: the largest of the 13 Gopher measures, each divided by its limit, so that Gopher drops a text above 1; a
    top n-gram that occurs once is no repetition here, or every short sentence would be one.
    shared: mean, over the text's 4-word wordings, of the number of other texts of stream and reference that contain the
    wording. burst: the same, of other texts of its agent. The three have no common unit, which is why ranks are
    compared; the largest one counts because a text that stands out in one way need not in another.

    part: the stream or a part of it. shared: `merge` of the counts of all parts and of the reference.

    The rule for the reference: its texts are counted in the same corpus (stream and reference together, without the
    text itself) as the stream's. A reference stream of its own would be smaller and of another make-up, and its counts
    those of another corpus; like this an ordinary text has the same score whether it stands in the stream or in the
    reference. Agents of the reference are other people than those of the stream.
    """
    agents = _agents(reference, True)
    known = [
        _three(*_measure(words, agents[first : first + len(words)], shared)) for first, words in blocks(reference.texts)
    ]
    clean = [np.concatenate(measure) for measure in zip(*known, strict=True)]

    def measure(first: int, words: Words) -> Found:
        inside, kinds = _measure(words, part.agents[first : first + len(words)], shared)
        ranks = np.array([rank(m, c) for m, c in zip(_three(inside, kinds), clean, strict=True)])
        scores = ranks.max(axis=0)

        def explain(row: int) -> str:
            largest = int(ranks[:, row].argmax())
            if largest == 0:
                worst = int(inside[row].argmax())
                name, limit = list(gopher.LIMITS.items())[worst]
                return f"repeats itself: {name} {inside[row, worst] * limit:.2f} of the text"
            counts = kinds[largest - 1]
            own = counts.values[counts.starts[row] : counts.starts[row + 1]]
            place = int(own.argmax())
            wording = shorten(" ".join(words.of(row, place, WORDING)))
            of_whom = ("other texts", "other texts of its agent")[largest - 1]
            return f"shares the wording “{wording}” with {own[place]} {of_whom}"

        return scores, scores, explain

    return score_blocks(part.texts, np.max([rank(c, c) for c in clean], axis=0), measure)
