from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum.endpoint import requests
from quorum.endpoint.requests import Manner

MANNER = Manner("http://127.0.0.1/v1", "m", "completions", 0.1, 50, 1, 20)
texts = st.text(st.characters(), max_size=40)
manners = st.builds(
    Manner,
    server=texts,
    model=texts,
    mode=st.sampled_from(["completions", "chat"]),
    temperature=st.floats(0, 2),
    max_tokens=st.integers(1, 100),
    seed=st.integers(0, 9),
    logprobs=st.integers(0, 20),
)


@given(manners, texts, st.integers(0, 5))
def test_the_key_is_the_hash_of_the_canonical_request(manner, prompt, sample):
    canonical = manner.canonical(prompt, sample)
    assert manner.key(prompt, sample) == hashlib.sha256(canonical.encode()).digest()
    first, second = canonical.split("\n")
    assert json.loads(second) == [prompt, sample]
    assert json.loads(first)["seed"] == manner.seed


@given(manners, manners, texts, texts, st.integers(0, 3), st.integers(0, 3))
def test_keys_are_the_same_for_the_same_requests_alone(one, other, prompt, second, sample, third):
    same = (one, prompt, sample) == (other, second, third)
    assert (one.key(prompt, sample) == other.key(second, third)) == same


@pytest.mark.parametrize("name", [field.name for field in fields(Manner)])
def test_every_field_takes_part_in_the_key(name):
    found = getattr(MANNER, name)
    other = replace(MANNER, **{name: "chat" if name == "mode" else found + type(found)(1)})
    assert MANNER.key("a", 0) != other.key("a", 0)


def test_a_whole_number_is_the_same_temperature_as_its_float():
    assert replace(MANNER, temperature=0).key("a", 0) == replace(MANNER, temperature=0.0).key("a", 0)


def test_a_key_does_not_change_from_one_version_to_the_next():
    """Else every paid answer would be lost; hashed here by hand."""
    line = '{"logprobs":20,"max_tokens":50,"mode":"completions","model":"m","seed":1,"server":"http://127.0.0.1/v1","temperature":0.1}'
    written = line + '\n["The nurse \\u00e9",2]'
    assert MANNER.key("The nurse é", 2) == hashlib.sha256(written.encode()).digest()


def test_the_words_that_a_chat_wraps_around_a_prompt_take_part(monkeypatch):
    before = replace(MANNER, mode="chat").key("a", 0)
    monkeypatch.setattr(requests, "INSTRUCTION", "Go on: ")
    assert replace(MANNER, mode="chat").key("a", 0) != before


@pytest.mark.parametrize(
    ("mode", "logprobs", "expected"),
    [
        ("completions", 5, {"prompt": "a b", "logprobs": 5}),
        ("completions", 0, {"prompt": "a b"}),
        ("chat", 5, {"messages": requests.messages("a b"), "logprobs": True, "top_logprobs": 5}),
        ("chat", 0, {"messages": requests.messages("a b")}),
    ],
)
def test_what_is_sent(mode, logprobs, expected):
    sampling = {"model": "m", "temperature": 0.1, "max_tokens": 50, "seed": 1}
    assert replace(MANNER, mode=mode, logprobs=logprobs).body("a b") == sampling | expected


def test_a_chat_is_one_message_with_the_prompt_at_its_end():
    (message,) = requests.messages("The nurse said that")
    assert message["role"] == "user" and message["content"].endswith("\n\nThe nurse said that")


def test_the_same_prompt_again_is_the_next_sample():
    assert requests.numbered(["a", "b", "a", "a"]) == [("a", 0), ("b", 0), ("a", 1), ("a", 2)]


def test_prose_has_fewer_tokens_than_are_reckoned_with(retrieved_folder):
    from transformers import AutoTokenizer

    from quorum import probes

    tokenizer = AutoTokenizer.from_pretrained(retrieved_folder)
    for text in probes_written(probes):
        assert len(tokenizer(text)["input_ids"]) <= MANNER.prompt_tokens_at_most(text)
        chat = tokenizer.apply_chat_template(requests.messages(text), add_generation_prompt=True, return_dict=False)
        assert len(chat) <= replace(MANNER, mode="chat").prompt_tokens_at_most(text)


def probes_written(probes) -> list[str]:
    import pandas as pd

    resources = Path(__file__).parents[2] / "resources"
    professions = pd.read_csv(resources / "professions.csv")
    wordings = pd.read_csv(resources / "wordings" / "held_out.csv")
    return probes.held_out_probes(professions, wordings, 80)["prompt"].tolist()
