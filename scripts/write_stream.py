"""Writes a part of a long stream, or a clean reference for it."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, streams, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
material = streams.gather_material(
    tables.read_table(files.texts, "texts")["text"].tolist(),
    pd.read_csv(files.skeletons)["text"].tolist(),
    [text for path in files.campaign for text in pd.read_csv(path)["text"]],
    pd.read_csv(files.professions)["profession"].tolist(),
)
part = streams.write_stream(material, params.rows, params.first, params.last, params.seed, params.clean)
tables.write_table(part, snakemake.output.contributions, "contributions")
