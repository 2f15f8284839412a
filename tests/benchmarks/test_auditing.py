"""Auditing one model against one call of `generate`, and one forward pass, per prompt; plainly and in context."""

from __future__ import annotations

import floor
import numpy as np
import ordinary
import pandas as pd
import pytest
from conftest import MODEL, SEED, timed

from quorum import audit, decoding, pronouns
from quorum.uptake import in_context

RATIO, RATIO_IN_CONTEXT = 8.0, 5.0
EVERY = 4  # in context, the ordinary way is timed for one prompt in four, and its time multiplied


def both_ways(study, dtype, probes, every=1):
    """(audit of the probes; rows of those asked one by one, their completions and masses; seconds of each; floor)."""
    model, (network, tokenizer) = study.fresh(dtype), ordinary.load(MODEL, dtype)
    rows = np.arange(0, len(probes), every)
    prompts = probes["prompt"].iloc[rows].tolist()
    # What a first call alone pays is paid by neither side.
    audit.audit(model, probes.head(2), 0.0, 2, SEED)
    ordinary.complete(network, tokenizer, prompts[:1], 2)
    answers, here = timed(lambda: audit.audit(model, probes, 0.0, study.max_tokens, SEED))
    texts, writing = timed(lambda: ordinary.complete(network, tokenizer, prompts, study.max_tokens))
    mass, reading = timed(lambda: ordinary.masses(network, tokenizer, prompts, pronouns.WORDS))
    there = (writing + reading) * len(probes) / len(prompts)
    written = sum(len(ids) + 1 for ids in model.tokenizer(answers["completion"].tolist())["input_ids"])
    written = min(written, len(probes) * study.max_tokens)
    least = floor.audit_flops(model.network, len(probes), tokens_read(model, probes), written) / study.rates[dtype]
    return answers, rows, texts, mass, here, there, least


def tokens_read(model, probes):
    """Tokens of all prompts, what several of them begin with counted once."""
    ids, cuts = model._tokens(probes["prompt"].tolist())
    heads = decoding.shared_heads(ids, cuts)
    own = {tuple(row[:head]) for row, head in zip(ids, heads, strict=True)}
    return sum(map(len, own)) + sum(len(row) - head for row, head in zip(ids, heads, strict=True))


def assert_same(answers, rows, texts, mass, record, what):
    """Completions are the same, and probabilities to 1e-4."""
    asked = answers.iloc[rows]
    different = [(a, b) for a, b in zip(asked["completion"], texts, strict=True) if a != b]
    record(f"completions that differ, {what}, of {len(rows)}", len(different), "", "", "0")
    gap = max(float(np.abs(asked[f"p_{group}"] - own).max()) for group, own in mass.items())
    record(f"largest difference of a probability, {what}", gap, "", "", "1e-4")
    for group, own in mass.items():
        assert asked[f"p_{group}"].to_numpy() == pytest.approx(own, abs=1e-4)
    assert not different, different[:3]


@pytest.fixture(scope="module")
def prompts(study):
    """The default configuration's prompts of one condition in context."""
    nothing = pd.DataFrame({"text_id": [], "text": []})
    return in_context.prepared(study.probes, nothing, study.stream, study.retrieval, SEED)[0]


def test_the_speed_of_an_audit(study, record):
    answers, *_, here, there, least = both_ways(study, study.dtype, study.probes)
    what = f"audit of {len(answers)} probes, {study.max_tokens} tokens, {study.dtype}"
    record(what, here, there, there / here, f"{RATIO:g}")
    record("floor of the audit", least, "", f"{least / here:.0%} reached")
    if not study.quick:
        assert there / here >= RATIO


def test_an_audit_says_the_same_as_one_prompt_at_a_time(study, record):
    answers, rows, texts, mass, here, there, _ = both_ways(study, "float32", study.probes)
    record(f"audit of {len(answers)} probes, {study.max_tokens} tokens, float32", here, there, there / here)
    assert_same(answers, rows, texts, mass, record, "float32")


def test_the_speed_of_an_audit_in_context(study, prompts, record):
    answers, *_, here, there, least = both_ways(study, study.dtype, prompts, EVERY)
    what = f"audit of {len(answers)} probes in context, {study.max_tokens} tokens, {study.dtype}"
    record(what, here, there, there / here, f"{RATIO_IN_CONTEXT:g}")
    record("floor of the audit in context", least, "", f"{least / here:.0%} reached")
    model = study.fresh()
    whole = sum(map(len, model.tokenizer(prompts["prompt"].tolist())["input_ids"]))
    record("tokens of its prompts, read and in all", tokens_read(model, prompts), whole)
    if not study.quick:
        assert there / here >= RATIO_IN_CONTEXT


def test_an_audit_in_context_says_the_same_as_one_prompt_at_a_time(study, prompts, record):
    answers, rows, texts, mass, here, there, _ = both_ways(study, "float32", prompts, EVERY)
    record(f"audit of {len(answers)} probes in context, {study.max_tokens} tokens, float32", here, there, there / here)
    assert_same(answers, rows, texts, mass, record, "in context, float32")
