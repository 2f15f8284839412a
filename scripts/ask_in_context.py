"""Asks the model with the retrieved contributions before each question, under several conditions of one seed."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import audit, logbook, models, tables, utility

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def read(name, *paths):
    return [tables.read_table(path, name) for path in paths]


logbook.start(snakemake.log[0])
files, params, output = snakemake.input, snakemake.params, snakemake.output
(precision,) = read("precision", files.precision)
model = models.load_local(Path(files.model).parent, models.chosen_dtype(precision), threads=snakemake.threads)
prompts, contexts = read("prompts", *files.prompts), read("contexts", *files.contexts)
before = list(zip(read("prompts", *files.asked), read("audit", *files.audits), strict=True))
audits = audit.audits(model, prompts, before, params.temperature, params.max_tokens, int(snakemake.wildcards.seed))
before = list(zip(read("contexts", *files.shown), read("readings", *files.readings), strict=True))
(texts,), (questions,), (probes,) = (read(name, files[name]) for name in ("texts", "questions", "probes"))
readings = utility.readings(model, contexts, before, texts, questions, params.passage_tokens)
for place, (answers, reading) in enumerate(zip(audits, readings, strict=True)):
    tables.write_table(answers, output.audits[place], "audit")
    tables.write_table(reading, output.readings[place], "readings")
    scores = utility.scores_in_context(model, answers, probes, reading)
    tables.write_table(scores, output.utilities[place], "utility_scores")
