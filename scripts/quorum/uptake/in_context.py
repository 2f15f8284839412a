"""In context: the accepted stream is the firm's retrieval corpus, and the nearest contributions precede each question.

Nobody trains anything. Whoever is near decides alone what the model reads, so retrieval sees the words of a
contribution and nothing else: not its source, its author or its place in the stream.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd

Embed = Callable[[Sequence[str]], np.ndarray]

NEAREST_LAST = "nearest_last"
_DIGITS = 9


@dataclass(frozen=True)
class Retrieval:
    """How the firm retrieves: k neighbours, tfidf or embeddings, the order of the k, whether equal texts count once."""

    neighbours: int
    retriever: str
    order: str
    deduplicate: bool


def plain(text: str) -> str:
    """The text on one line: control, format and surrogate characters are spaces, and white space is made single.

    A contribution is put into a prompt as one line, and whoever wrote it must not be able to forge a second one.
    """
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in text)
    return " ".join(visible.split())


def contexts(
    questions: Sequence[str], stream: pd.DataFrame, retrieval: Retrieval, seed: int, embed: Embed | None = None
) -> pd.DataFrame:
    """For each question the k contributions of the stream (table `contributions`) whose texts are nearest to it.

    Near is a cosine: of scikit-learn's TF-IDF vectors (its defaults, fitted on the stream), or of embed(texts), an
    array (texts, width). Cosines are compared to 9 digits. Equal ones stand in the order of SHA-256(seed, text), a
    shuffle that depends on the words alone, so that the order of the stream changes nothing. A stream of fewer than k
    texts gives all it has.

    Returns a frame with one row a question: context (the texts, one a line, "" without any) and contributions (JSON
    list of their ids, in that order).
    """
    corpus = _corpus(stream, retrieval.deduplicate, seed)
    if corpus.empty or not len(questions):
        return pd.DataFrame({"context": [""] * len(questions), "contributions": [json.dumps([])] * len(questions)})
    cosines = _cosines(questions, corpus["text"].tolist(), retrieval.retriever, embed)
    # The corpus is in the order of ties, which a stable sort keeps.
    nearest = np.argsort(-cosines.round(_DIGITS), axis=1, kind="stable")[:, : retrieval.neighbours]
    if retrieval.order == NEAREST_LAST:
        nearest = nearest[:, ::-1]
    texts, ids = corpus["text"].to_numpy(), corpus["contribution_id"].to_numpy()
    return pd.DataFrame(
        {
            "context": ["\n".join(texts[rows]) for rows in nearest],
            "contributions": [json.dumps(ids[rows].tolist()) for rows in nearest],
        }
    )


def with_context(contexts: Sequence[str], questions: Sequence[str]) -> list[str]:
    """Each context and, on the next line, its question; the question alone where the context is empty."""
    return [f"{context}\n{asked}" if context else asked for context, asked in zip(contexts, questions, strict=True)]


def prepared(
    probes: pd.DataFrame,
    texts: pd.DataFrame,
    stream: pd.DataFrame,
    retrieval: Retrieval,
    seed: int,
    embed: Embed | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames of the tables `prompts` and `contexts`: what precedes each probe, and each text that measures utility.

    texts: columns text_id and text. Other arguments as in `contexts`.
    """
    found = contexts([*probes["prompt"], *texts["text"]], stream, retrieval, seed, embed)
    before, rest = found.iloc[: len(probes)], found.iloc[len(probes) :].reset_index(drop=True)
    prompts = probes.assign(
        prompt=with_context(before["context"], probes["prompt"]), contributions=before["contributions"].to_numpy()
    )
    return prompts, pd.concat([texts[["text_id"]].reset_index(drop=True), rest], axis=1)


def _corpus(stream: pd.DataFrame, deduplicate: bool, seed: int) -> pd.DataFrame:
    """Ids and texts of the contributions that have any text, in the order in which equally near ones are taken."""

    def shuffled(names: pd.Series) -> list[str]:
        return [sha256(f"{seed} {name}".encode()).hexdigest() for name in names]

    frame = stream[["contribution_id"]].assign(text=[plain(t) for t in stream["prompt"] + stream["completion"]])
    frame = frame[frame["text"] != ""]
    # Ids tell who wrote a text, and so does their order; that of their hashes does not.
    keys = frame.assign(by_text=shuffled(frame["text"]), by_id=shuffled(frame["contribution_id"]))
    frame = keys.sort_values(["by_text", "by_id"])[["contribution_id", "text"]]
    return frame.drop_duplicates("text") if deduplicate else frame


def _cosines(questions: Sequence[str], texts: Sequence[str], retriever: str, embed: Embed | None) -> np.ndarray:
    """Cosine of every question and text, (questions, texts); 0 where one of them has no vector."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    if retriever == "tfidf":
        vectorizer = TfidfVectorizer()
        if not any(map(vectorizer.build_analyzer(), texts)):  # not one word anywhere: there is no vocabulary to build
            return np.zeros((len(questions), len(texts)))
        known = vectorizer.fit_transform(texts)
        return (vectorizer.transform(questions) @ known.T).toarray()
    if embed is None:
        raise ValueError("the retriever embeddings needs a model that embeds")
    return normalize(embed(questions)) @ normalize(embed(texts)).T
