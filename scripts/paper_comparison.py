"""Writes the table paper_comparison."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, studies, tables
from quorum.minority import summaries

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files = snakemake.input
names = ("baseline_bias", "tipping_curve", "tipping_points", "defenses", "domains", "utility")
measured = {name: tables.read_table(files[name], name) for name in names}
measured["minority"] = summaries.paper_answers(tables.read_table(files.minority_alpha, "minority_alpha"))
table = studies.paper_comparison(pd.read_csv(files.reference), measured, snakemake.params.model)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "paper_comparison")
