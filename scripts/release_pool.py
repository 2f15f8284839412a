"""Writes the released sentences."""

from typing import TYPE_CHECKING

from quorum import contributions, logbook, tables
from quorum.release import forms

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
pool = tables.read_table(snakemake.input.pool, "contributions")
forms.write(contributions.released(pool, snakemake.params.size), "sentences", *snakemake.output)
