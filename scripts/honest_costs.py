"""Writes the table honest_costs."""

from typing import TYPE_CHECKING

from quorum import honest, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
table = honest.honest_costs(
    tables.read_table(files.scores, "honest_scores"),
    tables.read_table(files.reference_scores, "honest_reference_scores"),
    params.names,
    params.strengths,
    n_resamples=params.resamples,
    confidence=params.confidence,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "honest_costs")
