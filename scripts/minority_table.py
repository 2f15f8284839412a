"""Sums up the runs of the minority study: one of its tables."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, tables
from quorum.minority import summaries

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
name = snakemake.params.table
summary = summaries.SUMMARIES[name]
runs = pd.concat([tables.read_table(path, summary.runs) for path in snakemake.input.runs], ignore_index=True)
tables.publish(summary.of(runs), snakemake.output.parquet, snakemake.output.table, name)
