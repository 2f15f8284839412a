"""The background: the ordinary clinical sentences that the firm has from elsewhere, with the male share that is set."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quorum.population import (
    BACKGROUND,
    ResourceError,
    check_professions,
    check_skeletons,
    is_reserved_for_pool,
    number_of_variants,
    sentence,
)
from quorum.pronouns import split_at_pronoun

# Far from any seed of a study, so that the firm's clean sample is never its stream.
REFERENCE_SEED = 1_000_000

_TextAbout = tuple[int, int, int]


def write_background(
    professions: pd.DataFrame,
    skeletons: pd.DataFrame,
    template: pd.DataFrame,
    size: int,
    male_share: float,
    overlap: float,
    seed: int,
    sentences_per_agent: int = 10,
) -> pd.DataFrame:
    """`size` distinct sentences about all professions, a frame of table `contributions` in random order.

    Exactly round(size * male_share) are male and the rest female. `overlap` is xi: exactly round(size * xi) sentences
    follow the skeletons `template` of the pool, in combinations that the pool does not use. Inside and outside of the
    overlap the male share is the same up to rounding, and so it is within every profession. Everybody writes
    sentences_per_agent of them, which should be what an agent of the collective writes: the number of somebody's
    sentences then tells nobody on which side they are.

    Raises ResourceError if the skeletons have too few sentences, and ValueError for a share outside 0..1.
    """
    for name, share in (("male_share", male_share), ("overlap", overlap)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is {share}; use a share in 0..1")
    names = check_professions(professions)["profession"].tolist()
    skeletons, template = check_skeletons(skeletons), check_skeletons(template)
    rng = np.random.default_rng([seed, 0])
    in_template = round(size * overlap)
    male = round(size * male_share)
    male_in_template = min(male, in_template, max(round(in_template * male_share), male - (size - in_template)))
    rows = _write(names, skeletons, size - in_template, male - male_in_template, False, rng)
    rows += _write(names, template, in_template, male_in_template, True, rng)
    frame = pd.DataFrame(rows, columns=["profession", "skeleton", "gender", "prompt", "completion"])
    frame = frame.iloc[rng.permutation(size)].reset_index(drop=True)
    frame.insert(0, "contribution_id", [f"firm{k:06d}" for k in range(1, size + 1)])
    frame.insert(1, "agent", [f"firm{k // sentences_per_agent + 1:04d}" for k in range(size)])
    frame.insert(2, "source", BACKGROUND)
    return frame


def _write(
    names: list[str], skeletons: pd.DataFrame, size: int, male: int, pool_excluded: bool, rng: np.random.Generator
) -> list[tuple[str, str, str, str, str]]:
    """`size` distinct sentences, `male` of them male, over all skeletons and professions as evenly as they allow."""
    texts, labels = skeletons["text"].tolist(), skeletons["skeleton"].tolist()
    cells: list[list[_TextAbout]] = []
    for s, text in enumerate(texts):
        for i in range(len(names)):
            variants = range(number_of_variants(text))
            own = [(s, i, v) for v in variants if not (pool_excluded and is_reserved_for_pool(text, i, v))]
            cells.append([own[k] for k in rng.permutation(len(own))])
    available = sum(map(len, cells))
    if size > available:
        raise ResourceError(
            f"the skeletons {labels} have {available} sentences, fewer than the {size} asked of the background; "
            "add skeletons or choices, or ask for a smaller background"
        )
    # One sentence of every cell (skeleton, profession) in turn, the cells in random order.
    order = [cells[k] for k in rng.permutation(len(cells))]
    depth = max(map(len, cells), default=0)
    turns = [cell[turn] for turn in range(depth) for cell in order if turn < len(cell)]
    chosen = sorted(turns[:size], key=lambda about: (about[1], about[0]))
    rows = []
    for k, (s, i, v) in enumerate(chosen):
        # Evenly spread along professions and skeletons: the total is exact, and each of them is close to it.
        gender = "male" if (k + 1) * male // size > k * male // size else "female"
        prompt, completion = split_at_pronoun(sentence(texts[s], names[i], v, gender))
        rows.append((names[i], labels[s], gender, prompt, completion))
    return rows
