"""The collective: which pronouns its agents write (strategy), in which words (style), and how many it should take.

A pool is an ordered list, and a smaller pool is its beginning: growing a collective adds voices and changes none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

import numpy as np
import pandas as pd

from quorum import grammar
from quorum.population import (
    POOL,
    ResourceError,
    check_professions,
    check_skeletons,
    is_reserved_for_pool,
    number_of_variants,
    sentence,
)
from quorum.pronouns import GENDERS, split_at_pronoun

STRATEGIES = ("balanced", "counter", "parity")


def counter_gender(background_size: int, male_share: float) -> str:
    """The under-represented gender of a background with round(size * male_share) male sentences; female at a tie."""
    return "female" if 2 * round(background_size * male_share) >= background_size else "male"


def critical_size(background_size: int, male_share: float) -> int:
    """Smallest number of counter sentences that brings background and pool together to 50/50: B |2b - 1|.

    Counted on the background's own sentences (round(B b) of them male), so that the mixture is 50/50 exactly.
    """
    male = round(background_size * male_share)
    return abs(2 * male - background_size)


def order_of_genders(strategy: str, size: int, background_size: int, background_male_share: float) -> list[str]:
    """Genders of the first `size` sentences of the pool; a shorter list is the beginning of a longer one.

    balanced alternates; counter is the under-represented gender alone; parity is counter until background and pool
    together are 50/50 (`critical_size`), and alternates from there. Raises ValueError for an unknown strategy.
    """
    counter = counter_gender(background_size, background_male_share)
    other = "male" if counter == "female" else "female"
    if strategy == "counter":
        alone = size
    elif strategy == "parity":
        alone = min(size, critical_size(background_size, background_male_share))
    elif strategy == "balanced":
        alone = 0
    else:
        raise ValueError(f"unknown strategy {strategy!r}; use one of {list(STRATEGIES)}")
    return [counter] * alone + [(counter, other)[k % 2] for k in range(size - alone)]


def _rounds(people: list[int], rng: np.random.Generator) -> Iterator[int]:
    """Endless rounds in which everyone has one turn, in a new order; at an even and at an odd turn alternately.

    Genders alternate along the pool: without the shift an even number of people would each meet one gender only.
    """
    while True:
        order = rng.permutation(people)
        yield from order.tolist()
        yield from np.roll(order, 1 - len(people) % 2).tolist()


@lru_cache(maxsize=65_536)
def _reserved(text: str, parity: int) -> np.ndarray:
    """Variants of a skeleton that the pool may write about the professions in even (parity 0) or odd rows."""
    variants = range(number_of_variants(text))
    return np.array([v for v in variants if is_reserved_for_pool(text, parity, v)], dtype=np.int64)


def _sentences_in_order(texts: list[str], person: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """(skeleton, variant) of all that the pool may write about a person: skeletons in turns, variants at random.

    All is drawn at once, and only the reading is lazy.
    """
    variants = [rng.permutation(_reserved(text, person % 2)) for text in texts]
    turns = rng.permutation(len(texts)).tolist()
    depth = max(map(len, variants))
    return ((s, int(variants[s][turn])) for turn in range(depth) for s in turns if turn < len(variants[s]))


def write_pool(
    professions: pd.DataFrame,
    style: pd.DataFrame,
    strategy: str,
    agents: int,
    sentences_per_agent: int,
    background_size: int,
    background_male_share: float,
    seed: int,
    taken: Collection[str] = (),
) -> pd.DataFrame:
    """The pool of agents x sentences_per_agent sentences, a frame of table `contributions`, in the collective's order.

    professions: those with in_pool are written about, each once in every 20 rows (if there are 20), and as often with
    the one as with the other of two alternating genders. style: skeletons, or a grammar of them (`grammar.expand`). No
    text occurs twice, whatever the pronoun. With the same seed a smaller collective's pool is the beginning of a larger
    one's, as long as the agents write equally many sentences. taken: sentences to leave out, whatever their pronoun.

    Raises ResourceError if the style has too few sentences for the size asked.
    """
    people = check_professions(professions)
    names = people["profession"].tolist()
    written = [i for i, own in enumerate(people["in_pool"]) if own]
    skeletons = check_skeletons(grammar.expand(style))
    size = agents * sentences_per_agent
    texts, labels = skeletons["text"].tolist(), skeletons["skeleton"].tolist()
    rng = np.random.default_rng([seed, 1])
    # Drawn before anything that depends on the size, so that pools of all sizes begin alike.
    unused = {i: _sentences_in_order(texts, i, rng) for i in written}
    genders = order_of_genders(strategy, size, background_size, background_male_share)
    left_out = frozenset(taken)

    def is_free(which: int, person: int, variant: int) -> bool:
        return not left_out or left_out.isdisjoint(sentence(texts[which], names[person], variant, g) for g in GENDERS)

    rows = []
    for k, i in zip(range(size), _rounds(written, rng), strict=False):
        chosen = next((about for about in unused[i] if is_free(about[0], i, about[1])), None)
        if chosen is None:
            raise ResourceError(
                f"the style's {len(texts)} skeletons have too few sentences about {names[i]!r} for a pool of {size}; "
                f"{k} were written. Add skeletons or choices, or ask for a smaller pool"
            )
        which, variant = chosen
        prompt, completion = split_at_pronoun(sentence(texts[which], names[i], variant, genders[k]))
        rows.append((names[i], labels[which], genders[k], prompt, completion))
    frame = pd.DataFrame(rows, columns=["profession", "skeleton", "gender", "prompt", "completion"])
    frame.insert(0, "contribution_id", [f"pool{k:06d}" for k in range(1, size + 1)])
    frame.insert(1, "agent", [f"agent{k // sentences_per_agent + 1:03d}" for k in range(size)])
    frame.insert(2, "source", POOL)
    return frame
