"""The probes: prompts that end where a pronoun is due, in two sets that are never pooled.

`held_out` asks whether an effect generalises (wordings of neither background nor pool, some professions held out of the
pool); `matched` asks whether the pool's own template is recalled, with actions that the pool does not use.
"""

from __future__ import annotations

from math import gcd

import pandas as pd

from quorum.population import DOMAINS, PROFESSION, ResourceError, check_professions, check_wordings

HELD_OUT = "held_out"
MATCHED = "matched"


def held_out_probes(professions: pd.DataFrame, wordings: pd.DataFrame, n: int = 160) -> pd.DataFrame:
    """n held-out probes, a frame of table `probes`; see `_balanced` for the design and the errors."""
    return _balanced(professions, wordings, n, HELD_OUT)


def matched_probes(professions: pd.DataFrame, wordings: pd.DataFrame, n: int = 80) -> pd.DataFrame:
    """n matched probes, a frame of table `probes`; the wordings have a column action for the slot [ACTION].

    See `_balanced` for the design and the errors.
    """
    if "action" not in wordings.columns:
        raise ResourceError("matched wordings: missing column action")
    texts = [t.replace("[ACTION]", a) for t, a in zip(wordings["text"], wordings["action"], strict=True)]
    return _balanced(professions, wordings.assign(text=texts), n, MATCHED)


def _balanced(professions: pd.DataFrame, wordings: pd.DataFrame, n: int, probe_set: str) -> pd.DataFrame:
    """A balanced incomplete design: every pair of domain and profession equally often, each time in another wording.

    Within a domain its W wordings form a cycle; profession i of P takes step i + r P in repetition r, and one step more
    each time the cycle has closed. So the wordings of a domain are used equally often (up to one), and no prompt twice.
    The domains enter the cycle a scenario apart, so that even with one repetition a profession meets all scenarios.

    Raises ResourceError if n is not a multiple of the pairs, or a domain has fewer wordings than repetitions.
    """
    asked = check_professions(professions).query("in_probes").reset_index(drop=True)
    wordings = check_wordings(wordings, f"{probe_set} wordings")
    pairs = len(DOMAINS) * len(asked)
    if not pairs or n <= 0 or n % pairs:
        raise ResourceError(
            f"{probe_set} probes: {n} is not a multiple of the {pairs} pairs of {len(DOMAINS)} domains and "
            f"{len(asked)} professions in probes; use {pairs} or a multiple of it"
        )
    rows = []
    for repetition in range(n // pairs):
        for d, domain in enumerate(DOMAINS):
            own = wordings[wordings["domain"] == domain].reset_index(drop=True)
            if len(own) < n // pairs:
                raise ResourceError(
                    f"{probe_set} probes: domain {domain!r} has {len(own)} wordings, but {n} probes need {n // pairs}"
                )
            closes_after = len(own) // gcd(len(own), len(asked))
            start = d * len(own) // len(DOMAINS) + repetition * len(asked) + repetition // closes_after
            for i in range(len(asked)):
                rows.append(own.loc[(start + i) % len(own)].to_dict() | asked.loc[i].to_dict())
    cells = pd.DataFrame(rows)
    return pd.DataFrame(
        {
            "probe_id": [f"{probe_set}_{k:04d}" for k in range(1, n + 1)],
            "probe_set": probe_set,
            "domain": cells["domain"],
            "scenario": cells["scenario"],
            "profession": cells["profession"],
            "tier": cells["tier"],
            "profession_in_pool": cells["in_pool"].astype(bool),
            "wording": cells["wording"],
            "prompt": [
                text.replace(PROFESSION, profession)
                for text, profession in zip(cells["text"], cells["profession"], strict=True)
            ],
        }
    )
