from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tiny_model import EOS, LAYERS, VOCABULARY, token

from quorum import models
from quorum.models import ModelError
from quorum.tables import TableError
from quorum.uptake import hidden_states

TEXTS = [
    ("the nurse wrote", " he was"),
    ("", "she left the ward"),
    ("the doctor asked the patient and the nurse", " they"),
    ("one", "two"),
    ("the patient called", ""),
    ("A", " B"),
    ("who saw the doctor then", " her. she asked the nurse"),
]
PROMPTS, COMPLETIONS = (list(column) for column in zip(*TEXTS, strict=True))


def text(states: hidden_states.HiddenStates, i: int) -> tuple[torch.Tensor, list[int], int]:
    span = slice(states.starts[i], states.starts[i + 1])
    return states.states[span], states.tokens[span].tolist(), int(states.prompts[i])


@pytest.mark.parametrize("layers", [1, 3, LAYERS])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_the_states_of_a_text_are_those_of_the_whole_network_run_on_it_alone(tiny, layers, batch_size):
    states = hidden_states.encode(tiny, PROMPTS, COMPLETIONS, layers, batch_size)
    assert len(states) == len(TEXTS)
    assert states.layers == layers
    for i, (prompt, completion) in enumerate(TEXTS):
        first = tiny.tokenizer(prompt)["input_ids"] if prompt else []
        ids = first + (tiny.tokenizer(completion)["input_ids"] + [EOS] if completion else [])
        with torch.no_grad():
            whole = tiny.network(input_ids=torch.tensor([ids]), output_hidden_states=True)
        found, tokens, n_prompt = text(states, i)
        assert tokens == ids
        assert n_prompt == len(first)
        torch.testing.assert_close(found, whole.hidden_states[LAYERS - layers][0], atol=1e-4, rtol=0)


def test_prompt_and_completion_are_tokenised_apart(tiny):
    joint = tiny.tokenizer("one" + "two")["input_ids"]
    _, tokens, n_prompt = text(hidden_states.encode(tiny, ["one"], ["two"], 1), 0)
    assert joint == [token("<unk>")]
    assert tokens == [token("one"), token("two"), EOS]
    assert n_prompt == 1


def test_a_text_without_a_token_is_named(tiny):
    with pytest.raises(ModelError, match="text 2 is empty"):
        hidden_states.encode(tiny, ["A", "", ""], ["B", "B", ""], 1)


def test_no_texts_have_no_states(tiny, tmp_path):
    states = hidden_states.encode(tiny, [], [], 2)
    assert len(states) == 0
    assert states.states.shape == (0, 32)
    assert states.starts.tolist() == [0]
    hidden_states.save(states, tmp_path / "none.safetensors")
    assert len(hidden_states.load(tmp_path / "none.safetensors")) == 0


def test_the_states_keep_the_precision_of_the_model(tiny_folder):
    model = models.load_local(tiny_folder, "bfloat16")
    assert hidden_states.encode(model, PROMPTS, COMPLETIONS, 2).states.dtype == torch.bfloat16


# ---- selection -------------------------------------------------------------------------------------------------------


def counted(n_texts: int, layers: int, seed: int) -> hidden_states.HiddenStates:
    """Texts of one to four tokens, in which every number tells where it stood."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 5, n_texts)
    n = int(lengths.sum())
    return hidden_states.HiddenStates(
        torch.arange(2 * n, dtype=torch.float32).reshape(n, 2) + 1000 * seed,
        np.arange(n) + 1000 * seed,
        np.concatenate([[0], np.cumsum(lengths)]),
        rng.integers(0, 5, n_texts),
        layers,
    )


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=3), data=st.data())
@settings(max_examples=60)
def test_a_selection_holds_the_texts_of_the_rows_in_their_order(sizes, data):
    parts = [counted(size, 3, seed) for seed, size in enumerate(sizes)]
    rows = data.draw(st.lists(st.integers(0, sum(sizes) - 1), max_size=8)) if sum(sizes) else []
    chosen = hidden_states.select(parts, np.array(rows, dtype=int))
    texts = [text(part, i) for part in parts for i in range(len(part))]
    assert len(chosen) == len(rows)
    assert chosen.layers == 3
    assert chosen.starts[0] == 0
    assert chosen.starts[-1] == len(chosen.tokens) == len(chosen.states)
    for i, row in enumerate(rows):
        expected, found = texts[row], text(chosen, i)
        assert torch.equal(found[0], expected[0])
        assert found[1:] == expected[1:]


def test_a_selection_equals_encoding_the_chosen_texts(tiny):
    halves = [
        hidden_states.encode(tiny, PROMPTS[:4], COMPLETIONS[:4], 2),
        hidden_states.encode(tiny, PROMPTS[4:], COMPLETIONS[4:], 2),
    ]
    rows = np.array([6, 0, 3, 3, 4])
    chosen = hidden_states.select(halves, rows)
    direct = hidden_states.encode(tiny, [PROMPTS[i] for i in rows], [COMPLETIONS[i] for i in rows], 2)
    torch.testing.assert_close(chosen.states, direct.states, atol=1e-4, rtol=0)
    for name in ("tokens", "starts", "prompts"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(direct, name))


def test_parts_of_different_depths_are_refused():
    with pytest.raises(ModelError, match=r"different depths: \[2, 3\]"):
        hidden_states.select([counted(2, 3, 0), counted(2, 2, 1)], np.array([0]))


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_saved_is_loaded(tiny_folder, tmp_path, dtype):
    states = hidden_states.encode(models.load_local(tiny_folder, dtype), PROMPTS, COMPLETIONS, 3)
    path = tmp_path / "deep" / "a.safetensors"
    hidden_states.save(states, path)
    loaded = hidden_states.load(path)
    assert torch.equal(loaded.states, states.states)
    assert loaded.states.dtype == states.states.dtype
    for name in ("tokens", "starts", "prompts"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(states, name))
    assert loaded.layers == 3
    assert [file.name for file in path.parent.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("fault", ["missing", "cut", "garbage", "no metadata", "other metadata", "no tokens", "folder"])
def test_a_file_of_something_else_is_named(tmp_path, fault):
    path = tmp_path / "a.safetensors"
    whole = counted(6, 2, 0)
    tensors = {"states": whole.states} | {
        name: torch.from_numpy(getattr(whole, name)) for name in ("tokens", "starts", "prompts")
    }
    if fault == "cut":
        hidden_states.save(whole, path)
        path.write_bytes(path.read_bytes()[:-7])
    elif fault == "garbage":
        path.write_bytes(b"states")
    elif fault == "no metadata":
        save_file(tensors, path)
    elif fault == "other metadata":
        save_file(tensors, path, metadata={"format": "pt"})
    elif fault == "no tokens":
        del tensors["tokens"]
        save_file(tensors, path, metadata={"layers": "2"})
    elif fault == "folder":
        path.mkdir()
    with pytest.raises(TableError, match="not readable as hidden states") as error:
        hidden_states.load(path)
    assert str(error.value).startswith(f"{path}: ")


def test_the_vocabulary_of_the_tiny_model_spells_every_word_of_the_texts(tiny):
    """Else tests of boundaries would compare unknown tokens with each other."""
    for prompt, completion in TEXTS:
        assert token("<unk>") not in tiny.tokenizer(prompt + "." + completion)["input_ids"]
    assert len(set(VOCABULARY)) == len(VOCABULARY)
