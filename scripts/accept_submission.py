"""Validates a pool that was submitted as a file."""

from typing import TYPE_CHECKING

import logging

import pandas as pd

from quorum import contributions, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
submission = contributions.read_submission(snakemake.input.submission)
accepted, rejections = contributions.validate_submission(
    submission, pd.read_csv(snakemake.input.health)["term"].tolist(), pd.read_csv(snakemake.input.professions)
)
logging.info("%d sentences accepted, %d rejected", len(accepted), len(rejections))
tables.write_table(rejections, snakemake.output.rejections, "rejections")
contributions.require_size(accepted, rejections, snakemake.params.largest, snakemake.input.submission)
tables.write_table(accepted, snakemake.output.contributions, "contributions")
