"""Writes the report of the run: one page."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from quorum import files, logbook, report, tables
from quorum.schemas import SCHEMAS

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
paths = {name: path for name, path in snakemake.input.items() if name in SCHEMAS}
frames = {name: tables.read_table(path, name) for name, path in paths.items()}
frames["paper_reference"] = pd.read_csv(snakemake.input.paper_reference)
assets = {Path(path).name: Path(path).read_text(encoding="utf-8") for path in snakemake.input.assets}
page = report.html(frames, snakemake.params.settings, assets, datetime.now().astimezone(), paths)
files.atomically(snakemake.output.page, lambda path: path.write_text(page, encoding="utf-8"))
