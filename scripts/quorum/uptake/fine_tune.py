"""The firm learns: LoRA on the accepted stream, in the last layers, with the loss on the completions."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quorum.files import workspace
from quorum.logbook import progress
from quorum.models import LocalModel, ModelError, upper_part
from quorum.uptake.hidden_states import HiddenStates

if TYPE_CHECKING:
    import torch
    from peft import PeftModel

TARGETS = ("q_proj", "v_proj")
LOSS_ROWS = 320
SORTED_BATCHES = 8


@dataclass(frozen=True)
class Schedule:
    """How the firm trains: last layers, LoRA rank and alpha, peak rate, epochs, sentences a batch, warm-up share."""

    layers: int
    rank: int
    alpha: int
    learning_rate: float
    epochs: float
    batch_size: int
    warmup: float


def fine_tune(model: LocalModel, stream: HiddenStates, schedule: Schedule, seed: int) -> tuple[PeftModel, pd.DataFrame]:
    """Trains a LoRA adapter (Hu et al. 2021: queries and values) in the last layers on the hidden states of a stream.

    Returns the whole model in PEFT's wrapper and a frame of table `learning`, one row a step. AdamW without weight
    decay, linear warm-up, then cosine to zero; the adapter is stepped in float32 whatever the model's own precision.
    """
    import peft
    import torch

    if stream.layers != schedule.layers:
        raise ModelError(
            f"the stream was encoded for {stream.layers} trained layers, the schedule has {schedule.layers}"
        )
    torch.manual_seed(seed)
    first = model.n_layers - schedule.layers
    wrapped = peft.get_peft_model(
        model.network,
        peft.LoraConfig(
            task_type="CAUSAL_LM",
            r=schedule.rank,
            lora_alpha=schedule.alpha,
            target_modules=list(TARGETS),
            layers_to_transform=list(range(first, model.n_layers)),
            layers_pattern="layers",
        ),
        autocast_adapter_dtype=False,
    )
    upper = upper_part(model.network, schedule.layers)
    head = model.network.get_output_embeddings().weight
    adapter = [p for p in wrapped.parameters() if p.requires_grad]
    masters = [p.detach().float().clone() for p in adapter]
    optimizer = torch.optim.AdamW(masters, lr=schedule.learning_rate, weight_decay=0.0)
    batches = _batches(stream, schedule, seed)
    history = []
    for step, rows in enumerate(progress(batches, "training steps")):
        rate = schedule.learning_rate * _rate(step, len(batches), schedule.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _completion_loss(upper, head, stream, rows)
        loss.backward()
        with torch.no_grad():
            for master, parameter in zip(masters, adapter, strict=True):
                master.grad, parameter.grad = parameter.grad.float(), None
            optimizer.step()
            for master, parameter in zip(masters, adapter, strict=True):
                parameter.copy_(master)
        history.append((step + 1, float(loss.detach()), rate, str(stream.states.dtype).removeprefix("torch.")))
    return wrapped, pd.DataFrame(history, columns=["step", "loss", "learning_rate", "dtype"])


def save_adapter(wrapped: PeftModel, folder: str | Path, base: str) -> None:
    """Writes the adapter in PEFT's own format; `base` is the base model's name, put in place of a path.

    The two files appear whole, the weights last.
    """
    folder = Path(folder)
    wrapped.peft_config["default"].base_model_name_or_path = base
    with workspace(folder / "adapter") as temporary:
        wrapped.save_pretrained(temporary)
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            os.chmod(Path(temporary, name), 0o644)
            os.replace(Path(temporary, name), folder / name)


def fused_cross_entropy(hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy in nats of softmax(hidden @ head.T) against the targets.

    hidden (n, width), head (vocabulary, width) without gradient, targets (n,). The gradient is made together with the
    loss, a block of rows at a time, so that no array of size n x vocabulary is written, kept and read again: with a
    vocabulary of 49,152 that costs more than the layers do.
    """
    import torch

    buffers = _workspace(LOSS_ROWS, len(head), hidden.dtype)

    class FusedCrossEntropy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, hidden, head, targets):
            gradient, total = torch.empty_like(hidden), hidden.new_zeros((), dtype=torch.float32)
            for start in range(0, len(targets), LOSS_ROWS):
                rows = slice(start, start + LOSS_ROWS)
                logits, p = (buffer[: len(targets[rows])] for buffer in buffers)
                torch.mm(hidden[rows], head.T, out=logits)
                torch.softmax(logits, dim=1, out=p)
                at_target = (torch.arange(len(p)), targets[rows])
                total -= p[at_target].float().log().sum()
                p[at_target] -= 1.0
                # By a head laid out by columns PyTorch 2.13 dies here on CPUs with AMX, at 32 rows of bfloat16.
                gradient[rows] = p @ head
            ctx.save_for_backward(gradient / len(targets))
            return total / len(targets)

        @staticmethod
        def backward(ctx, upstream):
            (gradient,) = ctx.saved_tensors
            return gradient * upstream, None, None

    return FusedCrossEntropy.apply(hidden, head, targets)


@cache
def _workspace(rows: int, vocabulary: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Two arrays that every block of rows uses again: with fresh memory each time, the system's zeroing of its pages
    costs more than the softmax."""
    import torch

    return torch.empty(rows, vocabulary, dtype=dtype), torch.empty(rows, vocabulary, dtype=dtype)


def _completion_loss(
    upper: torch.nn.Module, head: torch.Tensor, stream: HiddenStates, rows: np.ndarray
) -> torch.Tensor:
    import torch

    lengths = np.diff(stream.starts)[rows]
    inputs = torch.nn.utils.rnn.pad_sequence(
        [stream.states[stream.starts[i] : stream.starts[i + 1]] for i in rows], batch_first=True
    )
    # The state before a token predicts it; a sentence without a prompt cannot predict its first token.
    spans = [np.arange(max(p, 1), n) for p, n in zip(stream.prompts[rows], lengths, strict=True)]
    row = np.repeat(np.arange(len(rows)), [len(span) for span in spans])
    position = np.concatenate(spans)
    targets = stream.tokens[stream.starts[rows][row] + position]
    read = torch.from_numpy(row * inputs.shape[1] + position - 1)
    with _only_at(upper.layers[-1], read):
        hidden = upper(inputs_embeds=inputs, use_cache=False).last_hidden_state
    return fused_cross_entropy(hidden.flatten(0, 1)[read], head, torch.from_numpy(targets))


@contextmanager
def _only_at(layer: torch.nn.Module, read: torch.Tensor) -> Iterator[None]:
    """In the last layer, nothing looks at a position but the loss: its feed-forward part is run at `read` alone."""

    def forward(x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(0, -2)
        return flat.new_zeros(flat.shape).index_copy(0, read, whole(flat[read])).view(x.shape)

    whole, layer.mlp.forward = layer.mlp.forward, forward
    try:
        yield
    finally:
        layer.mlp.forward = whole


def _batches(stream: HiddenStates, schedule: Schedule, seed: int) -> list[np.ndarray]:
    """Random batches of similar length, as transformers' group_by_length makes them, for the given number of epochs."""
    rng = np.random.default_rng(seed)
    lengths, batches = np.diff(stream.starts), []
    steps = max(1, round(schedule.epochs * -(-len(stream) // schedule.batch_size)))
    while len(batches) < steps:
        order = rng.permutation(len(stream))
        for start in range(0, len(order), schedule.batch_size * SORTED_BATCHES):
            chunk = order[start : start + schedule.batch_size * SORTED_BATCHES]
            chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
            groups = [chunk[i : i + schedule.batch_size] for i in range(0, len(chunk), schedule.batch_size)]
            batches.extend(groups[i] for i in rng.permutation(len(groups)))
    return batches[:steps]


def _rate(step: int, steps: int, warmup: float) -> float:
    """Share of the peak learning rate at a step: linear warm-up, then cosine to zero."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
