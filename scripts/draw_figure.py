"""Draws one figure in all formats."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import figures, logbook, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
name = snakemake.params.name
frames = {
    table: pd.read_csv(snakemake.input[table]) if table == "paper_reference" else tables.read_table(path, table)
    for table, path in ((table, snakemake.input[table]) for table in figures.FIGURES[name].tables)
}
figures.save(figures.draw(name, frames, snakemake.params.style), snakemake.output.svg.removesuffix(".svg"))
