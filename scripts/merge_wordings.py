"""Adds up the wordings of all parts of a stream and of the reference, a range of hashes at a time."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, tables
from quorum.defenses import repetition
from quorum.defenses.blinded import blind_contributions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
reference = blind_contributions(tables.read_table(snakemake.input.reference, "contributions"))
clean = repetition.count(reference, reference=True)
merged = []
for first, last in logbook.progress(repetition.ranges(len(snakemake.input.counted)), "ranges"):
    within = [("wording", ">=", first), ("wording", "<", last)]
    parts = [tables.read_table(path, "shared_wordings", within) for path in snakemake.input.counted]
    merged.append(repetition.merge([*parts, clean[clean["wording"].between(first, last - 1)]]))
tables.write_table(pd.concat(merged, ignore_index=True), snakemake.output.shared, "shared_wordings")
