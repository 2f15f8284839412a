"""Writes the table baseline_bias."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, summaries, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
audits = pd.concat(
    tables.read_table(path, "audit").assign(seed=seed)
    for path, seed in zip(snakemake.input.audits, snakemake.params.seeds, strict=True)
)
table = summaries.baseline_bias(
    audits,
    snakemake.params.backend,
    snakemake.params.model,
    confidence=snakemake.params.confidence,
    n_resamples=snakemake.params.resamples,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "baseline_bias")
