"""The exact measure through a server against that of the same weights on this machine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import study

from quorum import audit, models, pronouns, tables
from quorum.endpoint.model import EndpointModel
from quorum.endpoint.requests import messages

pytestmark = [pytest.mark.service, pytest.mark.model, pytest.mark.slow]

POINTS = 0.03
MAX_TOKENS = 4


@pytest.fixture(scope="module", params=["released", "in_context"])
def asked(request, prepared) -> pd.DataFrame:
    """What the released model is asked, and what it is asked after the sentences of a campaign."""
    if request.param == "released":
        return tables.read_table(prepared / "results" / "probes.parquet", "probes")
    return tables.read_table(prepared / study.IN_CONTEXT.format(study.CONDITIONS[1], "prompts"), "prompts")


@pytest.fixture(scope="module")
def local(local_folder) -> models.LocalModel:
    return models.load_local(local_folder, "float32", threads=1)


def shares(frame: pd.DataFrame) -> pd.Series:
    """The exact male share of every probe set and domain."""
    exact = frame["p_male"] / (frame["p_male"] + frame["p_female"])
    return exact.groupby([frame["probe_set"], frame["domain"]]).mean()


def in_a_chat(local: models.LocalModel, prompts: list[str]) -> tuple[dict[str, np.ndarray], list[int]]:
    """(mass of each group, tokens of each prompt) where a message begins, by the tokenizer's own chat template."""
    import torch

    vocabulary = {i: local.tokenizer.decode([i]) for i in range(len(local.tokenizer))}
    ids_of = {
        group: [i for i, text in vocabulary.items() if text.removeprefix(" ") in {*words, *map(str.capitalize, words)}]
        for group, words in pronouns.WORDS.items()
    }
    mass, lengths = {group: [] for group in ids_of}, []
    for prompt in prompts:
        ids = local.tokenizer.apply_chat_template(
            messages(prompt), add_generation_prompt=True, return_tensors="pt", return_dict=False
        )
        with torch.inference_mode():
            p = local.network(ids).logits[0, -1].float().softmax(-1)
        lengths.append(ids.shape[1])
        for group, own in ids_of.items():
            mass[group].append(p[own].sum().item())
    return {group: np.array(values) for group, values in mass.items()}, lengths


def test_completions_agree_with_the_local_backend(asked, local, llama, tmp_path):
    server = EndpointModel("any", study.section(llama, tmp_path))
    theirs = audit.audit(server, asked, 0.0, MAX_TOKENS, 1)
    ours = audit.audit(local, asked, 0.0, MAX_TOKENS, 1)
    difference = (shares(theirs) - shares(ours)).abs()
    print(f"\ncompletions: mass seen {theirs['seen_mass'].mean():.3f}, largest difference {difference.max():.4f}")
    assert len(difference) == 8 and (difference <= POINTS).all(), difference
    assert (theirs["seen_mass"] <= 1 + 1e-6).all()
    assert (theirs["completion"] == ours["completion"]).mean() > 0.5


def test_chats_agree_with_the_local_backend(asked, local, llama, tmp_path):
    server = EndpointModel("any", study.section(llama, tmp_path, mode="chat", logprobs=200))
    theirs = audit.audit(server, asked, 0.0, MAX_TOKENS, 1)
    mass, lengths = in_a_chat(local, asked["prompt"].tolist())
    ours = asked.assign(**{f"p_{group}": values for group, values in mass.items()})
    difference = (shares(theirs) - shares(ours)).abs()
    print(f"\nchat: mass seen {theirs['seen_mass'].mean():.3f}, largest difference {difference.max():.4f}")
    # The server renders the same messages as we do here.
    assert sum(sent.prompt_tokens for sent in server.sent.values()) == sum(lengths)
    assert len(difference) == 8 and (difference <= POINTS).all(), difference
