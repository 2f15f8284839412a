"""Lays the audits and utility scores of a study end to end."""

from typing import TYPE_CHECKING

from quorum import logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
audits = tables.gather(snakemake.input.audits, "audit", snakemake.params.conditions)
tables.write_table(audits, snakemake.output.audits, "audits")
utilities = tables.gather(snakemake.input.utilities, "utility_scores", snakemake.params.conditions)
tables.write_table(utilities, snakemake.output.utilities, "utilities")
