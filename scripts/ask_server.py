"""Asks a server what several conditions of one seed need of it, and counts what that took."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import audit, logbook, tables
from quorum.endpoint.model import EndpointModel
from quorum.schemas import SCHEMAS

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params, output, seed = snakemake.params, snakemake.output, int(snakemake.wildcards.seed)
model = EndpointModel(params.model, snakemake.config["endpoint"])
asked = [tables.read_table(path, params.table) for path in snakemake.input.prompts]
audits = audit.audits(model, asked, [], params.temperature, params.max_tokens, seed)
for answers, path in zip(audits, output.audits, strict=True):
    tables.write_table(answers, path, "audit")
# No metric of utility can be had of a server: each needs the model itself, or its whole distribution.
for path in output.utilities:
    tables.write_table(pd.DataFrame(columns=[c.name for c in SCHEMAS["utility_scores"]]), path, "utility_scores")
counts = model.counts([frame["prompt"].tolist() for frame in asked], params.temperature, params.max_tokens, seed)
rows = [where | {"seed": seed} | counted for where, counted in zip(params.conditions, counts, strict=True)]
tables.write_table(pd.DataFrame(rows), output.requests, "asked")
