"""Retrieval against brute force, and what a contribution must not be able to do to a prompt."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum import tables
from quorum.uptake import in_context
from quorum.uptake.in_context import Retrieval

RETRIEVAL = Retrieval(neighbours=3, retriever="tfidf", order="nearest_last", deduplicate=True)
WORDS = ("nurse", "doctor", "saw", "the", "patient", "chart", "ward", "she", "he", "left")
QUESTIONS = ["The nurse saw the", "the doctor and the chart", "ward", "zzz", ""]


def stream_of(texts: list[str], pool: int = 0) -> pd.DataFrame:
    """A stream whose last `pool` sentences are the collective's; the cut before the pronoun is anywhere."""
    n = len(texts)
    names = [f"firm{i:03d}" for i in range(n - pool)] + [f"pool{i:03d}" for i in range(pool)]
    return pd.DataFrame(
        {
            "contribution_id": names,
            "agent": [name[:5] for name in names],
            "source": ["background"] * (n - pool) + ["pool"] * pool,
            "profession": "nurse",
            "skeleton": "s",
            "gender": "female",
            "prompt": [text[: len(text) // 2] for text in texts],
            "completion": [text[len(text) // 2 :] for text in texts],
        }
    )


def by_brute_force(question: str, texts: list[str]) -> dict[str, float]:
    """Cosine of the question and each text, by the formula of scikit-learn's documentation, word by word."""

    def words(text: str) -> list[str]:
        return re.findall(r"\b\w\w+\b", text.lower())

    df = Counter(word for text in texts for word in set(words(text)))
    idf = {word: math.log((1 + len(texts)) / (1 + n)) + 1 for word, n in df.items()}

    def vector(text: str) -> dict[str, float]:
        counts = {word: n * idf[word] for word, n in Counter(words(text)).items() if word in idf}
        length = math.sqrt(sum(value**2 for value in counts.values())) or 1.0
        return {word: value / length for word, value in counts.items()}

    asked = vector(question)
    return {text: sum(asked.get(w, 0.0) * value for w, value in vector(text).items()) for text in texts}


sentences = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=14)


@given(texts=sentences, k=st.integers(1, 6), seed=st.integers(0, 5))
@settings(max_examples=150)
def test_what_is_retrieved_is_nearest_by_brute_force(texts, k, seed):
    distinct = list(dict.fromkeys(texts))
    found = in_context.contexts(QUESTIONS, stream_of(texts), replace(RETRIEVAL, neighbours=k), seed)
    for question, context in zip(QUESTIONS, found["context"], strict=True):
        lines, cosines = context.split("\n"), by_brute_force(question, distinct)
        assert len(lines) == len(set(lines)) == min(k, len(distinct))
        near = [cosines[line] for line in lines]
        assert near == sorted(near) or near == pytest.approx(sorted(near), abs=1e-9)
        assert min(near) >= max((cosines[text] for text in distinct if text not in lines), default=0) - 1e-9


@given(texts=sentences, data=st.data())
@settings(max_examples=100)
def test_the_order_of_the_stream_changes_nothing(texts, data):
    """Ties included: they are taken in an order that follows from the words."""
    stream = stream_of(texts)
    order = data.draw(st.permutations(range(len(texts))))
    for deduplicate in (True, False):
        how = replace(RETRIEVAL, deduplicate=deduplicate)
        one = in_context.contexts(QUESTIONS, stream, how, 1)
        pd.testing.assert_frame_equal(one, in_context.contexts(QUESTIONS, stream.iloc[order], how, 1))


def test_ties_are_shuffled_by_the_seed():
    texts = [f"the nurse saw chart{i}" for i in range(9)]
    first = [in_context.contexts(["nurse"], stream_of(texts), RETRIEVAL, seed)["context"][0] for seed in range(30)]
    chosen = Counter(line for context in first for line in context.split("\n"))
    assert set(chosen) == set(texts)


@given(texts=sentences, pool=st.integers(0, 14), seed=st.integers(0, 3))
@settings(max_examples=60)
def test_nothing_but_the_words_is_seen(texts, pool, seed):
    """Who wrote a sentence, and what else the table says of it, may be anything or missing."""
    stream = stream_of(texts, min(pool, len(texts)))
    blind = stream[["contribution_id", "prompt", "completion"]]
    poisoned = stream.assign(source=stream["source"].iloc[::-1].to_numpy(), agent="x", gender=None, skeleton=None)
    expected = in_context.contexts(QUESTIONS, blind, RETRIEVAL, seed)
    pd.testing.assert_frame_equal(in_context.contexts(QUESTIONS, poisoned, RETRIEVAL, seed), expected)
    # Ids say "firm" and "pool" here; which id a sentence has decides no text either.
    renamed = blind.assign(contribution_id=blind["contribution_id"].iloc[::-1].to_numpy())
    assert in_context.contexts(QUESTIONS, renamed, RETRIEVAL, seed)["context"].equals(expected["context"])


def test_the_ids_are_those_of_the_lines():
    texts = ["the nurse saw the chart", "the doctor left", "the ward", "she saw the nurse"]
    stream = stream_of(texts).sample(frac=1, random_state=1)
    found = in_context.contexts(QUESTIONS, stream, RETRIEVAL, 0)
    text_of = dict(zip(stream["contribution_id"], stream["prompt"] + stream["completion"], strict=True))
    for context, ids in zip(found["context"], found["contributions"], strict=True):
        assert context == "\n".join(text_of[name] for name in json.loads(ids))


def test_the_nearest_stands_last_or_first():
    texts = ["the nurse saw the chart", "the doctor left", "nurse saw chart", "the ward"]
    last, first = (
        in_context.contexts(["nurse saw chart"], stream_of(texts), replace(RETRIEVAL, order=order), 0)
        for order in ("nearest_last", "nearest_first")
    )
    assert last["context"][0].split("\n")[-1] == first["context"][0].split("\n")[0] == "nurse saw chart"
    assert last["context"][0].split("\n") == first["context"][0].split("\n")[::-1]
    assert json.loads(last["contributions"][0]) == json.loads(first["contributions"][0])[::-1]


def test_equal_texts_are_retrieved_once_or_as_often_as_they_are_sent():
    texts = ["the nurse left"] * 5 + ["  the  nurse\tleft ", "the doctor", "the ward"]
    once, often = (
        in_context.contexts(["nurse left"], stream_of(texts), replace(RETRIEVAL, deduplicate=flag), 0)["context"][0]
        for flag in (True, False)
    )
    assert sorted(once.split("\n")) == ["the doctor", "the nurse left", "the ward"]
    assert often.split("\n") == ["the nurse left"] * 3


def test_fewer_texts_than_neighbours_are_all_retrieved():
    found = in_context.contexts(["nurse"], stream_of(["the nurse", "a ward"]), replace(RETRIEVAL, neighbours=50), 0)
    assert found["context"][0] == "a ward\nthe nurse"


@pytest.mark.parametrize("texts", [[], ["", " \n", "\u200b\x00"]])
def test_without_any_text_a_probe_is_asked_plainly(texts):
    probes = probes_of(["the nurse said that"])
    prompts, contexts = in_context.prepared(probes, texts_of(["a passage"]), stream_of(texts), RETRIEVAL, 0)
    assert prompts["prompt"].tolist() == probes["prompt"].tolist()
    assert contexts["context"].tolist() == [""]
    assert prompts["contributions"].tolist() == contexts["contributions"].tolist() == ["[]"]


def test_a_corpus_without_a_single_word_is_a_corpus():
    found = in_context.contexts(["nurse", "ward"], stream_of(["? !", "a", "..."]), RETRIEVAL, 0)
    assert [sorted(context.split("\n")) for context in found["context"]] == [["...", "? !", "a"]] * 2


# ---- by the model's own vectors --------------------------------------------------------------------------------------


def letters(texts: list[str]) -> np.ndarray:
    return np.array([[text.count(c) for c in "abcd"] for text in texts], dtype=float)


def test_embeddings_are_compared_by_their_angle():
    texts = ["aaaaaaaa", "ab", "b", "cd", "xyz"]
    how = replace(RETRIEVAL, retriever="embeddings", neighbours=2, order="nearest_first")
    found = in_context.contexts(["a", "abb", "c"], stream_of(texts), how, 0, letters)
    assert [context.split("\n")[0] for context in found["context"]] == ["aaaaaaaa", "ab", "cd"]
    assert found["context"][0].split("\n")[1] == "ab"


def test_embeddings_need_a_model():
    with pytest.raises(ValueError, match="needs a model that embeds"):
        in_context.contexts(["a"], stream_of(["ab"]), replace(RETRIEVAL, retriever="embeddings"), 0)


def test_embeddings_of_the_model_itself(tiny):
    texts = ["the nurse saw", "the doctor asked", "one two three", "seven eight nine"]
    how = replace(RETRIEVAL, retriever="embeddings", neighbours=1)
    found = in_context.contexts(texts, stream_of(texts), how, 0, tiny.embed)
    assert found["context"].tolist() == texts


# ---- the prompt ------------------------------------------------------------------------------------------------------


def probes_of(prompts: list[str]) -> pd.DataFrame:
    columns = {
        "probe_id": [f"p{i}" for i in range(len(prompts))],
        "probe_set": "matched",
        "domain": "ICU monitoring",
        "scenario": "routine",
        "profession": "nurse",
        "tier": "mid-level",
        "profession_in_pool": True,
        "wording": "w",
        "prompt": prompts,
    }
    return pd.DataFrame(columns, index=[3 + 2 * i for i in range(len(prompts))])


def texts_of(texts: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"text_id": [f"t{i}" for i in range(len(texts))], "text": texts}, index=[9] * len(texts))


def test_prompts_and_contexts_follow_their_tables():
    texts = ["the nurse saw the chart", "the doctor left", "the ward"]
    probes = probes_of(["Who was the nurse?\nShe said", "the doctor"])
    items = texts_of(["a chart and a nurse", "the ward"])
    prompts, contexts = in_context.prepared(probes, items, stream_of(texts), RETRIEVAL, 0)
    tables.validate(prompts, "prompts")
    tables.validate(contexts, "contexts")
    found = in_context.contexts([*probes["prompt"], *items["text"]], stream_of(texts), RETRIEVAL, 0)
    assert prompts["prompt"].tolist() == [
        f"{context}\n{probe}" for context, probe in zip(found["context"][:2], probes["prompt"], strict=True)
    ]
    assert contexts["context"].tolist() == found["context"][2:].tolist()
    assert contexts["text_id"].tolist() == ["t0", "t1"]
    carried = prompts.drop(columns=["prompt", "contributions"])
    pd.testing.assert_frame_equal(carried, probes.drop(columns="prompt"))


nasty = st.text(
    st.one_of(st.characters(), st.sampled_from("\n\r\x0b\x0c\x1c\x85\u2028\u2029\u202e\u200b\0ab ")),
    max_size=40,
)


@given(texts=st.lists(nasty, max_size=6), probe=nasty)
@settings(max_examples=200)
def test_a_contribution_is_one_line_and_the_probe_stands_unchanged_at_the_end(texts, probe):
    stream = stream_of(texts)
    prompts, _ = in_context.prepared(probes_of([probe]), texts_of([]), stream, RETRIEVAL, 0)
    (prompt,), (ids,) = prompts["prompt"], prompts["contributions"]
    assert prompt.endswith(probe)
    lines = prompt[: len(prompt) - len(probe)].splitlines()
    assert len(lines) == len(json.loads(ids))
    for line in lines:
        assert line == line.strip() != ""
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in line)


def test_white_space_is_made_single_and_words_stay():
    assert in_context.plain(" The\tnurse\r\nsaid\u2028she\x00is  well.\u200b") == "The nurse said she is well."
    assert in_context.plain("é ü 護士 (s)he's") == "é ü 護士 (s)he's"
