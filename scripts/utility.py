"""Writes the table utility."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, summaries, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
scores = pd.concat(tables.read_table(path, "utilities") for path in snakemake.input.utilities).drop_duplicates()
table = summaries.utility(
    scores, tables.read_table(snakemake.input.filters, "filters"), pd.DataFrame(snakemake.params.conditions)
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "utility")
