"""How a model of the transformers library writes: one pass over the prompts, then a token at a time for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

BATCH = 256


def by_length(ids: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Row numbers in batches of similar length, so that little of a batch is padding."""
    if not ids:
        return []
    order = np.argsort([len(row) for row in ids], kind="stable")
    return np.array_split(order, -(-len(order) // BATCH))


def write(
    network: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    uniforms: np.ndarray,
    temperature: float,
    max_tokens: int,
    end: int,
) -> tuple[torch.Tensor, list[list[int]]]:
    """(log-probabilities of the first token, (rows, vocabulary) in float32; token ids written after each prompt).

    prompts: token ids; uniforms (rows, max_tokens) in 0..1 decide the tokens (see `sample`). A row that has written
    `end` leaves the batch, so that nothing more is computed for it.
    """
    import torch
    from transformers import DynamicCache

    ids, mask, position = _padded(prompts)
    draws, rows = torch.from_numpy(uniforms), torch.arange(len(prompts))
    cache = DynamicCache(config=network.config)
    written: list[list[int]] = [[] for _ in prompts]
    with torch.inference_mode():
        logits = _last_logits(network, ids, mask, position, cache)
        first = logits.log_softmax(-1)
        for step in range(max_tokens):
            token = sample(logits, draws[rows, step], temperature)
            going = token != end
            for row, value in zip(rows[going].tolist(), token[going].tolist(), strict=True):
                written[row].append(value)
            if not going.any() or step + 1 == max_tokens:
                break
            if not going.all():
                kept = going.nonzero()[:, 0]
                cache.batch_select_indices(kept)
                rows, mask, position, token = rows[kept], mask[kept], position[kept], token[kept]
            position = position[:, -1:] + 1
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
            logits = _last_logits(network, token[:, None], mask, position, cache)
    return first, written


def sample(logits: torch.Tensor, uniform: torch.Tensor, temperature: float) -> torch.Tensor:
    """One token a row by inversion of the cumulative distribution at `uniform`; the likeliest at temperature 0."""
    import torch

    if temperature == 0:
        return logits.argmax(-1)
    cumulative = (logits / temperature).softmax(-1).cumsum(-1)
    total = cumulative[:, -1]
    # A uniform that float32 rounds to 1 belongs to the last token with any probability, not to the last of all.
    target = torch.minimum(uniform.float() * total, total.nextafter(torch.zeros_like(total)))
    return torch.searchsorted(cumulative, target[:, None], right=True)[:, 0]


def _padded(prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(ids, attention mask, positions), each (prompts, tokens), padded on the left; a prompt begins at position 0."""
    import torch

    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(row)) + list(row) for row in prompts])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in prompts])
    return ids, mask, (mask.cumsum(-1) - 1).clamp(min=0)


def _last_logits(
    network: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor, position: torch.Tensor, cache: object
) -> torch.Tensor:
    """Logits after the last token of each row, (rows, vocabulary), in float32."""
    hidden = network.get_decoder()(
        input_ids=ids, attention_mask=mask, position_ids=position, past_key_values=cache, use_cache=True
    ).last_hidden_state[:, -1]
    # Given a slice of three dimensions, the head copies its weights once for every row.
    return network.get_output_embeddings()(hidden).float()
