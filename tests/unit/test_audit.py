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
    assert model.asked == {"temperature": 0.3, "max_tokens": 21, "seed": 9, "streams": [0, 1, 2, 3, 4]}
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


# ---- several at once -------------------------------------------------------------------------------------------------


def counting(model, asked: list[str]):
    """The model, with a note of every prompt that it is asked."""

    class Counting:
        def ask(self, prompts, *args, **kwargs):
            asked.extend(prompts)
            return model.ask(prompts, *args, **kwargs)

    return Counting()


FRAMES = [
    probes_of(["the nurse saw", "one two", "the ward", "the nurse saw"]),
    probes_of(["the nurse saw", "who", "the ward", "a chart"]),
    probes_of(["the ward", "who", "the nurse saw", "the nurse saw"]),
]


def test_audits_together_are_those_alone_and_ask_nothing_twice(tiny):
    alone = [audit.audit(tiny, frame, temperature=1.0, max_tokens=5, seed=4) for frame in FRAMES]
    asked: list[str] = []
    together = audit.audits(counting(tiny, asked), FRAMES, [], temperature=1.0, max_tokens=5, seed=4)
    for one, other in zip(together, alone, strict=True):
        tables.validate(one, "audit")
        pd.testing.assert_frame_equal(one, other.reset_index(drop=True), atol=1e-5, rtol=0)
    # The same words in another row have another stream of random numbers, and are another question.
    assert len(asked) == 8 and asked.count("the nurse saw") == 3
    assert together[0]["completion"][0] != together[0]["completion"][3]


def test_what_is_known_is_not_asked(tiny):
    how = {"temperature": 1.0, "max_tokens": 5, "seed": 4}
    first, second, third = audit.audits(tiny, FRAMES, [], **how)
    asked: list[str] = []
    again = audit.audits(counting(tiny, asked), FRAMES[1:], [(FRAMES[0], first), (FRAMES[2], third)], **how)
    pd.testing.assert_frame_equal(again[0], second, atol=1e-5, rtol=0)
    pd.testing.assert_frame_equal(again[1], third)
    assert asked == ["a chart"]
    audit.audits(None, [FRAMES[0]], [(FRAMES[0], first)], **how)


def test_once_gives_every_row_its_answer():
    frames = [pd.DataFrame({"a": [1, 2, 1], "b": list("xyx")}), pd.DataFrame({"a": [2, 3], "b": list("yx")})]
    known = pd.DataFrame({"a": [3, 3], "b": list("xx"), "sum": ["old", "old"]})
    calls = []

    def answer(rows):
        calls.append(list(rows.itertuples(index=False, name=None)))
        # Answers may come in any order.
        return rows.assign(sum=[f"{a}{b}" for a, b in calls[-1]])[::-1]

    found = audit.once(frames, [known], ["a", "b"], answer)
    assert calls == [[(1, "x"), (2, "y")]]
    assert [frame["sum"].tolist() for frame in found] == [["1x", "2y", "1x"], ["2y", "old"]]
