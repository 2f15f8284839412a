"""Writes the table overlap_study."""

from typing import TYPE_CHECKING

from quorum import logbook, studies, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params = snakemake.params
table = studies.overlap_study(
    tables.read_table(snakemake.input.audits, "audits"),
    tables.read_table(snakemake.input.streams, "streams"),
    params.background_size,
    params.male_share,
    n_resamples=params.resamples,
    confidence=params.confidence,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "overlap_study")
