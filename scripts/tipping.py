"""Makes the tipping curves and tipping points of a study."""

from typing import TYPE_CHECKING

from quorum import logbook, tables, tipping

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params = snakemake.params
audits = tables.read_table(snakemake.input.audits, "audits")
streams = tables.read_table(snakemake.input.streams, "streams")
world = (params.background_size, params.male_share)
curve = tipping.tipping_curve(audits, streams, *world, n_resamples=params.resamples, confidence=params.confidence)
tables.write_table(curve, snakemake.output.curve, "tipping_curve")
points = tipping.tipping_points(curve, audits, *world, confidence=params.confidence)
tables.write_table(points, snakemake.output.points, "tipping_points")
