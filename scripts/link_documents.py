"""Finds what is near what over all parts of a stream and the reference."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.defenses import minhash
from quorum.defenses.blinded import blind_contributions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files = snakemake.input
reference = blind_contributions(tables.read_table(files.reference, "contributions"))
digests = [
    (tables.read_table(documents, "documents"), tables.read_table(shingles, "shingles"))
    for documents, shingles in zip(files.documents, files.shingles, strict=True)
]
duplicates = minhash.link([*digests, minhash.digest_reference(reference)], snakemake.params.seed)
tables.write_table(duplicates, snakemake.output.shared, "duplicates")
