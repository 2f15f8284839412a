"""Writes the probes of both sets."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, probes, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
professions = pd.read_csv(snakemake.input.professions)
held_out = probes.held_out_probes(professions, pd.read_csv(snakemake.input.held_out), snakemake.params.held_out)
matched = probes.matched_probes(professions, pd.read_csv(snakemake.input.matched), snakemake.params.matched)
tables.write_table(pd.concat([held_out, matched], ignore_index=True), snakemake.output.probes, "probes")
