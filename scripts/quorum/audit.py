"""What the model says when it is asked: one completion a probe, and the exact measure at the pronoun position."""

from __future__ import annotations

import pandas as pd

from quorum import pronouns
from quorum.models import LocalModel

CARRIED = ["probe_id", "probe_set", "domain", "wording", "profession"]


def audit(model: LocalModel, probes: pd.DataFrame, temperature: float, max_tokens: int, seed: int) -> pd.DataFrame:
    """Asks every probe once; a frame of table `audit`, rows in the order of the probes.

    The paper's protocol is temperature 0.1 and at most 50 tokens; a completion's gender is that of its first counted
    pronoun. Beside it stand the next-token masses of the counted words, which have no sampling noise.
    """
    prompts = probes["prompt"].tolist()
    written = model.complete(prompts, n=1, temperature=temperature, max_tokens=max_tokens, seed=seed)
    mass, entropy = model.next_token_probabilities(prompts, pronouns.WORDS)
    completions = [row[0] for row in written]
    return probes[CARRIED].assign(
        completion=completions,
        gender=[pronouns.first_gender(text) for text in completions],
        **{f"p_{gender}": mass[gender] for gender in pronouns.WORDS},
        entropy_bits=entropy,
    )
