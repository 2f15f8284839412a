"""Asks the model as it was released."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import audit, logbook, models, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
dtype = models.chosen_dtype(tables.read_table(snakemake.input.precision, "precision"))
model = models.load_local(Path(snakemake.input.model).parent, dtype, threads=snakemake.threads)
probes = tables.read_table(snakemake.input.probes, "probes")
answers = audit.audit(
    model, probes, snakemake.params.temperature, snakemake.params.max_tokens, int(snakemake.wildcards.seed)
)
tables.write_table(answers, snakemake.output.audit, "audit")
