"""Lists everything that was retrieved in one table."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
parts = [tables.read_table(path, "provenance") for path in snakemake.input.provenance]
tables.write_table(pd.concat(parts).drop_duplicates(), snakemake.output.table, "provenance")
