"""Writes the table requests out of what every job has counted."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, tables
from quorum.endpoint import budget

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
asked = pd.concat([tables.read_table(path, "asked") for path in snakemake.input.asked], ignore_index=True)
prices = budget.Prices(snakemake.params.prompt_price, snakemake.params.completion_price)
tables.publish(budget.table(asked, prices), snakemake.output.parquet, snakemake.output.table, "requests")
