"""How a release is cited: what CITATION.cff says, and the same as BibTeX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Citation = Mapping[str, Any]
"""The content of a CITATION.cff, version 1.2: title, authors, version, license; date-released and url where known."""


def authors(citation: Citation) -> list[str]:
    """Names of the authors, people or organisations, in their order."""
    return [
        author.get("name") or " ".join(filter(None, (author.get("given-names"), author.get("family-names"))))
        for author in citation["authors"]
    ]


def released_on(citation: Citation) -> str:
    """The day of the release, as in 2026-11-22; empty where none is told."""
    return str(citation.get("date-released", ""))


def address(citation: Citation) -> str:
    """Where the study is found; empty where nothing is told."""
    return citation.get("url") or citation.get("repository-code") or ""


def bibtex(citation: Citation) -> str:
    """An entry @software."""
    fields = {
        "title": f"{{{citation['title']}}}",
        "author": " and ".join(f"{{{name}}}" for name in authors(citation)),
        "version": citation["version"],
        "year": released_on(citation)[:4],
        "url": address(citation),
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@software{{quorum,\n{lines}}}"
