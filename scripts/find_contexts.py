"""Finds the contributions that precede each question, under several conditions of one seed."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import contributions, logbook, models, tables, utility
from quorum.uptake import in_context

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params, seed = snakemake.input, snakemake.params, int(snakemake.wildcards.seed)
probes = tables.read_table(files.probes, "probes")
texts = tables.read_table(files.texts, "texts").head(params.passages)
questions = utility.sample_questions(tables.read_table(files.questions, "questions"), params.questions)
retrieval = in_context.Retrieval(params.neighbours, params.retriever, params.order, params.deduplicate)
embed = models.load_local(Path(files.model).parent, "float32", threads=snakemake.threads).embed if files.model else None
background = tables.read_table(files.background, "contributions")
pools = {path: tables.read_table(path, "contributions") for path in files.pools}
outputs = (params.conditions, params.pool, params.judged, snakemake.output.prompts, snakemake.output.contexts)
for condition, pool, judged, *written in logbook.progress(list(zip(*outputs, strict=True)), "conditions"):
    stream = contributions.assemble_stream(background, pools.get(pool, background), condition["pool_size"], seed)
    if judged:
        stream = contributions.accepted_stream(stream, tables.read_table(judged, "verdicts"))
    found = in_context.prepared(probes, utility.asked(texts, questions), stream, retrieval, seed, embed)
    for frame, path, name in zip(found, written, ("prompts", "contexts"), strict=True):
        tables.write_table(frame, path, name)
