"""Writes the table costs out of the benchmark files of the run."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import costs, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
table = costs.by_rule(Path(snakemake.params.folder, "benchmarks"))
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "costs")
