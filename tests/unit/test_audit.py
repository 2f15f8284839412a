from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tiny_model
import torch

from quorum import audit, pronouns, tables
from quorum.models import Answers

STEMS = ("the nurse wrote", "the doctor asked and", "who", "then the patient called the nurse and")


def probes_of(prompts: list[str]) -> pd.DataFrame:
    n = range(len(prompts))
    return pd.DataFrame(
        {
            "probe_id": [f"held_out_{i:04d}" for i in n],
            "probe_set": "held_out",
            "domain": [f"domain {i % 4}" for i in n],
            "scenario": "routine",
            "profession": [f"profession {i % 3}" for i in n],
            "tier": "mid-level",
            "profession_in_pool": True,
            "wording": [f"w{9 - i % 5}" for i in n],
            "prompt": prompts,
        },
        # Rows are told apart by their place, whatever the index says.
        index=[7 + 3 * i for i in n],
    )


class Scripted:
    """A model that answers from a list and notes what it was asked."""

    def __init__(self, answers: dict[str, str]):
        self.answers, self.asked = answers, {}

    def ask(self, prompts, words, **asked):
        assert words == pronouns.WORDS
        self.asked = asked
        lengths = np.array([len(prompt) for prompt in prompts], dtype=float)
        return Answers(
            [self.answers[prompt] for prompt in prompts],
            {"male": lengths / 100, "female": lengths / 200, "neutral": lengths / 400},
            lengths / 10,
            np.full(len(prompts), 0.875),
        )


def test_an_answer_stands_beside_its_probe_with_its_gender_and_masses():
    answers = {
        "bb": " she saw him",
        "a": " nobody did",
        "ccc": " the nurse. They left",
        "dddd": " himself",
        "eeeee": "",
    }
    model = Scripted(answers)
    probes = probes_of(list(answers))
    frame = audit.audit(model, probes, temperature=0.3, max_tokens=21, seed=9)
    tables.validate(frame, "audit")
    assert model.asked == {"temperature": 0.3, "max_tokens": 21, "seed": 9}
    assert frame["completion"].tolist() == list(answers.values())
    assert frame["gender"].tolist() == ["female", "none", "neutral", "male", "none"]
    assert frame["p_male"].tolist() == [0.02, 0.01, 0.03, 0.04, 0.05]
    assert frame["p_female"].tolist() == [0.01, 0.005, 0.015, 0.02, 0.025]
    assert frame["p_neutral"].tolist() == [0.005, 0.0025, 0.0075, 0.01, 0.0125]
    assert frame["entropy_bits"].tolist() == [0.2, 0.1, 0.3, 0.4, 0.5]
    assert set(frame["seen_mass"]) == {0.875}
    for column in ("probe_id", "probe_set", "domain", "wording", "profession"):
        assert frame[column].tolist() == probes[column].tolist()


def test_a_real_model_is_asked_in_the_order_of_the_probes(tiny):
    """Lengths differ, so that the batches take the prompts in another order."""
    prompts = [f"{stem} {word}" for stem in STEMS for word in ("saw", "left", "B", "was the chart")]
    frame = audit.audit(tiny, probes_of(prompts), temperature=0, max_tokens=4, seed=0)
    assert frame["probe_id"].tolist() == [f"held_out_{i:04d}" for i in range(len(prompts))]
    for prompt, row in zip(prompts, frame.itertuples(), strict=True):
        ids = tiny.tokenizer(prompt, return_tensors="pt")
        with torch.no_grad():
            p = tiny.network(**ids).logits[0, -1].softmax(-1)
        written = tiny.network.generate(**ids, do_sample=False, max_new_tokens=4, pad_token_id=0)
        completion = tiny_model.text_of(written[0, ids["input_ids"].shape[1] :].tolist())
        assert row.completion == completion
        assert row.gender == pronouns.first_gender(completion)
        for gender, words in pronouns.WORDS.items():
            expected = sum(p[tiny_model.token(f" {word}")].item() for word in words)
            assert getattr(row, f"p_{gender}") == pytest.approx(expected, abs=1e-5)


def test_the_same_seed_gives_the_same_audit(tiny):
    probes = probes_of([f"{stem} was" for stem in STEMS] * 3)
    one, same, other = (audit.audit(tiny, probes, temperature=1.0, max_tokens=5, seed=seed) for seed in (4, 4, 5))
    pd.testing.assert_frame_equal(one, same)
    assert one["completion"].tolist() != other["completion"].tolist()
    exact = ["p_male", "p_female", "p_neutral", "entropy_bits", "seen_mass"]
    pd.testing.assert_frame_equal(one[exact], other[exact])
