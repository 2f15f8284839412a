"""Runs the frozen lower layers over the sentences of a background or a pool."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import logbook, models, tables
from quorum.uptake import hidden_states

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
dtype = models.chosen_dtype(tables.read_table(snakemake.input.precision, "precision"))
model = models.load_local(Path(snakemake.input.model).parent, dtype, threads=snakemake.threads)
sentences = tables.read_table(snakemake.input.contributions, "contributions")
states = hidden_states.encode(
    model, sentences["prompt"].tolist(), sentences["completion"].tolist(), int(snakemake.wildcards.layers)
)
hidden_states.save(states, snakemake.output.states)
