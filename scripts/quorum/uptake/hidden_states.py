"""What the frozen lower layers make of a sentence, computed once and shared by every condition that trains on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quorum.files import atomically
from quorum.logbook import progress
from quorum.models import LocalModel, ModelError, lower_part
from quorum.tables import TableError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class HiddenStates:
    """Hidden states of texts at the foot of the last `layers` layers.

    states (tokens, width); tokens (tokens,) ids; starts (texts + 1,) where each text begins; prompts (texts,) how many
    of a text's tokens are its prompt, the rest being the completion that ends with the end-of-sequence token.
    """

    states: torch.Tensor
    tokens: np.ndarray
    starts: np.ndarray
    prompts: np.ndarray
    layers: int

    def __len__(self) -> int:
        return len(self.prompts)


def encode(
    model: LocalModel, prompts: Sequence[str], completions: Sequence[str], layers: int, batch_size: int = 32
) -> HiddenStates:
    """Runs the layers below the last `layers` over prompt + completion of every text.

    Prompt and completion are tokenised apart, so that the boundary is the same whatever follows. An empty completion
    means a text that is only read; it gets no end-of-sequence token. Raises ModelError on a text without any token.
    """
    import torch

    end = model.tokenizer.eos_token_id
    first = [model.tokenizer(p, add_special_tokens=False)["input_ids"] if p else [] for p in prompts]
    second = [model.tokenizer(c, add_special_tokens=False)["input_ids"] + [end] if c else [] for c in completions]
    ids = [a + b for a, b in zip(first, second, strict=True)]
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    if len(lengths) and lengths.min() == 0:
        raise ModelError(f"text {int(lengths.argmin())} is empty and cannot be encoded")
    starts = np.concatenate([[0], np.cumsum(lengths)])
    states = torch.empty(int(starts[-1]), model.network.config.hidden_size, dtype=model.network.dtype)
    lower = lower_part(model.network, layers)
    with torch.inference_mode():
        ordered = np.array_split(np.argsort(lengths, kind="stable"), max(1, -(-len(lengths) // batch_size)))
        for batch in progress(ordered, "batches of sentences"):
            if not len(batch):
                continue
            # A token never looks to its right, so padding on the right needs no mask.
            padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(ids[i]) for i in batch], batch_first=True)
            hidden = lower(input_ids=padded, use_cache=False).last_hidden_state
            for row, i in enumerate(batch):
                states[starts[i] : starts[i + 1]] = hidden[row, : lengths[i]]
    return HiddenStates(
        states,
        np.array([t for row in ids for t in row], dtype=np.int64),
        starts,
        np.array([len(row) for row in first], dtype=np.int64),
        layers,
    )


def select(parts: Sequence[HiddenStates], rows: np.ndarray) -> HiddenStates:
    """Texts number `rows` (in that order) of the parts laid end to end.

    Raises ModelError if the parts were cut at different depths.
    """
    import torch

    if len({part.layers for part in parts}) != 1:
        raise ModelError(f"hidden states of different depths: {sorted({part.layers for part in parts})}")
    offsets = np.cumsum([0, *(len(part.tokens) for part in parts)])
    begin = np.concatenate([part.starts[:-1] + offset for part, offset in zip(parts, offsets, strict=False)])[rows]
    lengths = np.concatenate([np.diff(part.starts) for part in parts])[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    index = np.repeat(begin - starts[:-1], lengths) + np.arange(starts[-1])
    return HiddenStates(
        torch.cat([part.states for part in parts])[torch.from_numpy(index)],
        np.concatenate([part.tokens for part in parts])[index],
        starts,
        np.concatenate([part.prompts for part in parts])[rows],
        parts[0].layers,
    )


def save(hidden: HiddenStates, path: str | Path) -> None:
    """Writes hidden states as safetensors, atomically."""
    import torch
    from safetensors.torch import save_file

    tensors = {
        "states": hidden.states.contiguous(),
        "tokens": torch.from_numpy(hidden.tokens),
        "starts": torch.from_numpy(hidden.starts),
        "prompts": torch.from_numpy(hidden.prompts),
    }
    atomically(path, lambda temporary: save_file(tensors, temporary, metadata={"layers": str(hidden.layers)}))


def load(path: str | Path) -> HiddenStates:
    """Reads what `save` wrote; TableError names the file if it is not that."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            layers = int(file.metadata()["layers"])
            states, *rest = (file.get_tensor(name) for name in ("states", "tokens", "starts", "prompts"))
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise TableError(f"{path}: not readable as hidden states ({error}). Delete it and run again.") from error
    return HiddenStates(states, *(tensor.numpy() for tensor in rest), layers)
