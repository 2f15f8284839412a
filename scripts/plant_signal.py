"""Runs the signal experiment of one seed with one learner."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.minority import population, signal

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params, wildcards = snakemake.params, snakemake.wildcards
runs = signal.run(
    population.from_table(tables.read_table(snakemake.input.people, "population")),
    wildcards.dataset,
    wildcards.learner,
    int(wildcards.seed),
    params.feature,
    params.others,
    params.alphas,
    audit_share=params.audit_share,
)
tables.write_table(runs, snakemake.output.runs, "minority_signal_runs")
