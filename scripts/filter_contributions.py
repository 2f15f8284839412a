"""Judges the contributions of one stream by one filter."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import background, contributions, defenses, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
wildcards, params = snakemake.wildcards, snakemake.params
stream = contributions.assemble_stream(
    tables.read_table(snakemake.input.background, "contributions"),
    tables.read_table(snakemake.input.pool, "contributions"),
    int(wildcards.size),
    int(wildcards.seed),
)
clean = background.write_background(
    pd.read_csv(snakemake.input.professions),
    pd.read_csv(snakemake.input.skeletons),
    pd.read_csv(snakemake.input.template),
    params.reference_size,
    params.male_share,
    float(wildcards.overlap),
    background.REFERENCE_SEED + int(wildcards.seed),
)
verdicts = defenses.judge(
    stream["contribution_id"].tolist(),
    (stream["prompt"] + stream["completion"]).tolist(),
    (clean["prompt"] + clean["completion"]).tolist(),
    wildcards.defense,
    params.false_positive_rate,
    int(wildcards.seed),
    pd.read_csv(snakemake.input.keywords),
)
tables.write_table(verdicts, snakemake.output.verdicts, "verdicts")
