"""Attention of a model that writes, in fewer passes over memory.

A written token reads the keys and values of everything before it. transformers copies them twice for it: once to add
the new one at the end, and once for every query head that shares them. Here neither is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import Cache, PreTrainedModel

GROUPED = "grouped_queries"


@contextmanager
def for_writing(network: PreTrainedModel) -> Iterator[None]:
    """`grouped` in place of the attention of the Llama family; other models keep their own."""
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    before = network.config._attn_implementation
    if _is_llama(network):
        ALL_ATTENTION_FUNCTIONS.register(GROUPED, grouped)
        ALL_MASK_ATTENTION_FUNCTIONS.register(GROUPED, eager_mask)
        network.set_attn_implementation(GROUPED)
    try:
        yield
    finally:
        network.set_attn_implementation(before)


def grouped(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention of query (rows, heads, tokens, width); (rows, tokens, heads, width) and no weights.

    key, value: (rows, groups, all tokens, width), each shared by heads / groups neighbouring heads (Ainslie et al.
    2023, arXiv 2305.13245), which ask one after the other as if they were further tokens. attention_mask: (rows, 1,
    tokens, all tokens), added to the scores.
    """
    import torch

    rows, heads, tokens, width = query.shape
    groups = key.shape[1]
    asked = query.reshape(rows, groups, heads // groups * tokens, width)
    mask = attention_mask.repeat(1, 1, heads // groups, 1)
    found = torch.nn.functional.scaled_dot_product_attention(asked, key, value, attn_mask=mask, scale=scaling)
    return found.reshape(rows, heads, tokens, width).transpose(1, 2), None


def cache(network: PreTrainedModel, capacity: int) -> Cache:
    """A cache of keys and values; for the Llama family one with room for `capacity` tokens from the start."""
    from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

    class Roomy(DynamicLayer):
        def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
            super().lazy_initialization(key_states, value_states)
            rows, groups, _, width = key_states.shape
            self.rooms = [states.new_empty(rows, groups, capacity, width) for states in (key_states, value_states)]

        def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any):
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            seen, all_tokens = self.get_seq_length(), self.get_seq_length() + key_states.shape[2]
            for room, states in zip(self.rooms, (key_states, value_states), strict=True):
                room[:, :, seen:all_tokens] = states
            self.keys, self.values = (room[:, :, :all_tokens] for room in self.rooms)
            return self.keys, self.values

        def batch_select_indices(self, indices: torch.Tensor) -> None:
            all_tokens = self.get_seq_length()
            self.rooms = [room[indices] for room in self.rooms]
            self.keys, self.values = (room[:, :, :all_tokens] for room in self.rooms)

    if not _is_llama(network):
        return DynamicCache(config=network.config)
    return Cache(layers=[Roomy() for _ in range(network.config.num_hidden_layers)])


def _is_llama(network: PreTrainedModel) -> bool:
    from transformers.models.llama.modeling_llama import LlamaModel

    return isinstance(network.get_decoder(), LlamaModel)
