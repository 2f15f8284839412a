"""Lets the model write the pool of one seed in its own words, and validates it as any submission."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from quorum import collective, logbook, models, paraphrase, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params, seed = snakemake.input, snakemake.params, int(snakemake.wildcards.seed)
professions, template = pd.read_csv(files.professions), pd.read_csv(files.template)
agents, each = params.agents, params.sentences_per_agent
dtype = models.chosen_dtype(tables.read_table(files.precision, "precision"))
model = models.load_local(Path(files.model).parent, dtype, threads=snakemake.threads)
settings = (1, paraphrase.TEMPERATURE, paraphrase.MAX_TOKENS)
pool, rejections = paraphrase.write_pool(
    collective.write_pool(
        professions, template, snakemake.wildcards.strategy, math.ceil(agents * paraphrase.SPARE), each,
        params.background_size, params.male_share, seed,
    ),
    lambda prompts, number: [row[0] for row in model.complete(prompts, *settings, seed=number)],
    Path(files.instructions).read_text(encoding="utf-8"),
    pd.read_csv(files.health)["term"].tolist(),
    professions,
    agents,
    each,
    seed,
)  # fmt: skip
tables.write_table(rejections, snakemake.output.rejections, "rejections")
tables.write_table(pool, snakemake.output.contributions, "contributions")
