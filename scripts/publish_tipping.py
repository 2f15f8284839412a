"""Joins the curves without and with filters."""

from typing import TYPE_CHECKING

from quorum import logbook, tables, tipping

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, output = snakemake.input, snakemake.output
curve = tipping.join([tables.read_table(path, "tipping_curve") for path in files.curves])
tables.publish(curve, output.curve_parquet, output.curve, "tipping_curve")
points = tipping.join([tables.read_table(path, "tipping_points") for path in files.points])
tables.publish(points, output.points_parquet, output.points, "tipping_points")
