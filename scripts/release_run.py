"""Lays beside the released sentences what the run asked, what it found, and what it was made with."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from quorum import files, logbook, models, tables
from quorum.release import forms, versions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
given, made = snakemake.input, snakemake.output
for name in ("probes", "provenance"):
    forms.write(tables.read_table(given[name], name), name, *made[name])
for source, target in zip(given.copied, made.copied, strict=True):
    files.atomically(target, lambda path, source=source: shutil.copyfile(source, path))
precision = models.chosen_dtype(tables.read_table(given.precision, "precision")) if given.precision else ""
texts = {
    made.packages: versions.requirements(Path(given.pins).read_text(encoding="utf-8")),
    made.configuration: versions.configuration(snakemake.params.settings),
    made.versions: versions.summary(versions.commit_of(Path(snakemake.scriptdir, "release_run.py")), precision),
}
for target, text in texts.items():
    files.atomically(target, lambda path, text=text: path.write_text(text, encoding="utf-8"))
