"""Validates a pool that was submitted as a file."""

import logging
from typing import TYPE_CHECKING

import pandas as pd

from quorum import contributions, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
submission = contributions.read_submission(snakemake.input.submission, **snakemake.params.columns)
accepted, rejections = contributions.validate_submission(
    submission, pd.read_csv(snakemake.input.health)["term"].tolist(), pd.read_csv(snakemake.input.professions)
)
# Of a pool that is too small, the log is all that stays.
logging.info("%d accepted, %d rejected:\n%s", len(accepted), len(rejections), rejections.to_csv(index=False))
tables.write_table(rejections, snakemake.output.rejections, "rejections")
contributions.require_size(accepted, rejections, snakemake.params.largest, snakemake.input.submission)
tables.write_table(accepted, snakemake.output.contributions, "contributions")
