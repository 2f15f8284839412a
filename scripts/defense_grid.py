"""Writes the table defense_grid."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import filter_grid, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
table = filter_grid.defense_grid(
    pd.concat([tables.read_table(path, "grid_cells") for path in files.cells], ignore_index=True),
    params.strengths,
    tables.read_table(files.audits, "audits") if files.audits else None,
    n_resamples=params.resamples,
    confidence=params.confidence,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "defense_grid")
