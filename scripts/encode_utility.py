"""Runs the frozen lower layers over the texts that measure utility."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import logbook, models, tables, utility
from quorum.uptake import hidden_states

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
params, layers = snakemake.params, int(snakemake.wildcards.layers)
dtype = models.chosen_dtype(tables.read_table(snakemake.input.precision, "precision"))
model = models.load_local(Path(snakemake.input.model).parent, dtype, threads=snakemake.threads)
texts = tables.read_table(snakemake.input.texts, "texts")["text"].tolist()
asked = utility.sample_questions(tables.read_table(snakemake.input.questions, "questions"), params.questions)
passages = utility.encode_passages(model, texts[: params.passages], params.passage_tokens, layers)
hidden_states.save(passages, snakemake.output.passages)
hidden_states.save(utility.encode_questions(model, asked, layers), snakemake.output.questions)
tables.write_table(asked, snakemake.output.asked, "questions")
