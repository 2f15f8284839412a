"""Judges the contributions of one stream by one filter at one strength, from their scores."""

from typing import TYPE_CHECKING

from quorum import defenses, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
verdicts = defenses.judge(
    tables.read_table(snakemake.input.scores, "scores"),
    tables.read_table(snakemake.input.reference_scores, "reference_scores"),
    snakemake.wildcards.defense,
    snakemake.params.false_positive_rate,
)
tables.write_table(verdicts, snakemake.output.verdicts, "verdicts")
