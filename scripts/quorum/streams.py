"""Long streams to measure filters on: sentences of real abstracts, chains and near copies of them, and templates.

Nobody has a million real contributions to give away, so a stream is drawn from what there is. Each agent writes one
kind of sentence:

    abstract   a sentence of a real abstract as it stands; with more rows than sentences some recur
    chain      word after word drawn as they follow each other in the abstracts: every pair of words is real
    copy       a chain of the same block of rows with one word replaced
    skeleton   an ordinary clinical sentence of the study's background
    campaign   a sentence of the collective, of any of its styles

The rows of a stream depend on its length and seed alone, so that parts of it can be written anywhere, by anyone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quorum.logbook import progress
from quorum.population import BACKGROUND, POOL, number_of_variants, sentence
from quorum.pronouns import split_at_pronoun

SHARES: Mapping[str, float] = {"abstract": 0.1, "chain": 0.45, "copy": 0.15, "skeleton": 0.15, "campaign": 0.15}
BLOCK = 10_000
PER_AGENT = 10
END = "\n"
_LONGEST_CHAIN = 40
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Material:
    """What sentences are drawn from.

    sentences: of the abstracts. words: theirs, sorted; the first is END, which stands between sentences. follows: for
    each word the words that follow it, once for every time they do, from starts[word] to starts[word + 1].
    skeletons, campaign: texts with slots. professions: their titles.
    """

    sentences: tuple[str, ...]
    words: tuple[str, ...]
    follows: np.ndarray
    starts: np.ndarray
    skeletons: tuple[str, ...]
    campaign: tuple[str, ...]
    professions: tuple[str, ...]


def gather_material(
    abstracts: Sequence[str], skeletons: Sequence[str], campaign: Sequence[str], professions: Sequence[str]
) -> Material:
    """Sentences and word pairs of the abstracts beside the skeletons; ValueError where there is nothing to draw."""
    sentences = tuple(
        found.strip()
        for text in abstracts
        for found in _SENTENCE_END.split(text)
        if 4 <= len(found.split()) <= _LONGEST_CHAIN
    )
    if not (sentences and skeletons and campaign and professions):
        raise ValueError("a stream needs abstracts with sentences, skeletons, a campaign's skeletons and professions")
    tokens = [word for text in sentences for word in (END, *text.split())] + [END]
    words, codes = np.unique(np.array(tokens, dtype=object), return_inverse=True)
    order = np.argsort(codes[:-1], kind="stable")
    starts = np.searchsorted(codes[:-1][order], np.arange(len(words) + 1))
    return Material(
        sentences, tuple(words), codes[1:][order], starts, tuple(skeletons), tuple(campaign), tuple(professions)
    )


def write_stream(material: Material, rows: int, first: int, last: int, seed: int, clean: bool = False) -> pd.DataFrame:
    """Rows first to last (0-based, last excluded) of a stream of `rows`: a frame of table `contributions`.

    clean: without a campaign, as a reference is. Raises ValueError for rows outside of the stream.
    """
    if not 0 <= first <= last <= rows:
        raise ValueError(f"rows {first} to {last} were asked of a stream of {rows}")
    numbers = range(first // BLOCK, -(-last // BLOCK))
    blocks = [_write_block(material, rows, number, seed, clean) for number in progress(numbers, "blocks of rows")]
    names = ["contribution_id", "agent", "source", "profession", "skeleton", "gender", "prompt", "completion"]
    stream = pd.concat(blocks) if blocks else pd.DataFrame(columns=names, dtype="str")
    return stream[names].iloc[first - first // BLOCK * BLOCK :].head(last - first).reset_index(drop=True)


def _write_block(material: Material, rows: int, number: int, seed: int, clean: bool) -> pd.DataFrame:
    draw = np.random.default_rng([seed, 3, rows, number])
    row = np.arange(number * BLOCK, min(rows, (number + 1) * BLOCK))
    # an agent's rows are spread over the whole stream, and all of one kind
    agent = row % max(1, rows // PER_AGENT)
    kinds = {kind: share for kind, share in SHARES.items() if not (clean and kind == "campaign")}
    limits = np.cumsum(list(kinds.values())) / sum(kinds.values())
    place = np.random.default_rng([seed, 4]).random(int(agent.max(initial=0)) + 1)[agent]
    kind = np.array(list(kinds))[np.minimum(np.searchsorted(limits, place, side="right"), len(kinds) - 1)]
    texts = np.empty(len(row), dtype=object)
    texts[:] = ""
    for name in kinds:
        own = np.flatnonzero(kind == name)
        if name == "copy":  # of a chain, and of an abstract's sentence where a small block has none
            models = texts[kind == "chain"] if (kind == "chain").any() else np.array(material.sentences, dtype=object)
            texts[own] = [_altered(material, model, draw) for model in draw.choice(models, len(own))]
        else:
            texts[own] = _KINDS[name](material, len(own), draw)
    parts = [split_at_pronoun(text) for text in texts]
    return pd.DataFrame(
        {
            "contribution_id": [f"row{k:09d}" for k in row],
            "agent": [f"agent{k:08d}" for k in agent],
            "source": np.where(kind == "campaign", POOL, BACKGROUND),
            "profession": "",
            "skeleton": kind,
            "gender": "",
            "prompt": [prompt for prompt, _ in parts],
            "completion": [completion for _, completion in parts],
        }
    )


def _abstracts(material: Material, size: int, draw: np.random.Generator) -> list[str]:
    return [material.sentences[k] for k in draw.integers(len(material.sentences), size=size)]


def _chains(material: Material, size: int, draw: np.random.Generator) -> list[str]:
    end, word = 0, np.zeros(size, dtype=np.int64)
    written: list[list[str]] = [[] for _ in range(size)]
    going = np.arange(size)
    for _ in range(_LONGEST_CHAIN):
        begin, stop = material.starts[word], material.starts[word + 1]
        word = material.follows[begin + (draw.random(len(word)) * (stop - begin)).astype(np.int64)]
        going, word = going[word != end], word[word != end]
        for which, code in zip(going.tolist(), word.tolist(), strict=True):
            written[which].append(material.words[code])
    return [" ".join(words) for words in written]


def _altered(material: Material, text: str, draw: np.random.Generator) -> str:
    words = text.split()
    words[draw.integers(len(words))] = material.words[draw.integers(1, len(material.words))]
    return " ".join(words)


def _filled(texts: Sequence[str], material: Material, size: int, draw: np.random.Generator) -> list[str]:
    chosen = [texts[k] for k in draw.integers(len(texts), size=size)]
    people = draw.integers(len(material.professions), size=size).tolist()
    male, variants = draw.random(size) < 0.5, draw.random(size)
    return [
        sentence(text, material.professions[person], int(at * number_of_variants(text)), "male" if he else "female")
        for text, person, at, he in zip(chosen, people, variants, male, strict=True)
    ]


_KINDS = {
    "abstract": _abstracts,
    "chain": _chains,
    "skeleton": lambda material, size, draw: _filled(material.skeletons, material, size, draw),
    "campaign": lambda material, size, draw: _filled(material.campaign, material, size, draw),
}
