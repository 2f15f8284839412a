"""Writes the pool of one seed, and validates it as any submission."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import collective, contributions, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
professions = pd.read_csv(snakemake.input.professions)
taken: list[str] = []
if snakemake.input.background:
    firm = tables.read_table(snakemake.input.background, "contributions")
    taken = (firm["prompt"] + firm["completion"]).tolist()
written = collective.write_pool(
    professions,
    pd.read_csv(snakemake.input.skeletons),
    snakemake.wildcards.strategy,
    snakemake.params.agents,
    snakemake.params.sentences_per_agent,
    snakemake.params.background_size,
    snakemake.params.male_share,
    int(snakemake.wildcards.seed),
    taken=taken,
)
pool, rejections = contributions.validate_written(
    written, pd.read_csv(snakemake.input.health)["term"].tolist(), professions
)
tables.write_table(rejections, snakemake.output.rejections, "rejections")
tables.write_table(pool, snakemake.output.contributions, "contributions")
