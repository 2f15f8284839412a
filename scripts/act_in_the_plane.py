"""Computes the two examples with two features: how few flips move a boundary, and which rows the scores see."""

from typing import TYPE_CHECKING

from quorum import logbook, tables
from quorum.minority import toy

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
tables.write_table(toy.fewest_flips(), snakemake.output.toy, "minority_toy")
tables.write_table(toy.seen_rows(), snakemake.output.scoring, "minority_scoring")
