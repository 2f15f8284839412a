from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import pronouns
from quorum.endpoint import answers
from quorum.endpoint.answers import MalformedError

LN = math.log
WORDS = {"male": ("he", "himself"), "female": ("she",)}


def completion(**fields) -> str:
    return json.dumps({"choices": [{"text": " he did", "logprobs": None} | fields], "usage": {"prompt_tokens": 7}})


def chat(content, **fields) -> str:
    choice = {"message": {"role": "assistant", "content": content}} | fields
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})


def tops(p: dict[str, float]) -> dict:
    listed = [{"token": token, "logprob": LN(value)} for token, value in p.items()]
    return {"content": [listed[0] | {"top_logprobs": listed}, {"token": "x", "logprob": -1, "top_logprobs": []}]}


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_a_completion_is_read():
    body = completion(logprobs=tops({" he": 0.5, " she": 0.25}))
    body = json.dumps(json.loads(body) | {"system_fingerprint": "b1", "usage": {"prompt_tokens": 7}})
    answer = answers.read(body, "completions")
    assert (answer.text, answer.fingerprint) == (" he did", "b1")
    assert (answer.prompt_tokens, answer.completion_tokens) == (7, None)
    assert json.loads(answer.first) == pytest.approx({" he": LN(0.5), " she": LN(0.25)})


def test_a_chat_is_read():
    answer = answers.read(chat("He did", logprobs=tops({"He": 0.5})), "chat")
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("He did", 7, 2)
    assert json.loads(answer.first) == pytest.approx({"He": LN(0.5)})


def test_legacy_completions_list_tokens_as_keys():
    legacy = {"tokens": [" he"], "token_logprobs": [LN(0.5)], "top_logprobs": [{" he": LN(0.5), " she": LN(0.1)}]}
    answer = answers.read(completion(logprobs=legacy), "completions")
    assert json.loads(answer.first) == pytest.approx({" he": LN(0.5), " she": LN(0.1)})


def test_tokens_that_are_spelt_alike_are_one():
    listed = [{"token": "\ufffd", "logprob": LN(0.25)}, {"token": "\ufffd", "logprob": LN(0.125)}]
    answer = answers.read(completion(logprobs={"content": [{"top_logprobs": listed}]}), "completions")
    assert json.loads(answer.first) == pytest.approx({"\ufffd": LN(0.375)})


def test_a_token_without_probability_is_left_out():
    listed = [{"token": "a", "logprob": None}, {"token": "b", "logprob": -9999.0}, {"token": "c", "logprob": 0.0}]
    answer = answers.read(completion(logprobs={"content": [{"top_logprobs": listed}]}), "completions")
    assert json.loads(answer.first) == {"c": 0.0}


@pytest.mark.parametrize(
    "logprobs", [None, {}, {"content": []}, {"content": None}, {"top_logprobs": []}, "none", {"tokens": [" he"]}]
)
def test_without_log_probabilities_nothing_is_shown(logprobs):
    assert answers.read(completion(logprobs=logprobs), "completions").first == ""


def test_a_server_that_lists_no_alternatives_shows_the_token_that_it_took():
    answer = answers.read(chat("He", logprobs={"content": [{"token": "He", "logprob": LN(0.5)}]}), "chat")
    assert json.loads(answer.first) == pytest.approx({"He": LN(0.5)})


def test_a_refusal_is_an_empty_text():
    assert answers.read(chat(None), "chat").text == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "not JSON"),
        ('{"choices": [{"te', "not JSON"),
        ("[1]", "no JSON object|not a JSON object"),
        ("{}", "no choice"),
        ('{"choices": []}', "no choice"),
        ('{"choices": [null]}', "no choice"),
        ('{"choices": null}', "no choice"),
        ('{"choices": [{"index": 0}]}', "no text"),
        ('{"choices": [{"text": 5}]}', "no text"),
        ('{"error": {"message": "overloaded"}, "choices": []}', "overloaded"),
        ('{"choices": [{"text": "a", "logprobs": {"content": [{"top_logprobs": [{"token": "a"}]}]}}]}', "KeyError"),
        ('{"choices": [{"text": "a", "logprobs": {"top_logprobs": [{"a": "b"}]}}]}', "TypeError"),
    ],
)
def test_what_is_no_answer(body, words):
    with pytest.raises(MalformedError, match=words):
        answers.read(body, "completions")


@pytest.mark.parametrize("choice", [{"text": "a"}, {"message": None}, {"message": {}}, {"message": {"content": 3}}])
def test_what_is_no_chat(choice):
    with pytest.raises(MalformedError, match=r"no (message|text)"):
        answers.read(json.dumps({"choices": [choice]}), "chat")


@given(st.text())
def test_a_cut_answer_is_never_taken_for_a_whole_one(text):
    body = completion(text=text)
    for end in (1, len(body) // 3, len(body) - 1):
        with pytest.raises(MalformedError):
            answers.read(body[:end], "completions")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"error": {"message": "no key", "code": 1}}, "no key"),
        ({"error": "no key"}, "no key"),
        ({"detail": [{"msg": "no field"}]}, '[{"msg": "no field"}]'),
        ({"message": "no model"}, "no model"),
        ({"a": 1}, '{"a": 1}'),
        ("plain", "plain"),
    ],
)
def test_the_servers_words_are_found(content, words):
    assert answers.words_of(content) == words


# ---- the measure -----------------------------------------------------------------------------------------------------


def first(p: dict[str, float]) -> str:
    return json.dumps({token: LN(value) for token, value in p.items()})


def test_words_count_after_a_space_in_completions():
    shown = first({" he": 0.25, "he": 0.0625, " He": 0.03125, " hers": 0.125, " she": 0.125, " himself": 0.25})
    p, seen = answers.mass(shown, WORDS, "completions")
    assert p == pytest.approx({"male": 0.5, "female": 0.125})
    assert seen == pytest.approx(0.84375)


def test_a_server_that_strips_the_space_is_understood():
    p, _ = answers.mass(first({"he": 0.25, "the": 0.5, "she": 0.125}), WORDS, "completions")
    assert p == pytest.approx({"male": 0.25, "female": 0.125})


def test_the_sign_of_sentencepiece_is_a_space():
    p, _ = answers.mass(first({"\u2581he": 0.25, "he": 0.5}), WORDS, "completions")
    assert p == pytest.approx({"male": 0.25, "female": 0.0})


def test_a_message_may_begin_with_a_capital_and_without_a_space():
    p, _ = answers.mass(first({"He": 0.25, " he": 0.125, "he": 0.125, "HE": 0.0625, "The": 0.25}), WORDS, "chat")
    assert p == pytest.approx({"male": 0.5, "female": 0.0})


def test_the_beginning_of_a_word_is_no_word():
    p, seen = answers.mass(first({" h": 0.5, " him": 0.125, " sh": 0.25, " s": 0.0625}), WORDS, "completions")
    assert p == {"male": 0.0, "female": 0.0}
    assert seen == pytest.approx(0.9375)


def test_without_log_probabilities_there_is_no_measure():
    p, seen = answers.mass("", WORDS, "completions")
    assert all(map(math.isnan, [*p.values(), seen]))


@given(st.dictionaries(st.text(min_size=1), st.floats(1e-6, 1), min_size=1), st.sampled_from(["completions", "chat"]))
def test_groups_never_hold_more_than_was_shown(p, mode):
    total = sum(p.values())
    shown = first({token: value / total for token, value in p.items()})
    mass, seen = answers.mass(shown, pronouns.WORDS, mode)
    assert seen == pytest.approx(1)
    assert sum(mass.values()) <= seen + 1e-9


def test_first_tokens_of_the_retrieved_model_are_whole_words_of_their_group(retrieved_folder):
    """Where this holds, the measure is that of the local backend."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(retrieved_folder)
    for words in pronouns.WORDS.values():
        for word in words:
            token = tokenizer.decode(tokenizer(f" {word}", add_special_tokens=False)["input_ids"][:1])
            assert token.removeprefix(" ") in words and token.startswith(" ")
