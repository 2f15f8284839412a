"""Traces how the male share of the model follows the background as training goes on."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import learning, logbook, models, tables
from quorum.uptake import fine_tune, hidden_states

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
dtype = models.chosen_dtype(tables.read_table(files.precision, "precision"))
schedule = fine_tune.Schedule(
    params.layers, params.rank, params.alpha, params.learning_rate, 1, params.batch_size, params.warmup
)
trace = learning.trace(
    lambda: models.load_local(Path(files.model).parent, dtype, threads=snakemake.threads),
    hidden_states.load(files.states),
    tables.read_table(files.probes, "probes"),
    schedule,
    params.lengths,
    int(snakemake.wildcards.seed),
)
tables.write_table(trace, snakemake.output.trace, "learning_trace")
