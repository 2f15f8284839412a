"""Writes the table defenses."""

from typing import TYPE_CHECKING

from quorum import logbook, summaries, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
table = summaries.defenses(
    tables.read_table(files.audits, "audits"),
    tables.read_table(files.filters, "filters"),
    tables.read_table(files.utility, "utility"),
    params.at_size,
    n_resamples=params.resamples,
    confidence=params.confidence,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "defenses")
