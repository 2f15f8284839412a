"""What lies in a release: the SHA-256 of every file, as `sha256sum --check` reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from quorum.fingerprints import hashes

NAME = "SHA256SUMS"


def inside(folder: str | Path, paths: Iterable[str | Path]) -> list[str]:
    """Names of the files relative to the folder, with slashes, sorted; ValueError for one that lies elsewhere."""
    return sorted(Path(path).resolve().relative_to(Path(folder).resolve()).as_posix() for path in paths)


def sums(folder: str | Path, names: Iterable[str]) -> str:
    """One line "HASH  NAME" for each of the files in the folder, sorted by name."""
    found = hashes({name: Path(folder, name) for name in sorted(names)})
    return "".join(f"{digest}  {name}\n" for name, digest in found.items())


def others(folder: str | Path, names: Iterable[str]) -> list[str]:
    """Files in the folder that are none of the release, sorted; hidden ones are not looked at."""
    found = (path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file())
    visible = {path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)}
    return sorted(visible - {NAME, *names})
