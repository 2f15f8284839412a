"""What a release says of itself, once its other files are there: data card, Croissant metadata, checksums."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from quorum import tables
from quorum.files import atomically
from quorum.release import card, checksums, croissant

CARD, CROISSANT = "README.md", "croissant.json"


def write(
    folder: str | Path, paths: Iterable[str | Path], template: str, styles: Sequence[str], **facts: Any
) -> list[str]:
    """Writes card, metadata and checksums of the files at `paths`, which all lie in the folder.

    template: the prose of the card; styles: those of the sentences, the default one first; facts: what the card tells
    of the run beside its versions, see `card.write`. Returns the files in the folder that are none of the release.
    Raises CroissantError if the metadata are not valid or do not fit the files.
    """
    folder, names = Path(folder), checksums.inside(folder, paths)
    citation = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    versions = json.loads((folder / "versions" / "versions.json").read_text(encoding="utf-8"))
    sentences = {style: tables.read_table(folder / style / "sentences.parquet", "sentences") for style in styles}
    text = card.write(
        template,
        sentences,
        tables.read_table(folder / "probes" / "probes.parquet", "probes"),
        tables.read_table(folder / "versions" / "provenance.parquet", "provenance"),
        citation,
        **facts,
        version=versions["quorum"],
        commit=versions["commit"],
        tables=[name for name in names if name.startswith("tables/") and name.endswith(".parquet")],
    )
    _write(folder / CARD, text)
    names = sorted([*names, CARD])
    about = card.title(citation), card.summary(sentences)
    _write(folder / CROISSANT, croissant.describe(folder, names, *about, citation))
    croissant.require_valid(folder / CROISSANT)
    names = sorted([*names, CROISSANT])
    _write(folder / checksums.NAME, checksums.sums(folder, names))
    return checksums.others(folder, names)


def _write(path: Path, text: str) -> None:
    atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
