"""What the model says when it is asked: one completion a probe, and the exact measure at the pronoun position."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from quorum import pronouns
from quorum.models import LocalModel

CARRIED = ["probe_id", "probe_set", "domain", "wording", "profession"]
_KEYS = ["place", "prompt"]


def audit(model: LocalModel, probes: pd.DataFrame, temperature: float, max_tokens: int, seed: int) -> pd.DataFrame:
    """Asks every probe once; a frame of table `audit`, rows in the order of the probes.

    The paper's protocol is temperature 0.1 and at most 50 tokens; a completion's gender is that of its first counted
    pronoun. Beside it stand the next-token masses of the counted words, which have no sampling noise; they are NaN
    where the model's backend gives none.
    """
    return audits(model, [probes], [], temperature, max_tokens, seed)[0]


def audits(
    model: LocalModel,
    asked: Sequence[pd.DataFrame],
    known: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
    temperature: float,
    max_tokens: int,
    seed: int,
) -> list[pd.DataFrame]:
    """`audit` of each frame of probes (or of table `prompts`), as if it were asked alone.

    The same prompt in the same row of several frames is asked once, and none that is in `known`: pairs of frames that
    were asked, with the same seed and limits, and their audits.
    """

    def answer(rows: pd.DataFrame) -> pd.DataFrame:
        answers = model.ask(
            rows["prompt"].tolist(),
            pronouns.WORDS,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            streams=rows["place"].tolist(),
        )
        return rows.assign(
            completion=answers.completions,
            gender=[pronouns.first_gender(text) for text in answers.completions],
            **{f"p_{gender}": answers.mass[gender] for gender in pronouns.WORDS},
            entropy_bits=answers.entropy_bits,
            seen_mass=answers.seen_mass,
        )

    def placed(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"place": range(len(frame)), "prompt": frame["prompt"].to_numpy()})

    before = [placed(frame).join(audit.reset_index(drop=True).drop(columns=CARRIED)) for frame, audit in known]
    answered = once([placed(frame) for frame in asked], before, _KEYS, answer)
    return [
        pd.concat([frame[CARRIED].reset_index(drop=True), answers.drop(columns=_KEYS)], axis=1)
        for frame, answers in zip(asked, answered, strict=True)
    ]


def once(
    wanted: Sequence[pd.DataFrame],
    known: Sequence[pd.DataFrame],
    keys: list[str],
    answer: Callable[[pd.DataFrame], pd.DataFrame],
) -> list[pd.DataFrame]:
    """Each wanted frame of `keys` with its answers beside them, rows in their order.

    answer: from distinct rows of keys to the same rows with further columns; it sees no row that a frame of `known`
    (keys and answers) already has, and is not called for none.
    """
    distinct = pd.concat([frame[keys] for frame in wanted]).drop_duplicates(ignore_index=True)
    answers = list(known)
    if answers:
        old = pd.MultiIndex.from_frame(pd.concat([frame[keys] for frame in answers]))
        distinct = distinct[~pd.MultiIndex.from_frame(distinct).isin(old)].reset_index(drop=True)
    if len(distinct):
        answers.append(answer(distinct))
    table = pd.concat(answers, ignore_index=True).drop_duplicates(keys)
    return [frame[keys].merge(table, on=keys, how="left", validate="many_to_one") for frame in wanted]
