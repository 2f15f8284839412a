"""Digests the documents of one part of a stream."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.defenses import minhash
from quorum.defenses.blinded import blind_contributions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
part = blind_contributions(tables.read_table(snakemake.input.contributions, "contributions"))
documents, shingles = minhash.digest(part, snakemake.params.first)
tables.write_table(documents, snakemake.output.documents, "documents")
tables.write_table(shingles, snakemake.output.shingles, "shingles")
