"""Writes the table arms_race."""

from typing import TYPE_CHECKING

from quorum import arms_race, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
pools = [tables.read_table(path, "contributions") for path in files.pools]
table = arms_race.arms_race(
    tables.read_table(files.audits, "audits"),
    tables.read_table(files.filters, "filters"),
    tables.read_table(files.utilities, "utilities"),
    tables.read_table(files.streams, "streams"),
    arms_race.effort(zip(params.conditions, pools, strict=True), params.at_size),
    params.at_size,
    n_resamples=params.resamples,
    confidence=params.confidence,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "arms_race")
