"""Writes the table domains."""

from typing import TYPE_CHECKING

from quorum import logbook, summaries, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
audits = tables.read_table(snakemake.input.audits, "audits")
table = summaries.domains(audits, confidence=snakemake.params.confidence)
tables.write_table(table, snakemake.output.undefended, "domains")
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "domains")
