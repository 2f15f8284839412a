"""Prints and writes what a run is to send to the server, and what that costs."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.endpoint import budget
from quorum.endpoint.model import EndpointModel

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params = snakemake.params
model = EndpointModel(params.model, snakemake.config["endpoint"])
asked = [
    (condition, tables.read_table(path, "probes" if path == snakemake.input.probes else "prompts")["prompt"].tolist())
    for condition, path in zip(params.conditions, params.prompts, strict=True)
]
estimate = model.estimate(asked, params.temperature, params.max_tokens)
tables.publish(estimate, snakemake.output.parquet, snakemake.output.table, "estimate")
print(budget.in_words(estimate), flush=True)
