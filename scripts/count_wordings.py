"""Counts the wordings of one part of a stream."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.defenses import repetition
from quorum.defenses.blinded import blind_contributions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
part = blind_contributions(tables.read_table(snakemake.input.contributions, "contributions"))
tables.write_table(repetition.count(part), snakemake.output.counted, "shared_wordings")
