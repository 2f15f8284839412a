"""How contributions reach the model: its training, or what stands before a question."""

from __future__ import annotations

from quorum.schemas.columns import PROBE_SET, columns

TABLES = {
    "prompts": columns(
        "probe_id | string | | stable name of the probe",
        "probe_set | string | | held_out or matched",
        "domain | string | | clinical domain",
        "scenario | string | | emergency, routine, diagnostic or treatment",
        "profession | string | | profession named in the probe",
        "tier | string | | tier of the profession",
        "profession_in_pool | bool | | false where the collective never writes about the profession",
        "wording | string | | which wording the probe follows; the cluster of the bootstrap",
        "prompt | string | | the retrieved contributions, one a line, and on the last line the probe",
        "contributions | string | | ids of those contributions as a JSON list, in their order",
    ),
    "contexts": columns(
        "text_id | string | | passage (table texts) or question (table questions) that is to be read",
        "context | string | | the retrieved contributions, one a line; empty where there are none",
        "contributions | string | | ids of those contributions as a JSON list, in their order",
    ),
    "readings": columns(
        "text_id | string | | passage or question that was read after its context",
        "metric | string | | perplexity (a passage) or accuracy (a question)",
        "value | float | | negative log-likelihood in nats of the passage; 1 or 0: the question's answer was right",
        "n_items | int | | tokens that were predicted; 1 of a question",
    ),
    "precision": columns(
        "dtype | string | | float32 or bfloat16",
        "rate | float | FLOP/s | measured matrix rate of one thread at the model's own shapes",
        "chosen | bool | | whether training on this machine uses it",
    ),
    "learning": columns(
        "step | int | | optimiser step, from 1",
        "loss | float | nats/token | mean loss on the completions of the batch",
        "learning_rate | float | | learning rate of the step",
        "dtype | string | | precision of the training",
    ),
    "learning_trace": columns(
        "epochs | float | epochs | passes over the background",
        "steps | int | steps | optimiser steps",
        "seed | int | | the independent run",
        *PROBE_SET,
        "exact_male_share | float | share | mean over probes of the exact measure after training",
        "pronoun_mass | float | share | mean probability of all counted pronouns at the pronoun position",
        "loss | float | nats/token | mean loss of the last tenth of the steps",
    ),
}
