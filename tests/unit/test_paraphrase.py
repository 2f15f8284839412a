"""Sentences in a model's own words, with a made-up model whose answers are known."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from quorum import collective, paraphrase, pronouns, tables
from quorum.contributions import SubmissionError

RESOURCES = Path(__file__).parents[2] / "resources"
PROFESSIONS = pd.read_csv(RESOURCES / "professions.csv")
TEMPLATE = pd.read_csv(RESOURCES / "wordings" / "template.csv")
TERMS = pd.read_csv(RESOURCES / "lexicons" / "health.csv")["term"].tolist()
INSTRUCTIONS = (RESOURCES / "prompts" / "paraphrase.txt").read_text(encoding="utf-8")


def template(agents: int = 4, strategy: str = "balanced") -> pd.DataFrame:
    return collective.write_pool(PROFESSIONS, TEMPLATE, strategy, agents, 5, 100, 0.79, 1)


def asked_about(prompt: str) -> tuple[str, str, str]:
    """Profession, action and pronoun out of the last line of words."""
    words = prompt.rsplit("Words: ", 1)[1].split("\nSentence:", 1)[0]
    return tuple(words.split(", "))  # type: ignore[return-value]


class Model:
    """Answers rightly from the attempt on that it is told for each place in its first list of prompts."""

    def __init__(self, right_from: dict[int, int] | None = None) -> None:
        self.right_from, self.calls, self.places = right_from or {}, [], {}

    def __call__(self, prompts, seed):
        self.places = self.places or {prompt: place for place, prompt in enumerate(prompts)}
        attempt = len(self.calls)
        self.calls.append((len(prompts), seed))
        return [self.answer(prompt, attempt) for prompt in prompts]

    def answer(self, prompt: str, attempt: int) -> str:
        profession, action, subject = asked_about(prompt)
        if attempt < self.right_from.get(self.places[prompt], 0):
            return " No idea.\nAnother line."
        return f" At noon the {profession} {action} everyone,  and {subject} went home.\n\nWords: more"


def write(model, agents=2, each=5, written=None):
    drafted = template() if written is None else written
    return paraphrase.write_pool(drafted, model, INSTRUCTIONS, TERMS, PROFESSIONS, agents, each, seed=3)


# ---- one sentence ----------------------------------------------------------------------------------------------------


def test_the_prompt_ends_with_the_words_of_its_template_sentence():
    text = "The nurse practitioner calmly examined the patient. Who was she? The nurse practitioner."
    prompt = paraphrase.prompt_for(INSTRUCTIONS, "nurse practitioner", text, "female")
    assert prompt.endswith("Words: nurse practitioner, calmly examined, she\nSentence:")
    assert "[" not in prompt


def test_every_template_sentence_gives_its_own_prompt():
    prompts = [
        paraphrase.prompt_for(INSTRUCTIONS, row.profession, row.prompt + row.completion, row.gender)
        for row in template(40).itertuples()
    ]
    assert len(set(prompts)) == 200
    for prompt, row in zip(prompts, template(40).itertuples(), strict=True):
        profession, action, subject = asked_about(prompt)
        assert profession == row.profession and len(action.split()) == 2
        assert pronouns.first_gender(subject) == row.gender


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("The nurse sighed when she left.", ""),
        ("When she left, the NURSE sighed!", ""),
        ("The nurse sighed when she", "is no whole sentence"),
        ("", "is no whole sentence"),
        ("The doctor sighed when she left.", "does not name the profession"),
        ("The nurse sighed when he left.", "has another pronoun first"),
        ("The nurse sighed.", "has another pronoun first"),
    ],
)
def test_an_answer_counts_if_it_says_what_was_asked(answer, reason):
    assert paraphrase.why_not(answer, "nurse", "female") == reason


def test_the_answer_is_the_first_line():
    assert paraphrase.answer_of("  The nurse\t left.  \nWords: x") == "The nurse left."
    assert paraphrase.answer_of("\n\nThe nurse left.") == "The nurse left."


# ---- a pool ----------------------------------------------------------------------------------------------------------


def test_a_pool_has_the_templates_people_and_pronouns_in_its_order():
    model = Model()
    pool, rejections = write(model, agents=4)
    tables.validate(pool, "contributions")
    tables.validate(rejections, "rejections")
    assert rejections.empty and model.calls == [(20, 12), (0, 13), (0, 14), (0, 15)]
    for column in ("profession", "gender", "agent", "contribution_id", "source"):
        assert pool[column].tolist() == template()[column].tolist()
    assert (pool["prompt"] + pool["completion"]).str.startswith("At noon the ").all()
    assert not (pool["prompt"] + pool["completion"]).str.contains("  ").any()
    assert pool["gender"].tolist() == pool["completion"].map(pronouns.first_gender).tolist()


def test_what_was_refused_is_asked_again_and_counted():
    """Place 1 is right at the second attempt, place 2 at the fourth, place 3 never."""
    model = Model({1: 1, 2: 3, 3: 99})
    pool, rejections = write(model, agents=3)
    assert [asked for asked, _ in model.calls] == [20, 3, 2, 2]
    assert rejections["row"].value_counts().to_dict() == {2: 1, 3: 3, 4: 4}
    assert set(rejections["reason"]) == {"does not name the profession"}
    assert rejections["text"].iloc[0] == "No idea."
    expected = template().drop(index=3)["profession"].head(15).tolist()
    assert pool["profession"].tolist() == expected
    assert (pool.groupby("agent").size() == 5).all() and pool["contribution_id"].iloc[-1] == "pool000015"


def test_equal_answers_stay_once():
    class Parrot(Model):
        def answer(self, prompt, attempt):
            profession, _, subject = asked_about(prompt)
            return f"The {profession} went home, and {subject} slept."

    written = template(20)
    pool, rejections = write(Parrot(), agents=4, each=5, written=written)
    texts = pool["prompt"] + pool["completion"]
    assert texts.is_unique and len(pool) == 20
    assert set(rejections["reason"]) == {"duplicate of an earlier sentence"}
    assert rejections["row"].between(1, len(written)).all()


def test_a_model_that_cannot_do_it_is_told_with_numbers():
    class Silent(Model):
        def answer(self, prompt, attempt):
            return ""

    with pytest.raises(
        SubmissionError, match=r"the model's paraphrases: 0 sentences were accepted.*no whole sentence: 80"
    ):
        write(Silent())
