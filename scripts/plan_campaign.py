"""Writes the table plan."""

from typing import TYPE_CHECKING

from quorum import logbook, planner, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
table = planner.plan(
    [planner.Scenario(**scenario) for scenario in params.scenarios],
    tables.read_table(files.points, "tipping_points"),
    tables.read_table(files.curve, "tipping_curve"),
    tables.read_table(files.grid, "defense_grid"),
    strength=params.strength,
    confidence=params.confidence,
)
tables.publish(table, snakemake.output.parquet, snakemake.output.table, "plan")
