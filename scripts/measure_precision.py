"""Measures the matrix rate of both precisions on this machine and chooses one."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, models, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
rates = models.measure_precision()
wanted = snakemake.params.dtype
chosen = models.choose_precision(rates) if wanted == "auto" else wanted
frame = pd.DataFrame(rates, columns=["dtype", "rate"])
tables.write_table(frame.assign(chosen=frame["dtype"] == chosen), snakemake.output.table, "precision")
