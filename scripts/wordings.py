"""Writes the table wordings."""

from typing import TYPE_CHECKING

from quorum import logbook, summaries, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
table = summaries.wordings(tables.read_table(snakemake.input.audits, "audits"))
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "wordings")
