"""Reading with shared heads and writing, against the whole network of transformers, one prompt at a time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import tiny_model
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum import attention, decoding

LINES = ("the nurse saw her.", "the doctor saw him, and they left.", "one two three.", "who asked?")
CONTEXTS = ["", LINES[0], LINES[2], "\n".join(LINES[:2]), "\n".join(LINES), "\n".join(LINES[::-1])]
QUESTIONS = ("the nurse wrote", "who", "the patient called the doctor and then", "A")
PROMPTS = [f"{context}\n{question}".lstrip("\n") for context in CONTEXTS for question in QUESTIONS]


def tokens_and_cuts(model, prompts):
    """By hand: the newline is a token of its own, and a prompt may be cut after each."""
    ids = [model.tokenizer(prompt)["input_ids"] for prompt in prompts]
    end = tiny_model.token("\n")
    return ids, [[place + 1 for place, token in enumerate(row) if token == end] for row in ids]


def alone(model, ids) -> torch.Tensor:
    with torch.no_grad():
        return model.network(torch.tensor([ids]), use_cache=False).logits[0].double().log_softmax(-1)


# ---- heads and batches -----------------------------------------------------------------------------------------------


def test_heads_by_hand():
    prompts = [[1, 2, 9, 4], [1, 2, 9, 5, 6], [1, 2, 8, 4], [3, 2, 9, 4], [1, 2, 9, 5, 7]]
    cuts = [[1, 3], [1, 3, 4], [1, 3], [1], []]
    # The last might be cut nowhere, so it shares nothing, and the second has its third cut to itself.
    assert decoding.shared_heads(prompts, cuts) == [3, 3, 1, 0, 0]


prompt_lists = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=9), max_size=30)


@given(prompts=prompt_lists, written=st.integers(0, 9), room=st.integers(10, 200))
@settings(max_examples=200)
def test_every_row_is_in_one_batch_that_fits(prompts, written, room):
    cuts = [[cut for cut in (1, 3, 5) if cut < len(ids)] for ids in prompts]
    heads = decoding.shared_heads(prompts, cuts)
    for i, (ids, own) in enumerate(zip(prompts, cuts, strict=True)):
        others = [(prompts[j], cuts[j]) for j in range(len(prompts)) if j != i]
        equal = [cut for cut in own if any(cut in c and other[:cut] == ids[:cut] for other, c in others)]
        assert heads[i] == max(equal, default=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BATCH_TOKENS", room)
        batches = decoding.batches(prompts, heads, written)
    assert sorted(i for batch in batches for i in batch) == list(range(len(prompts)))
    for batch in batches:
        longest = max(heads[i] for i in batch) + max(len(prompts[i]) - heads[i] for i in batch)
        assert len(batch) == 1 or len(batch) * (longest + written) <= room


def test_ordinary_prompts_are_batched_by_length(monkeypatch):
    prompts = [[1] * length for length in (5, 2, 9, 3, 9, 2, 5)]
    monkeypatch.setattr(decoding, "BATCH_TOKENS", 10)
    assert decoding.batches(prompts, [0] * 7) == [[1, 5, 3], [0, 6], [2], [4]]


# ---- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [20_000, 120])
def test_a_shared_head_changes_neither_distributions_nor_completions(tiny, monkeypatch, room):
    monkeypatch.setattr(decoding, "BATCH_TOKENS", room)
    ids, cuts = tokens_and_cuts(tiny, PROMPTS)
    heads = decoding.shared_heads(ids, cuts)
    assert len(set(heads)) >= 4 and sum(heads) > 0.4 * sum(map(len, ids))
    uniforms = np.zeros((len(ids), 12))
    for batch in decoding.batches(ids, heads, 12):
        own = [ids[i] for i in batch]
        first, written = decoding.write(tiny.network, own, [heads[i] for i in batch], uniforms, 0, 12, tiny_model.EOS)
        for row, prompt in enumerate(own):
            torch.testing.assert_close(first[row].double(), alone(tiny, prompt)[-1], atol=1e-4, rtol=0)
            whole = tiny.network.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=12, pad_token_id=0)[
                0, len(prompt) :
            ].tolist()
            assert written[row] == [token for token in whole if token != tiny_model.EOS]


def test_a_head_is_read_once(tiny, monkeypatch):
    read: Counter[str] = Counter()

    def counting(network, ids, mask, *rest):
        read["tokens"] += int(mask[:, -ids.shape[1] :].sum())
        return states(network, ids, mask, *rest)

    states = decoding._states
    monkeypatch.setattr(decoding, "_states", counting)
    ids, cuts = tokens_and_cuts(tiny, PROMPTS)
    heads = decoding.shared_heads(ids, cuts)
    decoding.write(tiny.network, ids, heads, np.zeros((len(ids), 0)), 0, 0, tiny_model.EOS)
    own = {tuple(row[:head]) for row, head in zip(ids, heads, strict=True)}
    tails = sum(len(row) - head for row, head in zip(ids, heads, strict=True))
    assert read["tokens"] == sum(map(len, own)) + tails < 0.75 * sum(map(len, ids))


@pytest.mark.parametrize("room", [20_000, 60])
def test_surprise_equals_a_loop_over_tokens(tiny, monkeypatch, room):
    monkeypatch.setattr(decoding, "BATCH_TOKENS", room)
    ids, cuts = tokens_and_cuts(tiny, [prompt for prompt in PROMPTS if not prompt.endswith(("who", "A"))])
    heads = decoding.shared_heads(ids, cuts)
    counted = [min(4, len(row) - head - 1) for row, head in zip(ids, heads, strict=True)]
    assert set(counted) == {2, 4} and any(heads)
    expected = [
        -sum(alone(tiny, row)[place - 1, row[place]].item() for place in range(len(row) - n, len(row)))
        for row, n in zip(ids, counted, strict=True)
    ]
    np.testing.assert_allclose(decoding.surprise(tiny.network, ids, heads, counted), expected, atol=1e-4)


# ---- attention -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [1, 5])
@pytest.mark.parametrize(("heads", "groups"), [(4, 2), (9, 3), (3, 3), (4, 1)])
def test_grouped_attention_is_that_of_transformers(tokens, heads, groups):
    from types import SimpleNamespace

    from transformers.models.llama.modeling_llama import eager_attention_forward

    generator = torch.Generator().manual_seed(heads)
    query = torch.randn(3, tokens, heads, 8, generator=generator).transpose(1, 2)
    key, value = (torch.randn(3, groups, 7, 8, generator=generator) for _ in range(2))
    mask = torch.zeros(3, 1, tokens, 7)
    mask[:, :, :, -tokens:] = torch.full((tokens, tokens), torch.finfo(torch.float32).min).triu(1)
    mask[1, :, :, :2] = torch.finfo(torch.float32).min
    module = SimpleNamespace(num_key_value_groups=heads // groups, training=False)
    expected, _ = eager_attention_forward(module, query, key, value, mask, scaling=0.3)
    found, _ = attention.grouped(module, query, key, value, mask, scaling=0.3, dropout=0.0)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_training_has_the_attention_that_it_had(tiny):
    before = tiny.network.config._attn_implementation
    with pytest.raises(RuntimeError), attention.for_writing(tiny.network):
        assert tiny.network.config._attn_implementation == attention.GROUPED
        raise RuntimeError
    assert tiny.network.config._attn_implementation == before == "eager"


def test_the_room_of_a_cache_is_filled_in_place(tiny):
    network = tiny.network
    roomy = attention.cache(network, 6)
    ids = torch.tensor([[8, 9, 10], [11, 12, 13], [14, 15, 16]])
    with torch.no_grad():
        network(ids, past_key_values=roomy, use_cache=True)
        place = roomy.layers[0].keys.data_ptr()
        network(ids[:, :1], past_key_values=roomy, use_cache=True)
        assert roomy.layers[0].keys.data_ptr() == place and roomy.get_seq_length() == 4
        roomy.batch_select_indices(torch.tensor([2, 0, 2, 2]))
        rows = torch.tensor([[14, 15, 16, 14, 9], [8, 9, 10, 8, 9], [14, 15, 16, 14, 9], [14, 15, 16, 14, 9]])
        found = network(rows[:, -1:], past_key_values=roomy, use_cache=True).logits[:, -1]
        torch.testing.assert_close(found, network(rows).logits[:, -1], atol=1e-4, rtol=0)
