"""Tries all filters against a campaign of every size."""

from typing import TYPE_CHECKING

import pandas as pd

from quorum import background, contributions, defenses, filter_grid, logbook, tables
from quorum.defenses.blinded import blind_contributions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
seed, lexicon = int(wildcards.seed), pd.read_csv(files.keywords)
firm, pool = (tables.read_table(path, "contributions") for path in (files.background, files.pool))
resources = [pd.read_csv(path) for path in (files.professions, files.skeletons, files.template)]
world = (params.reference_size, params.male_share, float(wildcards.overlap), background.REFERENCE_SEED + seed)
clean = background.write_background(*resources, *world, params.sentences_per_agent)
rows = []
for size in logbook.progress(params.sizes, "pool sizes"):
    stream = contributions.assemble_stream(firm, pool, size, seed)
    ids, seen = stream["contribution_id"].tolist(), blind_contributions(stream)
    found = defenses.score(ids, seen, blind_contributions(clean), seed, lexicon)
    cells = filter_grid.cells(stream, *found, params.names, params.strengths)
    rows.append(pd.DataFrame(cells).assign(pool_size=size))
campaign = {"style": wildcards.style, "strategy": wildcards.strategy, "seed": seed}
tables.write_table(pd.concat(rows).assign(**campaign), snakemake.output.cells, "grid_cells")
