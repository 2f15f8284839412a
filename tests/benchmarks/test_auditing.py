"""Auditing one model against one call of `generate`, and one forward pass, per prompt."""

from __future__ import annotations

import floor
import numpy as np
import ordinary
import pytest
from conftest import MODEL, SEED, timed

from quorum import audit, pronouns

RATIO = 8.0


def both_ways(study, dtype):
    """(audit, completions and masses one by one, seconds of each) in one precision."""
    model, (network, tokenizer) = study.fresh(dtype), ordinary.load(MODEL, dtype)
    prompts = study.probes["prompt"].tolist()
    # What a first call alone pays is paid by neither side.
    audit.audit(model, study.probes.head(2), 0.0, 2, SEED)
    ordinary.complete(network, tokenizer, prompts[:1], 2)
    answers, here = timed(lambda: audit.audit(model, study.probes, 0.0, study.max_tokens, SEED))
    texts, writing = timed(lambda: ordinary.complete(network, tokenizer, prompts, study.max_tokens))
    mass, reading = timed(lambda: ordinary.masses(network, tokenizer, prompts, pronouns.WORDS))
    read = sum(len(ids) for ids in model.tokenizer(prompts)["input_ids"])
    written = sum(len(ids) + 1 for ids in model.tokenizer(answers["completion"].tolist())["input_ids"])
    written = min(written, len(prompts) * study.max_tokens)
    least = floor.audit_flops(model.network, len(prompts), read, written) / study.rates[dtype]
    return answers, texts, mass, here, writing + reading, least


def test_the_speed_of_an_audit(study, record):
    answers, _, _, here, there, least = both_ways(study, study.dtype)
    what = f"audit of {len(answers)} probes, {study.max_tokens} tokens, {study.dtype}"
    record(what, here, there, there / here, "8")
    record("floor of the audit", least, "", f"{least / here:.0%} reached")
    if not study.quick:
        assert there / here >= RATIO


def test_an_audit_says_the_same_as_one_prompt_at_a_time(study, record):
    answers, texts, mass, here, there, _ = both_ways(study, "float32")
    record(f"audit of {len(answers)} probes, {study.max_tokens} tokens, float32", here, there, there / here)
    different = [(a, b) for a, b in zip(answers["completion"], texts, strict=True) if a != b]
    record("completions that differ, float32", len(different), "", "", "0")
    gap = max(float(np.abs(answers[f"p_{group}"] - own).max()) for group, own in mass.items())
    record("largest difference of a probability, float32", gap, "", "", "1e-4")
    for group, own in mass.items():
        assert answers[f"p_{group}"].to_numpy() == pytest.approx(own, abs=1e-4)
    assert not different, different[:3]
