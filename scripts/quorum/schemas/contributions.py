"""What the model is asked, what the firm has, and what the collective writes."""

from __future__ import annotations

from quorum.schemas.columns import FULL_CONDITION, columns

TABLES = {
    "probes": columns(
        "probe_id | string | | stable name of the probe",
        "probe_set | string | | held_out or matched",
        "domain | string | | clinical domain",
        "scenario | string | | emergency, routine, diagnostic or treatment",
        "profession | string | | profession named in the prompt",
        "tier | string | | tier of the profession",
        "profession_in_pool | bool | | false where the collective never writes about the profession",
        "wording | string | | which wording the prompt follows; the cluster of the bootstrap",
        "prompt | string | | the text before the pronoun",
    ),
    "contributions": columns(
        "contribution_id | string | | stable name of the contribution within a run",
        "agent | string | | who contributes",
        "source | string | | background or pool; no defense and no learner may see it",
        "profession | string | | profession the sentence is about; empty where unknown",
        "skeleton | string | | which skeleton the sentence follows; empty where unknown",
        "gender | string | | male, female, neutral or none: gender of the first counted pronoun",
        "prompt | string | | text before the first counted pronoun",
        "completion | string | | the pronoun and all that follows; prompt + completion is the sentence",
    ),
    "sentences": columns(
        "contribution_id | string | | stable name of the sentence within a style",
        "agent | string | | which of the collective's agents wrote it, by number; no person",
        "profession | string | | profession the sentence is about",
        "gender | string | | male or female: gender of the first counted pronoun",
        "text | string | | the sentence",
        "prompt | string | | its part before the first counted pronoun",
        "completion | string | | that pronoun and all that follows; prompt + completion is the text",
        "skeleton | string | | which skeleton of its style the sentence follows",
    ),
    "rejections": columns(
        "row | int | | row in the submission, from 1",
        "agent | string | | who contributed",
        "text | string | | first 200 characters of the sentence, control characters escaped",
        "reason | string | | why the sentence was not accepted into the pool",
    ),
    "streams": columns(
        *FULL_CONDITION,
        "n_background | int | sentences | sentences of the background",
        "n_pool | int | sentences | sentences of the pool",
        "n_accepted | int | sentences | sentences that reach the learner",
        "data_male_share | float | share | male share of the accepted stream",
        "pool_male_share | float? | share | male share of the pool before the filter; empty without a pool",
        "signal_male_share | float? | share | male share of the stream's sentences in the pool's skeletons",
    ),
}
