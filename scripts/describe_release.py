"""Writes what the release says of itself: data card, Croissant metadata, checksums."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from quorum import logbook
from quorum.release import description

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
given, params = snakemake.input, snakemake.params
others = description.write(
    Path(snakemake.output.sums).parent,
    [*given.sentences, *given.run],
    Path(given.card).read_text(encoding="utf-8"),
    params.styles,
    seed=params.seed,
    model=params.model,
    submitted=params.submitted,
)
if others:
    print(f"note: not of this release, but in its folder: {', '.join(others)}", file=sys.stderr)
