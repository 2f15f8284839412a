"""The ordinary ways to do what the study does: the Trainer of transformers with peft, and one prompt at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quorum.uptake.fine_tune import TARGETS, Schedule

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer


def load(folder: Path, dtype: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Model and tokenizer with the library's own defaults."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    return network.eval(), AutoTokenizer.from_pretrained(folder)


def trainer(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    completions: Sequence[str],
    batches: Sequence[np.ndarray],
    schedule: Schedule,
    layers: int,
    seed: int,
    folder: Path,
) -> Trainer:
    """A Trainer that is ready to train LoRA in the last `layers` layers; prompts are masked with -100.

    It gets the very batches of the study, which are of similar length as those of its own group_by_length, so that both
    sides see the same sentences in the same order, and a difference between the models is one of computation alone.
    """
    import peft
    import torch
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    torch.manual_seed(seed)
    depth = network.config.num_hidden_layers
    adapted = peft.get_peft_model(
        network,
        peft.LoraConfig(
            task_type="CAUSAL_LM",
            r=schedule.rank,
            lora_alpha=schedule.alpha,
            target_modules=list(TARGETS),
            layers_to_transform=list(range(depth - layers, depth)),
            layers_pattern="layers",
        ),
    )
    dataset = []
    for prompt, completion in zip(prompts, completions, strict=True):
        first = tokenizer(prompt, add_special_tokens=False)["input_ids"] if prompt else []
        second = [*tokenizer(completion, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        dataset.append({"input_ids": first + second, "labels": [-100] * len(first) + second})
    tokenizer.padding_side = "right"

    class OnGivenBatches(Trainer):
        def get_train_dataloader(self) -> torch.utils.data.DataLoader:
            return torch.utils.data.DataLoader(
                self.train_dataset, batch_sampler=[rows.tolist() for rows in batches], collate_fn=self.data_collator
            )

    return OnGivenBatches(
        model=adapted,
        args=TrainingArguments(
            output_dir=str(folder),
            max_steps=len(batches),
            per_device_train_batch_size=schedule.batch_size,
            learning_rate=schedule.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=max(1, round(schedule.warmup * len(batches))),
            weight_decay=0.0,
            max_grad_norm=0.0,
            optim="adamw_torch",
            seed=seed,
            use_cpu=True,
            bf16=network.dtype == torch.bfloat16,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=dataset,
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )


def complete(
    network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], max_tokens: int
) -> list[str]:
    """The likeliest continuation of each prompt: one call of `generate` after the other."""
    texts = []
    for prompt in prompts:
        asked = tokenizer(prompt, return_tensors="pt")
        answer = network.generate(
            **asked, max_new_tokens=max_tokens, do_sample=False, pad_token_id=tokenizer.eos_token_id
        )
        texts.append(tokenizer.decode(answer[0, asked["input_ids"].shape[1] :], skip_special_tokens=True))
    return texts


def masses(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    words: Mapping[str, Sequence[str]],
) -> dict[str, np.ndarray]:
    """Next-token mass of each group of words after each prompt: one forward pass after the other."""
    import torch

    first = {group: {tokenizer(" " + word)["input_ids"][0] for word in own} for group, own in words.items()}
    mass = {group: np.empty(len(prompts)) for group in words}
    with torch.inference_mode():
        for row, prompt in enumerate(prompts):
            p = network(**tokenizer(prompt, return_tensors="pt")).logits[0, -1].float().softmax(-1)
            for group, tokens in first.items():
                mass[group][row] = sum(float(p[token]) for token in tokens)
    return mass
