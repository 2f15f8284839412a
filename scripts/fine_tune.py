"""Trains one model on what its filter let through."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import contributions, logbook, models, tables
from quorum.uptake import fine_tune, hidden_states

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
layers, seed = int(wildcards.layers), int(wildcards.seed)
parts = [tables.read_table(path, "contributions") for path in (files.background, files.pool) if path]
stream = contributions.assemble_stream(parts[0], parts[-1], int(wildcards.size), seed)
if files.verdicts:
    stream = contributions.accepted_stream(stream, tables.read_table(files.verdicts, "verdicts"))
states = [hidden_states.load(path) for path in (files.background_states, files.pool_states) if path]
dtype = models.chosen_dtype(tables.read_table(files.precision, "precision"))
schedule = fine_tune.Schedule(
    layers, params.rank, params.alpha, params.learning_rate, params.epochs, params.batch_size, params.warmup
)
trained, learning = fine_tune.fine_tune(
    models.load_local(Path(files.model).parent, dtype, threads=snakemake.threads),
    hidden_states.select(states, contributions.positions(stream, parts)),
    schedule,
    seed,
)
tables.write_table(learning, snakemake.output.learning, "learning")
fine_tune.save_adapter(trained, Path(snakemake.output.weights).parent, params.name)
