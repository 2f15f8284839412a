"""Puts the whole answers of a damaged cache, which was set aside, into the cache."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import logbook, tables
from quorum.endpoint import recovery

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
found = recovery.recover(snakemake.config["endpoint"]["cache_file"])
frame = pd.DataFrame(found.items(), columns=["file", "answers"]).astype({"answers": int})
tables.write_table(frame, snakemake.output.table, "recovered_answers")
print(*(f"{new} answers out of {file}" for file, new in found.items()), sep="\n", flush=True)
