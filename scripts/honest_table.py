"""Writes the table honest_uptake."""

from typing import TYPE_CHECKING

from quorum import arms_race, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
table = arms_race.honest_uptake(
    tables.read_table(files.audits, "audits"),
    tables.read_table(files.streams, "streams"),
    n_resamples=params.resamples,
    confidence=params.confidence,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "honest_uptake")
