"""Writes the answers of this run as a table, to be published beside its results."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.endpoint import exchange
from quorum.endpoint.cache import Cache
from quorum.endpoint.model import EndpointModel

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params, settings = snakemake.params, snakemake.config["endpoint"]
asked = [
    (condition, tables.read_table(path, "probes" if path == snakemake.input.probes else "prompts")["prompt"].tolist())
    for condition, path in zip(params.conditions, params.prompts, strict=True)
]
keys = EndpointModel(params.model, settings).keys(asked, params.temperature, params.max_tokens)
answers = exchange.exported(Cache(settings["cache_file"]), keys)
tables.write_table(answers, snakemake.output.answers, "answers")
print(f"{len(answers)} answers in {snakemake.output.answers}", flush=True)
