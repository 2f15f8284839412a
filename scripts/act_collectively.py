"""Runs all collective actions of one seed on one data set and one learner."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.minority import population, sweep

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params, wildcards = snakemake.params, snakemake.wildcards
runs = sweep.run(
    population.from_table(tables.read_table(snakemake.input.people, "population")),
    wildcards.dataset,
    wildcards.learner,
    int(wildcards.seed),
    params.methods,
    params.alphas,
    params.flips,
    params.audit_share,
    params.neighbours,
    params.known_rows,
    params.known_neighbours,
    params.at_alpha,
)
tables.write_table(runs, snakemake.output.runs, "minority_runs")
