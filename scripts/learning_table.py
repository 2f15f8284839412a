"""Writes the table learning_curve."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import learning, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
traces = pd.concat(tables.read_table(path, "learning_trace") for path in snakemake.input.traces)
table = learning.learning_curve(traces, snakemake.params.male_share)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "learning_curve")
