"""The exact measure through a server against that of the same weights on this machine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from runs import ROOT

from quorum import audit, models, probes, pronouns
from quorum.endpoint.model import EndpointModel
from quorum.endpoint.requests import messages

pytestmark = [pytest.mark.service, pytest.mark.model, pytest.mark.slow]

POINTS = 0.03
MAX_TOKENS = 4


@pytest.fixture(scope="module")
def asked() -> pd.DataFrame:
    """The probes of the default configuration."""
    professions = pd.read_csv(ROOT / "resources" / "professions.csv")
    held_out, matched = (
        pd.read_csv(ROOT / "resources" / "wordings" / f"{name}.csv") for name in ("held_out", "matched")
    )
    both = [probes.held_out_probes(professions, held_out, 80), probes.matched_probes(professions, matched, 80)]
    return pd.concat(both, ignore_index=True)


@pytest.fixture(scope="module")
def local(local_folder) -> models.LocalModel:
    return models.load_local(local_folder, "float32", threads=1)


def settings(address: str, folder, mode: str, logprobs: int) -> dict:
    return {
        "base_url": address,
        "provider": "llama.cpp",
        "mode": mode,
        "key_variable": "",
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "concurrency": 4,
        "timeout": 120.0,
        "retries": 2,
        "logprobs": logprobs,
        "prompt_price": 0.0,
        "completion_price": 0.0,
        "max_requests": None,
        "max_cost": None,
        "cache": "live",
        "cache_file": str(folder / "answers.sqlite"),
        "answers_file": "",
    }


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


@pytest.mark.parametrize("logprobs", [20, 200])
def test_completions_agree_with_the_local_backend(asked, local, llama, tmp_path, logprobs):
    server = EndpointModel("any", settings(llama, tmp_path, "completions", logprobs))
    theirs = audit.audit(server, asked, 0.0, MAX_TOKENS, 1)
    ours = audit.audit(local, asked, 0.0, MAX_TOKENS, 1)
    difference = (shares(theirs) - shares(ours)).abs()
    print(f"\n{logprobs} log-probabilities, mass seen {theirs['seen_mass'].mean():.3f}, largest {difference.max():.4f}")
    assert len(difference) == 8 and (difference <= POINTS).all(), difference
    assert (theirs["seen_mass"] <= 1 + 1e-6).all()
    assert (theirs["completion"] == ours["completion"]).mean() > 0.5


def test_chats_agree_with_the_local_backend(asked, local, llama, tmp_path):
    server = EndpointModel("any", settings(llama, tmp_path, "chat", 200))
    theirs = audit.audit(server, asked, 0.0, MAX_TOKENS, 1)
    mass, lengths = in_a_chat(local, asked["prompt"].tolist())
    ours = asked.assign(**{f"p_{group}": values for group, values in mass.items()})
    difference = (shares(theirs) - shares(ours)).abs()
    print(f"\nchat, mass seen {theirs['seen_mass'].mean():.3f}, largest {difference.max():.4f}")
    # The server renders the same messages as we do here.
    assert sum(sent.prompt_tokens for sent in server.sent.values()) == sum(lengths)
    assert len(difference) == 8 and (difference <= POINTS).all(), difference
