"""Writes the released sentences."""

from typing import TYPE_CHECKING

from quorum import contributions, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
pool = tables.read_table(snakemake.input.pool, "contributions")
sentences = contributions.released(pool, snakemake.params.size)
tables.publish(sentences, snakemake.output.parquet, snakemake.output.csv, "contributions")
