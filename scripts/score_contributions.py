"""Scores the contributions of one stream by every filter."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import background, contributions, defenses, logbook, tables
from quorum.defenses.blinded import blind_contributions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, wildcards, params = snakemake.input, snakemake.wildcards, snakemake.params
parts = [tables.read_table(path, "contributions") for path in (files.background, files.pool) if path]
stream = contributions.assemble_stream(parts[0], parts[-1], int(wildcards.size), int(wildcards.seed))
clean = background.write_background(
    pd.read_csv(files.professions),
    pd.read_csv(files.skeletons),
    pd.read_csv(files.template),
    params.reference_size,
    params.male_share,
    float(wildcards.overlap),
    background.REFERENCE_SEED + int(wildcards.seed),
    params.sentences_per_agent,
)
scores, reference_scores = defenses.score(
    stream["contribution_id"].tolist(),
    blind_contributions(stream),
    blind_contributions(clean),
    int(wildcards.seed),
    pd.read_csv(files.keywords),
)
tables.write_table(scores, snakemake.output.scores, "scores")
tables.write_table(reference_scores, snakemake.output.reference_scores, "reference_scores")
