"""Writes the table depth_study."""

from typing import TYPE_CHECKING

from quorum import costs, logbook, studies, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params = snakemake.params
timings = costs.training_times(snakemake.input.timings, params.conditions, params.background_size, params.epochs)
table = studies.depth_study(
    tables.read_table(snakemake.input.audits, "audits"),
    timings,
    n_resamples=params.resamples,
    confidence=params.confidence,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "depth_study")
