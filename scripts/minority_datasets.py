"""Counts the people of every data set: the table minority_datasets."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.minority import cohorts, population, summaries

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
people = {
    name: population.from_table(tables.read_table(path, "population"))
    for name, path in zip(snakemake.params.names, snakemake.input.people, strict=True)
}
words = {name: (cohort.minority, cohort.good_label) for name, cohort in cohorts.COHORTS.items()}
for own in snakemake.params.own:
    words[own["name"]] = (f"{own['group']} = {own['minority']}", f"{own['label']} = {own['positive']}")
table = summaries.datasets(people, words)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "minority_datasets")
