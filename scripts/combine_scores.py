"""Combines what all filters found in one part of a stream."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import defenses, logbook, tables
from quorum.defenses import composite

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
parts = [tables.read_table(path, "scores") for path in snakemake.input.scores]
clean = [tables.read_table(path, "reference_scores") for path in snakemake.input.reference_scores]
found = composite.combine(defenses.from_tables(pd.concat(parts), pd.concat(clean)))
scores, reference_scores = defenses.as_tables(defenses.COMPOSITE, parts[0]["contribution_id"].tolist(), found)
tables.write_table(scores, snakemake.output.scores, "scores")
tables.write_table(reference_scores, snakemake.output.reference_scores, "reference_scores")
