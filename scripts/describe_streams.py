"""Counts what the streams of a study hold, and what their filters did."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, summaries, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params = snakemake.params
frames = {p: tables.read_table(p, "contributions") for p in (*snakemake.input.backgrounds, *snakemake.input.pools)}
judged = {path: tables.read_table(path, "verdicts") for path in snakemake.input.verdicts}
signal = pd.read_csv(snakemake.input.template)["skeleton"].tolist()
sources = zip(params.conditions, params.background, params.pool, params.judged, strict=True)
streams, filters = summaries.describe_streams(
    ((condition, frames[firm], frames.get(pool), judged.get(verdicts)) for condition, firm, pool, verdicts in sources),
    signal,
)
tables.write_table(streams, snakemake.output.streams, "streams")
tables.write_table(filters, snakemake.output.filters, "filters")
