"""Asks a trained model, and measures its utility."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import audit, logbook, models, tables, utility
from quorum.uptake import hidden_states

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files = snakemake.input
dtype = models.chosen_dtype(tables.read_table(files.precision, "precision"))
model = models.load_local(Path(files.model).parent, dtype, Path(files.adapter).parent, threads=snakemake.threads)
probes = tables.read_table(files.probes, "probes")
seed = int(snakemake.wildcards.condition.rpartition("seed")[2])
answers = audit.audit(model, probes, snakemake.params.temperature, snakemake.params.max_tokens, seed)
scores = utility.utility_scores(
    model,
    answers,
    probes,
    hidden_states.load(files.passages),
    hidden_states.load(files.questions),
    tables.read_table(files.asked, "questions"),
)
tables.write_table(answers, snakemake.output.audit, "audit")
tables.write_table(scores, snakemake.output.utility, "utility_scores")
