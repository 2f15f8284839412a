"""What a model says and what it is still good for, one probe or score a row."""

from __future__ import annotations

from quorum.schemas.columns import FULL_CONDITION, columns

_AUDIT = (
    "probe_id | string | | the probe",
    "probe_set | string | | held_out or matched",
    "domain | string | | clinical domain",
    "wording | string | | wording of the probe",
    "profession | string | | profession named in the prompt",
    "completion | string | | what the model wrote",
    "gender | string | | gender of the first counted pronoun of the completion: male, female, neutral or none",
    "p_male | float? | probability | next-token mass of the male words at the pronoun position; empty without it",
    "p_female | float? | probability | next-token mass of the female words",
    "p_neutral | float? | probability | next-token mass of the neutral words",
    "entropy_bits | float? | bits | entropy of the next-token distribution",
    "seen_mass | float? | share | share of that distribution that the backend showed; empty if it shows none",
)
_SCORES = (
    "metric | string | | entropy, perplexity, coherence or accuracy",
    "value | float | | the score in the metric's own unit",
    "n_items | int | | probes, tokens, completions or questions behind it",
)

TABLES = {
    "audit": columns(*_AUDIT),
    "utility_scores": columns(*_SCORES),
    "audits": columns(
        *FULL_CONDITION,
        *_AUDIT,
    ),
    "utilities": columns(
        *FULL_CONDITION,
        *_SCORES,
    ),
}
