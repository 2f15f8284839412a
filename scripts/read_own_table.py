"""Reads a table of the user's own, with its time series if it has one, and writes its people as a population."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.minority import own_tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
table = own_tables.read_own(snakemake.input.table)
series = own_tables.read_own(snakemake.input.series) if snakemake.input.series else None
people = own_tables.own_population(table, snakemake.params.entry, series)
tables.write_table(people, snakemake.output.people, "population")
