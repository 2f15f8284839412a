from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import LAYERS, token

from quorum import tables, utility
from quorum.uptake import hidden_states

PASSAGES = [
    "the nurse saw the patient and left. then the doctor asked who called",
    "A",
    "one two three four five six seven eight nine. the chart was in the ward",
    "she wrote, he asked",
]


def questions_of(n_options: list[int], sources: list[str] | None = None) -> pd.DataFrame:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "chart"]
    starts = ["who saw the nurse?", "who left?", "the doctor was who?", "who called the patient and the doctor then?"]
    n = len(n_options)
    return pd.DataFrame(
        {
            "question_id": [f"q{i}" for i in range(n)],
            "source": sources or ["a"] * n,
            "question": [f"{starts[i % 4]} {words[i % 9]} {words[i // 9 % 9]}" for i in range(n)],
            "options": [json.dumps(words[:k]) for k in n_options],
            "answer": [0] * n,
        }
    )


# ---- perplexity ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, LAYERS])
@pytest.mark.parametrize("tokens", [5, 100])
@pytest.mark.parametrize("batch", [16, 3])
def test_perplexity_equals_a_loop_over_tokens_through_the_whole_network(tiny, monkeypatch, layers, tokens, batch):
    monkeypatch.setattr(utility, "BATCH", batch)
    surprise = []
    for text in PASSAGES:
        ids = tiny.tokenizer(text)["input_ids"][:tokens]
        with torch.no_grad():
            p = tiny.network(input_ids=torch.tensor([ids])).logits[0].double().softmax(-1)
        surprise += [-math.log(p[i - 1, ids[i]]) for i in range(1, len(ids))]
    value, count = utility.perplexity(tiny, utility.encode_passages(tiny, PASSAGES, tokens, layers))
    assert count == len(surprise)
    assert value == pytest.approx(math.exp(sum(surprise) / len(surprise)), rel=1e-4)


def test_a_uniform_model_is_as_perplexed_as_its_vocabulary_is_large(tiny):
    passages = utility.encode_passages(tiny, PASSAGES, 100, 2)
    tiny.network.get_output_embeddings().weight.zero_()
    value, _ = utility.perplexity(tiny, passages)
    assert value == pytest.approx(tiny.network.config.vocab_size, rel=1e-5)


def test_a_passage_is_cut_after_its_tokens_and_gets_no_end(tiny):
    states = utility.encode_passages(tiny, PASSAGES, 4, 2)
    assert np.diff(states.starts).tolist() == [4, 1, 4, 4]
    assert states.tokens[-4:].tolist() == [token("she"), token(" wrote"), token(","), token(" he")]


# ---- questions -------------------------------------------------------------------------------------------------------


def test_a_question_is_written_out_with_lettered_options(tiny):
    asked = questions_of([3, 2])
    states = utility.encode_questions(tiny, asked.assign(question="who was called"), 1)
    first = states.tokens[: states.starts[1]]
    assert tiny.tokenizer.decode(first) == "Question: who was called\nA. one\nB. two\nC. three\nAnswer:"


def likeliest(model, question: str, options: str, among: int, context: str = "") -> int:
    lines = [f"{'ABCDEFGHIJ'[i]}. {option}" for i, option in enumerate(json.loads(options))]
    text = f"{context}Question: {question}\n" + "".join(f"{line}\n" for line in lines) + "Answer:"
    with torch.no_grad():
        logits = model.network(**model.tokenizer(text, return_tensors="pt")).logits[0, -1]
    return max(range(among), key=lambda i: logits[token(f" {'ABCDEFGHIJ'[i]}")].item())


@pytest.mark.parametrize("layers", [1, 3])
def test_accuracy_counts_where_the_right_letter_is_the_likeliest_of_the_options(tiny, layers):
    n_options = [2, 3, 4, 5, 10] * 8
    asked = questions_of(n_options)
    rows = list(zip(asked["question"], asked["options"], strict=True))
    best = [likeliest(tiny, q, o, n) for (q, o), n in zip(rows, n_options, strict=True)]
    # Some letters beyond the options would win, and not always the same letter does: else the case shows little.
    assert any(likeliest(tiny, q, o, 10) >= n for (q, o), n in zip(rows, n_options, strict=True))
    assert len(set(best)) > 2
    states = utility.encode_questions(tiny, asked, layers)
    wrong = [(b + 1) % n for b, n in zip(best, n_options, strict=True)]
    mixed = [b if i % 4 else w for i, (b, w) in enumerate(zip(best, wrong, strict=True))]
    assert utility.accuracy(tiny, states, n_options, best) == 1
    assert utility.accuracy(tiny, states, n_options, wrong) == 0
    assert utility.accuracy(tiny, states, n_options, mixed) == 0.75


def test_a_sample_takes_alike_from_every_source():
    sources = ["a", "a", "a", "a", "b", "a", "c", "c", "b"]
    asked = questions_of([2] * 9, sources)
    chosen = utility.sample_questions(asked, 7)
    assert chosen["question_id"].tolist() == ["q0", "q4", "q6", "q1", "q7", "q8", "q2"]
    tables.validate(chosen, "questions")
    assert sorted(utility.sample_questions(asked, 99)["question_id"]) == sorted(asked["question_id"])


@given(sources=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40), n=st.integers(0, 45))
@settings(max_examples=60)
def test_no_source_has_more_questions_than_another_could_still_give(sources, n):
    asked = pd.DataFrame({"source": sources, "question_id": range(len(sources))})
    chosen = utility.sample_questions(asked, n)
    assert len(chosen) == min(n, len(asked))
    assert chosen["question_id"].is_unique
    taken = {source: int((chosen["source"] == source).sum()) for source in set(sources)}
    most = max(taken.values())
    for source, count in taken.items():
        assert count >= min(most - 1, sources.count(source))


# ---- coherence -------------------------------------------------------------------------------------------------------


def test_coherence_of_vectors_worked_by_hand(tiny):
    """Two dimensions: all words at (1, 1) but four, so that the centre is known."""
    vectors = tiny.network.get_input_embeddings().weight
    vectors.zero_()
    places = {" one": (3.0, 0.0), " two": (0.0, 3.0), " three": (-3.0, 0.0), " four": (0.0, -3.0)}
    for word, place in places.items():
        vectors[token(word), :2] = torch.tensor(place)
    vectors[:, :2] += 1.0  # the centre, which is taken away again
    pairs = [
        (" one", " one one", 1.0),
        (" one", " two", 0.0),
        (" one", " three", -1.0),
        (" one two", " two", math.sqrt(0.5)),
        # Means (1.5, 1.5) and (1, 0).
        (" one two", " one one three", math.sqrt(0.5)),
    ]
    value, n = utility.coherence(tiny, [p for p, _, _ in pairs], [c for _, c, _ in pairs])
    assert n == 5
    assert value == pytest.approx(sum(cosine for _, _, cosine in pairs) / 5, abs=1e-6)
    for prompt, completion, cosine in pairs:
        assert utility.coherence(tiny, [prompt], [completion])[0] == pytest.approx(cosine, abs=1e-6)


def test_empty_completions_are_left_out_of_coherence(tiny):
    value, n = utility.coherence(tiny, ["the nurse", "the doctor", "A"], ["", " the doctor", " \n"])
    assert n == 1
    assert value == utility.coherence(tiny, ["the doctor"], [" the doctor"])[0]
    value, n = utility.coherence(tiny, ["the nurse"], [""])
    assert math.isnan(value)
    assert n == 0


# ---- all together ----------------------------------------------------------------------------------------------------


def test_the_scores_are_those_of_the_four_measures(tiny):
    passages = utility.encode_passages(tiny, PASSAGES, 8, 2)
    asked = questions_of([2, 4, 3, 5]).assign(answer=[1, 0, 2, 3])
    questions = utility.encode_questions(tiny, asked, 2)
    probes = pd.DataFrame({"prompt": ["the nurse", "the doctor", "A"]})
    audit = pd.DataFrame({"completion": [" he left", "", " B"], "entropy_bits": [1.0, 2.0, 4.5]})
    scores = utility.utility_scores(tiny, audit, probes, passages, questions, asked)
    tables.validate(scores, "utility_scores")
    rows = {row.metric: (row.value, row.n_items) for row in scores.itertuples()}
    assert rows["entropy"] == (2.5, 3)
    assert rows["perplexity"] == utility.perplexity(tiny, passages)
    assert rows["coherence"] == utility.coherence(tiny, ["the nurse", "A"], [" he left", " B"])
    assert rows["accuracy"] == (utility.accuracy(tiny, questions, [2, 4, 3, 5], [1, 0, 2, 3]), 4)
    assert list(rows) == ["entropy", "perplexity", "coherence", "accuracy"]


def test_what_cannot_be_measured_is_absent(tiny):
    passages = utility.encode_passages(tiny, PASSAGES, 8, 2)
    asked = questions_of([2])
    probes = pd.DataFrame({"prompt": ["the nurse", "the doctor"]})
    audit = pd.DataFrame({"completion": ["", ""], "entropy_bits": [math.nan, math.nan]})
    scores = utility.utility_scores(tiny, audit, probes, passages, utility.encode_questions(tiny, asked, 2), asked)
    assert scores["metric"].tolist() == ["perplexity", "accuracy"]
    tables.validate(scores, "utility_scores")


# ---- in context ------------------------------------------------------------------------------------------------------

TEXTS = pd.DataFrame({"text_id": ["t0", "t1", "t2", "t3"], "source": "s", "text": PASSAGES})
QUESTIONS = questions_of([3, 4, 2]).assign(answer=[1, 3, 0])


def contexts_of(*contexts: str) -> pd.DataFrame:
    """One frame of table `contexts`: the contexts in turn before every passage and question."""
    ids = [*TEXTS["text_id"], *QUESTIONS["question_id"]]
    shown = [contexts[place % len(contexts)] for place in range(len(ids))]
    return pd.DataFrame({"text_id": ids, "context": shown, "contributions": "[]"}, index=[4] * len(ids))


@pytest.mark.parametrize("tokens", [5, 100])
def test_a_reading_is_that_of_the_whole_network_after_the_context(tiny, tokens):
    found = contexts_of("the nurse left.\nwho asked?", "", "the doctor.")
    (reading,) = utility.readings(tiny, [found], [], TEXTS, QUESTIONS, tokens)
    tables.validate(reading, "readings")
    assert reading["text_id"].tolist() == found["text_id"].tolist()
    rows = {row.text_id: row for row in reading.itertuples()}
    for context, name in zip(found["context"], found["text_id"], strict=True):
        before = f"{context}\n" if context else ""
        if name in set(TEXTS["text_id"]):
            first = tiny.tokenizer(before)["input_ids"] if before else []
            own = tiny.tokenizer(TEXTS.set_index("text_id")["text"][name])["input_ids"][:tokens]
            with torch.no_grad():
                p = tiny.network(torch.tensor([first + own])).logits[0].double().log_softmax(-1)
            nats = -sum(p[len(first) + i - 1, own[i]].item() for i in range(1, len(own)))
            assert (rows[name].metric, rows[name].n_items) == ("perplexity", len(own) - 1)
            assert rows[name].value == pytest.approx(nats, abs=1e-4)
        else:
            row = QUESTIONS.set_index("question_id").loc[name]
            best = likeliest(tiny, f"{row.question}", row.options, len(json.loads(row.options)), before)
            assert (rows[name].metric, rows[name].n_items) == ("accuracy", 1)
            assert rows[name].value == float(best == row.answer)


def test_an_empty_context_reads_as_the_uptake_that_trains_does(tiny):
    """The same tokens are counted, so the two uptakes' numbers mean the same."""
    probes = pd.DataFrame({"prompt": ["the nurse", "the doctor", "A"]})
    audit = pd.DataFrame({"completion": [" he left", "", " B"], "entropy_bits": [1.0, 2.0, 4.5]})
    passages, questions = utility.encode_passages(tiny, PASSAGES, 8, 2), utility.encode_questions(tiny, QUESTIONS, 2)
    expected = utility.utility_scores(tiny, audit, probes, passages, questions, QUESTIONS)
    (reading,) = utility.readings(tiny, [contexts_of("")], [], TEXTS, QUESTIONS, 8)
    scores = utility.scores_in_context(tiny, audit, probes, reading)
    tables.validate(scores, "utility_scores")
    found, wanted = (frame.sort_values("metric", ignore_index=True) for frame in (scores, expected))
    pd.testing.assert_frame_equal(found, wanted, rtol=1e-4)


def test_a_text_is_read_once_in_each_context(tiny, monkeypatch):
    read: list[str] = []

    def surprise(contexts, texts):
        read.extend(texts)
        return np.arange(float(len(texts))), np.full(len(texts), 7)

    frames = [contexts_of("the nurse.", "who?"), contexts_of("the nurse.", "who?"), contexts_of("the nurse.", "A")]
    object.__setattr__(tiny, "surprise", surprise)
    first, second, third = utility.readings(tiny, frames, [], TEXTS, QUESTIONS, 100)
    cut = utility.beginnings(tiny, PASSAGES, 100)
    assert sorted(read) == sorted([*cut, cut[1], cut[3]])
    pd.testing.assert_frame_equal(first, second)
    read.clear()
    again = utility.readings(tiny, [frames[2]], [(frames[0], first), (frames[2].head(2), third.head(2))], TEXTS,
                             QUESTIONS, 100)  # fmt: skip
    assert read == [cut[3]]
    assert again[0]["value"].iloc[:3].tolist() == third["value"].iloc[:3].tolist()


def test_texts_and_questions_as_they_are_asked():
    asked = utility.asked(TEXTS, QUESTIONS)
    assert asked["text_id"].tolist() == ["t0", "t1", "t2", "t3", "q0", "q1", "q2"]
    assert asked["text"].tolist() == [*PASSAGES, *utility.written_out(QUESTIONS)]


def test_measuring_does_not_leave_inference_mode_on(tiny):
    utility.perplexity(tiny, utility.encode_passages(tiny, PASSAGES, 8, 2))
    assert not torch.is_inference_mode_enabled()
    assert isinstance(utility.encode_passages(tiny, PASSAGES, 8, 2), hidden_states.HiddenStates)
