"""Scores honest people's sentences."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import background, honest, logbook, tables
from quorum.defenses.blinded import blind_contributions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params = snakemake.input, snakemake.params
documents = honest.documents(
    tables.read_table(files.texts, "texts"),
    tables.read_table(files.questions, "questions"),
    tables.read_table(files.notes, "texts"),
)
judged, rest = honest.halves(honest.sentences(documents), params.seed)
resources = [pd.read_csv(path) for path in (files.professions, files.skeletons, files.template)]
world = (params.reference_size, params.male_share, params.overlap, background.REFERENCE_SEED + params.seed)
template = blind_contributions(background.write_background(*resources, *world, params.sentences_per_agent))
real = honest.blinded(honest.clean_sample(rest, params.reference_size, params.seed))
own = honest.as_sentences(tables.read_table(files.background[0], "contributions"))
lexicon = pd.read_csv(files.keywords)
scored = [
    honest.score(sentences, reference, stream, calibration, params.seed, lexicon)
    for sentences, reference, stream, calibration in (
        (judged, template, honest.REAL, honest.TEMPLATE),
        (judged, real, honest.REAL, honest.REAL),
        (own, template, honest.TEMPLATE, honest.TEMPLATE),
    )
]
tables.write_table(pd.concat([scores for scores, _ in scored]), snakemake.output.scores, "honest_scores")
references = pd.concat([reference for _, reference in scored])
tables.write_table(references, snakemake.output.reference_scores, "honest_reference_scores")
