"""Croissant metadata of a release: which files it has, and what every column of its tables means.

Croissant 1.0 (MLCommons 2024, http://mlcommons.org/croissant/1.0) is JSON-LD that dataset hubs and search engines read.
"""

from __future__ import annotations

import collections
import json
import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from quorum.fingerprints import hashes
from quorum.release import citation as citing
from quorum.release.citation import Citation
from quorum.schemas import SCHEMAS

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
SENTENCES = "sentences"
_MEDIA = {
    ".parquet": "application/x-parquet",
    ".csv": "text/csv",
    ".jsonl": "application/jsonlines",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".cff": "application/yaml",
    ".md": "text/markdown",
}


class CroissantError(ValueError):
    """Metadata that are no valid Croissant, or do not fit the files beside them; the message is the validator's."""


def describe(folder: str | Path, names: Sequence[str], title: str, summary: str, citation: Citation) -> str:
    """The metadata as JSON. names: the release's files, relative to the folder.

    Every Parquet file has the name of its table, and becomes a record set of that name; sentences have the name of
    their folder, which is their style.
    """
    import mlcroissant as mlc

    digests = hashes({name: Path(folder, name) for name in names})
    files = [
        mlc.FileObject(
            id=name,
            name=name,
            content_url=name,
            content_size=f"{Path(folder, name).stat().st_size} B",
            encoding_formats=[_MEDIA.get(PurePosixPath(name).suffix, "text/plain")],
            sha256=digests[name],
        )
        for name in names
    ]
    metadata = mlc.Metadata(
        name=title,
        description=summary,
        conforms_to=[CONFORMS_TO],
        license=[f"https://spdx.org/licenses/{citation['license']}.html"],
        url=citing.address(citation) or None,
        version=citation["version"],
        date_published=citing.released_on(citation) or None,
        cite_as=citing.bibtex(citation),
        creators=[mlc.Organization(name=name) for name in citing.authors(citation)],
        in_language=["en"],
        keywords=citation["keywords"],
        distribution=files,
        record_sets=[_record_set(name) for name in names if PurePosixPath(name).suffix == ".parquet"],
    )
    return json.dumps(metadata.to_json(), indent=2, ensure_ascii=False) + "\n"


def _record_set(name: str) -> Any:
    """The record set of one Parquet file."""
    import mlcroissant as mlc

    table, identity = PurePosixPath(name).stem, record_set_of(name)
    types = {"string": mlc.DataType.TEXT, "int": mlc.DataType.INT64, "float": mlc.DataType.FLOAT64}
    return mlc.RecordSet(
        id=identity,
        name=identity,
        description=f"Sentences of the style {identity}." if table == SENTENCES else f"The table {table}.",
        key=[f"{identity}/contribution_id"] if table == SENTENCES else None,
        fields=[
            mlc.Field(
                id=f"{identity}/{column.name}",
                name=column.name,
                description=f"{column.meaning} ({column.unit})" if column.unit else column.meaning,
                data_types=[types.get(column.dtype, mlc.DataType.BOOL)],
                source=mlc.Source(file_object=name, extract=mlc.Extract(column=column.name)),
            )
            for column in SCHEMAS[table]
        ],
    )


def record_set_of(name: str) -> str:
    """Name of the record set of a Parquet file of the release."""
    path = PurePosixPath(name)
    return path.parent.name if path.stem == SENTENCES else path.stem


def require_valid(path: str | Path) -> None:
    """Raises CroissantError unless the file is valid Croissant and each of its record sets can be read as it says.

    Reading checks the hash of the file behind a record set and casts every value. Nothing is fetched: all files lie
    beside the metadata.
    """
    import mlcroissant as mlc

    logging.getLogger("absl").setLevel(logging.WARNING)  # it tells of every file that it opens
    try:
        dataset = mlc.Dataset(path)
        for records in dataset.metadata.record_sets:
            collections.deque(dataset.records(records.id), maxlen=0)
    except (mlc.ValidationError, mlc.GenerationError, ValueError, OSError) as error:
        raise CroissantError(f"{path}: {error}") from error
