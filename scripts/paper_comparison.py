"""Writes the table paper_comparison."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, studies, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files = snakemake.input
names = ("baseline_bias", "tipping_curve", "tipping_points", "defenses", "domains", "utility")
measured = {name: tables.read_table(files[name], name) for name in names}
table = studies.paper_comparison(pd.read_csv(files.reference), measured, snakemake.params.model)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "paper_comparison")
