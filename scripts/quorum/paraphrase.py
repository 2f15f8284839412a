"""Sentences of the collective in a model's own words: what the template says, written freely and then checked.

The model is given who, did what, and the pronoun of a template sentence, and answers with one sentence. What it says
may be nonsense; it counts if it is a whole sentence about that profession whose first pronoun is the one asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from quorum.contributions import require_size, shown, validate_written
from quorum.population import PROFESSION
from quorum.pronouns import fill, first_gender, split_at_pronoun

STYLE = "paraphrase"
ATTEMPTS = 4
"""How often each sentence is asked for; the local default model passes the checks about every second time."""
TEMPERATURE = 0.7
MAX_TOKENS = 48
SPARE = 1.25
"""Template sentences that are begun with / sentences that are needed, since a few are refused at every attempt."""

Write = Callable[[Sequence[str], int], Sequence[str]]
"""(prompts, seed) -> one completion for each prompt."""


def prompt_for(instructions: str, profession: str, text: str, gender: str) -> str:
    """The instructions with their slots [PROFESSION], [ACTION] and [SUBJ] filled from a template sentence.

    The action is the adverb and verb between the profession and "the patient".
    """
    action = text.split(profession, 1)[1].split(" the patient", 1)[0].strip()
    return fill(instructions.rstrip("\n").replace(PROFESSION, profession).replace("[ACTION]", action), gender)


def answer_of(completion: str) -> str:
    """The first line of a completion, with single white space."""
    return " ".join(completion.strip().partition("\n")[0].split())


def why_not(answer: str, profession: str, gender: str) -> str:
    """Why an answer does not say what was asked for; empty if it does."""
    if not answer.endswith((".", "!", "?")):
        return "is no whole sentence"
    if profession not in answer.casefold():
        return "does not name the profession"
    if first_gender(answer) != gender:
        return "has another pronoun first"
    return ""


def write_pool(
    template: pd.DataFrame,
    write: Write,
    instructions: str,
    health_terms: Iterable[str],
    professions: pd.DataFrame,
    agents: int,
    sentences_per_agent: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(pool, rejections): `agents` x `sentences_per_agent` sentences of the model's, and every answer that was refused.

    template: a written pool of style template, in the collective's order and with sentences to spare; each is asked for
    up to ATTEMPTS times, until an answer passes. The pool has professions and genders in the template's order, without
    the sentences that never passed; so it follows its strategy but for those. Both are frames of the tables
    `contributions` and `rejections`; rows of rejections are those of the template.

    Raises SubmissionError if too few pass.
    """
    accepted, refused = _asked(template, write, instructions, seed)
    places = sorted(accepted)
    split = [split_at_pronoun(accepted[place]) for place in places]
    drafted = template.iloc[places].assign(
        skeleton="", prompt=[prompt for prompt, _ in split], completion=[completion for _, completion in split]
    )
    pool, invalid = validate_written(drafted, health_terms, professions)
    invalid = invalid.assign(row=[places[row - 1] + 1 for row in invalid["row"]])
    rejections = pd.concat([pd.DataFrame(refused, columns=list(invalid.columns)), invalid], ignore_index=True)
    size = agents * sentences_per_agent
    require_size(pool, rejections, size, "the model's paraphrases")
    pool = pool.head(size).assign(
        contribution_id=[f"pool{k:06d}" for k in range(1, size + 1)],
        agent=[f"agent{k // sentences_per_agent + 1:03d}" for k in range(size)],
    )
    return pool, rejections


def _asked(
    template: pd.DataFrame, write: Write, instructions: str, seed: int
) -> tuple[dict[int, str], list[tuple[int, str, str, str]]]:
    """(answer by place in the template, refused answers as rows of table `rejections`)."""
    rows = list(template.itertuples(index=False))
    accepted: dict[int, str] = {}
    refused: list[tuple[int, str, str, str]] = []
    for attempt in range(ATTEMPTS):
        asked = [place for place in range(len(rows)) if place not in accepted]
        prompts = [
            prompt_for(instructions, row.profession, row.prompt + row.completion, row.gender)
            for row in (rows[place] for place in asked)
        ]
        for place, completion in zip(asked, write(prompts, ATTEMPTS * seed + attempt), strict=True):
            row, answer = rows[place], answer_of(completion)
            reason = why_not(answer, row.profession, row.gender)
            if reason:
                refused.append((place + 1, row.agent, shown(answer), reason))
            else:
                accepted[place] = answer
    return accepted, refused
