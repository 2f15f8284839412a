"""What the model says when it is asked: one completion a probe, and the exact measure at the pronoun position."""

from __future__ import annotations

import pandas as pd

from quorum import pronouns
from quorum.models import LocalModel

CARRIED = ["probe_id", "probe_set", "domain", "wording", "profession"]


def audit(model: LocalModel, probes: pd.DataFrame, temperature: float, max_tokens: int, seed: int) -> pd.DataFrame:
    """Asks every probe once; a frame of table `audit`, rows in the order of the probes.

    The paper's protocol is temperature 0.1 and at most 50 tokens; a completion's gender is that of its first counted
    pronoun. Beside it stand the next-token masses of the counted words, which have no sampling noise; they are NaN
    where the model's backend gives none.
    """
    answers = model.ask(
        probes["prompt"].tolist(), pronouns.WORDS, temperature=temperature, max_tokens=max_tokens, seed=seed
    )
    return probes[CARRIED].assign(
        completion=answers.completions,
        gender=[pronouns.first_gender(text) for text in answers.completions],
        **{f"p_{gender}": answers.mass[gender] for gender in pronouns.WORDS},
        entropy_bits=answers.entropy_bits,
        seen_mass=answers.seen_mass,
    )
