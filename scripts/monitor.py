"""Follows a campaign as its files arrive."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from quorum import logbook, tables
from quorum.monitor import run, simulation
from quorum.monitor.judging import equipped
from quorum.monitor.watch import Watch, stopped_by_signals

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
config, folder = params.watch, Path(params.folder)
firm = equipped(files, config["defense"], **params.firm)
records = Path(snakemake.output.page).parent
most_bytes = 1_000_000 * config["max_megabytes"]
watch = Watch(folder, records, firm, config["seconds"], config["until_idle"], most_bytes)
drop = {}
if files.pool:
    drop["before_look"] = simulation.arrivals(
        folder, tables.read_table(files.pool, "contributions"), config["simulate"]
    )
points, curve = (tables.read_if_there(params[name], f"tipping_{name}") for name in ("points", "curve"))
run.run(watch, stopped_by_signals(), Console(), confidence=params.confidence, points=points, curve=curve, **drop)
