"""How a model of the transformers library reads and writes: one pass over the prompts, then a token at a time for all.

What several prompts begin with, their *head*, is read once: its keys and values go to all that go on from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from quorum import attention
from quorum.logbook import progress

if TYPE_CHECKING:
    import torch
    from transformers import Cache, PreTrainedModel

# Rows of a batch times the tokens of its longest row: what bounds the memory of keys and values.
BATCH_TOKENS = 12_000

Ids = Sequence[int]


def shared_heads(prompts: Sequence[Ids], cuts: Sequence[Sequence[int]]) -> list[int]:
    """Length of each prompt's head, 0 without one: it ends at the last of its cuts up to which another prompt is equal.

    cuts: for each prompt, after how many tokens it may be cut, each less than its length.
    """
    count = Counter(tuple(ids[:cut]) for ids, own in zip(prompts, cuts, strict=True) for cut in own)
    return [
        max((cut for cut in own if count[tuple(ids[:cut])] > 1), default=0)
        for ids, own in zip(prompts, cuts, strict=True)
    ]


def batches(prompts: Sequence[Ids], heads: Sequence[int], written: int = 0) -> list[list[int]]:
    """Row numbers in batches, of similar length and equal heads together, so that little is padding or read twice.

    written: how many tokens are to follow each prompt.
    """
    found: list[list[int]] = []
    head = tail = 0
    for i in sorted(range(len(prompts)), key=lambda i: (heads[i], prompts[i][: heads[i]], len(prompts[i]))):
        longer = max(head, heads[i]), max(tail, len(prompts[i]) - heads[i])
        if found and (len(found[-1]) + 1) * (sum(longer) + written) <= BATCH_TOKENS:
            found[-1].append(i)
            head, tail = longer
        else:
            found.append([i])
            head, tail = heads[i], len(prompts[i]) - heads[i]
    return found


def write(
    network: PreTrainedModel,
    prompts: Sequence[Ids],
    heads: Sequence[int],
    uniforms: np.ndarray,
    temperature: float,
    max_tokens: int,
    end: int,
) -> tuple[torch.Tensor, list[list[int]]]:
    """(log-probabilities of the first token, (rows, vocabulary) in float32; token ids written after each prompt).

    uniforms (rows, max_tokens) in 0..1 decide the tokens (see `sample`). A row that has written `end` leaves the batch,
    so that nothing more is computed for it.
    """
    import torch

    draws, rows = torch.from_numpy(uniforms), torch.arange(len(prompts))
    written: list[list[int]] = [[] for _ in prompts]
    with torch.inference_mode(), attention.for_writing(network):
        hidden, mask, position, cache = _read(network, prompts, heads, max_tokens)
        logits = _logits(network, hidden[:, -1])
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
            logits = _logits(network, _states(network, token[:, None], mask, position, cache)[:, -1])
    return first, written


def surprise(
    network: PreTrainedModel, prompts: Sequence[Ids], heads: Sequence[int], counted: Sequence[int]
) -> np.ndarray:
    """Negative log-likelihood in nats of the last `counted` tokens of each prompt, summed, (prompts,).

    counted: at least 1, and fewer than the tokens after the prompt's head.
    """
    import torch

    total = np.empty(len(prompts))
    for batch in progress(batches(prompts, heads), "batches of texts"):
        own = [prompts[i] for i in batch]
        with torch.inference_mode(), attention.for_writing(network):
            hidden, *_ = _read(network, own, [heads[i] for i in batch], 0)
            for row, i in enumerate(batch):
                logits = _logits(network, hidden[row, -counted[i] - 1 : -1])
                targets = torch.tensor(prompts[i][-counted[i] :])
                total[i] = float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
    return total


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


def _read(
    network: PreTrainedModel, prompts: Sequence[Ids], heads: Sequence[int], written: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Cache]:
    """(states after what follows each head, (rows, tokens, width), the last token's last; mask; positions; cache)."""
    import torch

    own = [tuple(ids[:head]) for ids, head in zip(prompts, heads, strict=True)]
    distinct = {head: row for row, head in enumerate(dict.fromkeys(own))}
    tails, mask = _padded([ids[head:] for ids, head in zip(prompts, heads, strict=True)])
    position = (mask.cumsum(-1) - 1).clamp(min=0) + torch.tensor(heads)[:, None]
    cache = attention.cache(network, max(heads) + tails.shape[1] + written)
    if any(heads):
        ids, read = _padded(list(distinct))
        _states(network, ids, read, (read.cumsum(-1) - 1).clamp(min=0), cache)
        rows = torch.tensor([distinct[head] for head in own])
        cache.batch_select_indices(rows)
        mask = torch.cat([read[rows], mask], dim=1)
    return _states(network, tails, mask, position, cache), mask, position, cache


def _padded(rows: Sequence[Ids]) -> tuple[torch.Tensor, torch.Tensor]:
    """(token ids, attention mask), each (rows, tokens), padded on the left."""
    import torch

    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + list(row) for row in rows])
    return ids, torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])


def _states(
    network: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor, position: torch.Tensor, cache: Cache
) -> torch.Tensor:
    """Hidden states after the tokens, (rows, tokens, width); the cache grows by their keys and values."""
    return network.get_decoder()(
        input_ids=ids, attention_mask=mask, position_ids=position, past_key_values=cache, use_cache=True
    ).last_hidden_state


def _logits(network: PreTrainedModel, hidden: torch.Tensor) -> torch.Tensor:
    """Logits out of hidden states (rows, width), (rows, vocabulary) in float32."""
    # Given a slice of three dimensions, the head copies its weights once for every row.
    return network.get_output_embeddings()(hidden).float()
