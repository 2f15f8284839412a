"""Writes the tables filter_curves and filter_scores."""

from typing import TYPE_CHECKING

from quorum import filter_curves, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
frames = {path: tables.read_table(path, "contributions") for path in (*files.backgrounds, *files.pools)}
streams = zip(params.conditions, params.background, files.pools, files.scores, strict=True)
judged = [
    (condition, filter_curves.both_sides(frames[firm], frames[pool], condition), tables.read_table(scores, "scores"))
    for condition, firm, pool, scores in streams
]
clean = [tables.read_table(path, "reference_scores") for path in files.reference_scores]
curves = filter_curves.filter_curves(judged)
tables.publish(curves, snakemake.output.curves_parquet, snakemake.output.curves, "filter_curves")
scores = filter_curves.filter_scores(judged, zip(params.conditions, clean, strict=True), params.strengths)
tables.publish(scores, snakemake.output.scores_parquet, snakemake.output.scores, "filter_scores")
