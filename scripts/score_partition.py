"""Scores one part of a stream by one filter."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import defenses, logbook, tables
from quorum.defenses.blinded import blind_contributions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, defense = snakemake.input, snakemake.wildcards.defense
part = tables.read_table(files.contributions, "contributions")
found = defenses.score_part(
    defense,
    blind_contributions(part),
    blind_contributions(tables.read_table(files.reference, "contributions")),
    tables.read_table(files.shared, defenses.SHARING[defense]) if files.shared else None,
    first_row=snakemake.params.first,
    lexicon=pd.read_csv(files.keywords),
)
scores, reference_scores = defenses.as_tables(defense, part["contribution_id"].tolist(), found)
tables.write_table(scores, snakemake.output.scores, "scores")
tables.write_table(reference_scores, snakemake.output.reference_scores, "reference_scores")
