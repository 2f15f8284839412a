"""Writes the table scale."""

from typing import TYPE_CHECKING

from quorum import costs, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
verdicts = [[tables.read_table(path, "verdicts") for path in run["verdicts"]] for run in snakemake.params.runs]
accepted = [[part["accepted"].to_numpy() for part in parts] for parts in verdicts]
table = costs.of_filters(snakemake.params.runs, accepted)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "scale")
