"""Writes the background of one seed."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import background, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
contributions = background.write_background(
    pd.read_csv(snakemake.input.professions),
    pd.read_csv(snakemake.input.skeletons),
    pd.read_csv(snakemake.input.template),
    snakemake.params.size,
    snakemake.params.male_share,
    float(snakemake.wildcards.overlap),
    int(snakemake.wildcards.seed),
    snakemake.params.sentences_per_agent,
)
tables.write_table(contributions, snakemake.output.contributions, "contributions")
