"""Which filters the firm has: those of the study, and those that somebody has put beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

STUDIED: Mapping[str, str] = {
    "keyword": "quorum.defenses.keywords",
    "repetition": "quorum.defenses.repetition",
    "tfidf": "quorum.defenses.tfidf",
    "minhash": "quorum.defenses.minhash",
}
"""Module of each filter of the study; `composite` is made of these, whatever else there is."""
COMPOSITE = "composite"
SHARING: Mapping[str, str] = {"repetition": "shared_wordings", "minhash": "duplicates"}
"""Filters that compare contributions with each other, and the table in which they share what they know."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = {"none", *STUDIED, COMPOSITE}


def own(folder: Path | None = None) -> dict[str, str]:
    """Module of each filter of one's own: the Python files in the folder (by default defenses/own), by their names.

    A file whose name begins with an underscore is none. Raises ValueError for a name that cannot be a part of a path
    or is taken.
    """
    folder = folder or Path(__file__).parent / "defenses" / "own"
    found = {}
    for path in sorted(folder.glob("[!_]*.py")):
        if not _NAME.fullmatch(path.stem) or path.stem in _TAKEN:
            raise ValueError(
                f"{path}: a filter's name has small letters, digits and underscores, a letter first, and is none of "
                f"{', '.join(sorted(_TAKEN))}; rename the file"
            )
        found[path.stem] = f"quorum.defenses.own.{path.stem}"
    return found


FILTERS: Mapping[str, str] = {**STUDIED, **own()}
DEFENSES = ("none", *STUDIED, COMPOSITE, *own())
"""All defenses by name; "none" lets everything through and has no scores."""
