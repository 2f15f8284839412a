"""A language model on this machine: what it writes, and what it finds likely to come next.

Every backend answers one question, `ask`. This one runs a causal model of the transformers library (how it writes is in
`decoding`); its layers can be cut in two, so that what the lower part computes is shared (see `uptake`).
"""

from __future__ import annotations

import copy
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quorum import decoding, norms
from quorum.files import workspace
from quorum.logbook import progress

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TRIAL_SECONDS = 0.3
WORTHWHILE = 1.5


class ModelError(ValueError):
    """A model that cannot be loaded or used as asked; the message names the folder and says what to do."""


@dataclass(frozen=True)
class Answers:
    """What a model says to n prompts.

    completions: n texts; mass: group of words -> (n,) next-token probability of the group; entropy_bits (n,) of the
    next-token distribution; seen_mass (n,) how much of that distribution the backend showed, 1 for a local model. Where
    a backend gives no probabilities, all but the completions are NaN.
    """

    completions: list[str]
    mass: dict[str, np.ndarray]
    entropy_bits: np.ndarray
    seen_mass: np.ndarray


@dataclass(frozen=True)
class LocalModel:
    """A causal language model of the transformers library with its tokenizer."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def n_layers(self) -> int:
        """Number of transformer layers."""
        return self.network.config.num_hidden_layers

    def ask(
        self,
        prompts: Sequence[str],
        words: Mapping[str, Sequence[str]],
        temperature: float,
        max_tokens: int,
        seed: int,
        streams: Sequence[int] | None = None,
    ) -> Answers:
        """One completion of at most `max_tokens` tokens after each prompt, and what was likely to come first.

        A word counts by its first token after a space; a token shared by words of one group counts once. Raises
        ModelError if two groups share a first token, since the mass could then not be told apart.

        temperature 0 takes the likeliest token; a completion ends early at the end-of-sequence token. Every prompt has
        its own stream of random numbers, so that its text depends on (seed, stream) and not on the others that are
        asked with it. streams: the number of each prompt's stream, its place in the list if None.
        """
        tokens = _first_tokens(self.tokenizer, words)
        ids, cuts = self._tokens(prompts)
        heads = decoding.shared_heads(ids, cuts)
        numbers = np.arange(len(ids)) if streams is None else np.asarray(streams, dtype=int)
        uniforms = np.random.default_rng(seed).random((numbers.max(initial=-1) + 1, max_tokens))[numbers]
        mass = {group: np.empty(len(ids)) for group in tokens}
        entropy, texts = np.empty(len(ids)), [""] * len(ids)
        for batch in progress(decoding.batches(ids, heads, max_tokens), "batches of prompts"):
            log_p, written = decoding.write(
                self.network,
                [ids[i] for i in batch],
                [heads[i] for i in batch],
                uniforms[batch],
                temperature,
                max_tokens,
                self.tokenizer.eos_token_id,
            )
            p = log_p.exp()
            entropy[batch] = (-(p * log_p).sum(-1) / np.log(2)).numpy()
            for group, first in tokens.items():
                mass[group][batch] = p[:, first].sum(-1).numpy()
            for row, text in zip(batch, self.tokenizer.batch_decode(written, skip_special_tokens=True), strict=True):
                texts[row] = text
        return Answers(texts, mass, entropy, np.ones(len(ids)))

    def surprise(self, contexts: Sequence[str], texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(negative log-likelihood in nats, number of tokens that it sums over) of each text after its context line.

        A text's first token is not counted, so that with and without a context (empty) the same tokens are. Context and
        text are tokenised apart. Both arrays (texts,).
        """
        before, cuts = self._tokens([f"{context}\n" if context else "" for context in contexts])
        own = [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        counted = np.array([len(ids) - 1 for ids in own], dtype=int)
        ids = [first + second for first, second in zip(before, own, strict=True)]
        cuts = [[*cut, len(first)] if first else cut for cut, first in zip(cuts, before, strict=True)]
        nats = np.zeros(len(ids))
        rows = np.flatnonzero(counted > 0)
        if len(rows):
            ids, cuts = [ids[i] for i in rows], [cuts[i] for i in rows]
            nats[rows] = decoding.surprise(self.network, ids, decoding.shared_heads(ids, cuts), counted[rows])
        return nats, counted.clip(min=0)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Mean input-token vector of each text, centred on the mean vector of the vocabulary, (texts, width).

        Training leaves these vectors as they are, so every model of a study has the same ones. A text without any token
        has the vector 0.
        """
        vectors = self.network.get_input_embeddings().weight.float()
        centre = vectors.mean(0)
        ids = [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        means = [(vectors[row] - centre).double().mean(0) if row else 0 * centre.double() for row in ids]
        return np.array([mean.numpy() for mean in means]).reshape(len(ids), len(centre))

    def _tokens(self, prompts: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        """(token ids of each prompt, numbers of tokens after which one of its lines ends and another begins)."""
        if not len(prompts):
            return [], []
        encoded = self.tokenizer(list(prompts), return_offsets_mapping=True, split_special_tokens=True)
        cuts = [
            [number for number, (start, _) in enumerate(offsets) if start and prompt[start - 1] == "\n"]
            for prompt, offsets in zip(prompts, encoded["offset_mapping"], strict=True)
        ]
        return encoded["input_ids"], cuts


def load_local(
    folder: str | Path, dtype: str, adapter: str | Path | None = None, threads: int | None = None
) -> LocalModel:
    """The model in `folder` (safetensors and tokenizer) in "float32" or "bfloat16", with a PEFT adapter merged in.

    threads: how many the matrix products of this process may use; torch's own choice if None.

    Raises ModelError that names the folder where it holds no model, or no adapter, that can be read.
    """
    # The hub's client reads this when it is imported, and peft when it saves an adapter: it would ask for the base.
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    # Else transformers would take it for the name of a model to download.
    if not Path(folder).is_dir():
        raise ModelError(f"{folder}: no such folder; it must hold a causal language model and its tokenizer")
    if threads:
        torch.set_num_threads(threads)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        network = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", use_safetensors=True
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"{folder}: no causal language model that transformers can read there ({error}). If it was retrieved, "
            "delete it and run again: it will be fetched anew"
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if adapter is not None:
        from peft import PeftModel

        try:
            network = PeftModel.from_pretrained(network, str(adapter)).merge_and_unload()
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"{adapter}: no adapter of this model that peft can read there ({error}). Delete it and run again"
            ) from error
    network.requires_grad_(False)
    return LocalModel(norms.fuse(network.to(getattr(torch, dtype)).eval()), tokenizer)


def convert_gguf(gguf: str | Path, folder: str | Path) -> None:
    """Writes the model of a GGUF file to `folder` as float32 safetensors with its tokenizer; the folder appears whole.

    Raises ModelError that names the file if transformers cannot read it.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    gguf, folder = Path(gguf), Path(folder)
    if not gguf.is_file():
        raise ModelError(f"{gguf}: no such file")
    try:
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        read = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise ModelError(f"{gguf}: not a GGUF file that transformers can read ({error})") from error
    config = read.config
    # Marked as quantized, a model cannot be saved; its weights are plain float32 by now.
    del config.quantization_config
    config._name_or_path = ""
    plain = type(read)(config)
    plain.load_state_dict(read.state_dict())
    plain.tie_weights()
    folder.mkdir(parents=True, exist_ok=True)
    with workspace(folder) as temporary:
        plain.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        for file in sorted(temporary.iterdir()):
            file.chmod(0o644)
            os.replace(file, folder / file.name)


def lower_part(network: PreTrainedModel, layers: int) -> torch.nn.Module:
    """The network below its last `layers` layers; its `last_hidden_state` is the input of `upper_part`."""
    return _part(network, 0, _cut(network, layers))


def upper_part(network: PreTrainedModel, layers: int) -> torch.nn.Module:
    """The last `layers` layers and the final norm, called with `inputs_embeds` of shape (rows, tokens, width)."""
    return _part(network, _cut(network, layers), network.config.num_hidden_layers)


def measure_precision(width: int = 576, inner: int = 1536, tokens: int = 640) -> list[tuple[str, float]]:
    """(dtype, FLOP/s of one thread) for float32 and bfloat16, at the shapes of a training step of the default model.

    Some CPUs multiply bfloat16 matrices several times faster than float32 ones, others emulate them.
    """
    import time

    import torch

    rates = []
    for name in ("float32", "bfloat16"):
        dtype = getattr(torch, name)
        x, weight = torch.randn(tokens, width, dtype=dtype), torch.randn(inner, width, dtype=dtype)
        torch.nn.functional.linear(x, weight)
        start, runs = time.perf_counter(), 0
        while time.perf_counter() - start < TRIAL_SECONDS:
            torch.nn.functional.linear(x, weight)
            runs += 1
        rates.append((name, 2.0 * tokens * width * inner * runs / (time.perf_counter() - start)))
    return rates


def choose_precision(rates: Sequence[tuple[str, float]]) -> str:
    """bfloat16 where its matrix rate is at least 1.5 times float32's, else float32, whose rounding is finer."""
    by_name = dict(rates)
    return "bfloat16" if by_name["bfloat16"] >= WORTHWHILE * by_name["float32"] else "float32"


def chosen_dtype(precision: pd.DataFrame) -> str:
    """The precision that the table `precision` says this machine uses."""
    return precision.loc[precision["chosen"], "dtype"].item()


def _cut(network: PreTrainedModel, layers: int) -> int:
    depth = network.config.num_hidden_layers
    if not 1 <= layers <= depth:
        raise ModelError(f"fine_tune.layers is {layers}, but the model has {depth} layers: choose 1 to {depth}")
    return depth - layers


def _part(network: PreTrainedModel, start: int, stop: int) -> torch.nn.Module:
    """Layers start..stop-1 as a model of the same class that shares its parameters with `network`."""
    import torch

    inner = network.get_decoder()
    config = copy.deepcopy(inner.config)
    config.num_hidden_layers = stop - start
    with torch.device("meta"):
        part = type(inner)(config)
    part.layers = torch.nn.ModuleList(inner.layers[start:stop])
    part.norm = inner.norm if stop == len(inner.layers) else torch.nn.Identity()
    part.rotary_emb, part.embed_tokens = inner.rotary_emb, inner.embed_tokens
    return part.eval()


def _first_tokens(tokenizer: PreTrainedTokenizerBase, words: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    def first(word: str) -> int:
        return tokenizer(f" {word}", add_special_tokens=False)["input_ids"][0]

    tokens = {group: sorted({first(word) for word in ws}) for group, ws in words.items()}
    owner: dict[int, str] = {}
    for group, ids in tokens.items():
        for token in ids:
            if owner.setdefault(token, group) != group:
                text = tokenizer.decode([token])
                raise ModelError(f"groups {owner[token]} and {group} share the first token {text!r}")
    return tokens
