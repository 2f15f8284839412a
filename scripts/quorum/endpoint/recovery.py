"""What is whole in a damaged cache: answers whose request still has the stored hash, and whose response can be read."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

from quorum.endpoint import answers
from quorum.endpoint.cache import Cache, Kept

_PAGE = 4096
# An answer with its request takes more than this share of a page.
_ROWS_PER_PAGE = 16


def recover(path: str | Path) -> dict[str, int]:
    """Puts the whole answers of every file that was set aside beside the cache at `path` into the cache.

    Returns how many were new, by file. The damaged files stay as they are.
    """
    path = Path(path)
    aside = [file for file in sorted(path.parent.glob(f"{path.name}.damaged-*")) if not _is_part(file)]
    cache = Cache(path, beside_damaged=True)
    found = {str(file): cache.store(list(_whole(file))) for file in aside}
    cache.close()
    return found


def _is_part(file: Path) -> bool:
    return file.name.endswith(("-wal", "-shm"))


def _whole(file: Path) -> Iterator[Kept]:
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    # Else SQLite refuses a file that is shorter than its header says.
    connection.execute("PRAGMA writable_schema = ON")
    for row in range(1, file.stat().st_size // _PAGE * _ROWS_PER_PAGE + 1):
        try:
            found = connection.execute(
                "SELECT key, request, response, answered_at FROM answers WHERE rowid = ?", [row]
            ).fetchone()
            if found:
                key, request, response = found[0], *(zlib.decompress(part).decode() for part in found[1:3])
                mode = json.loads(request.partition("\n")[0])["mode"]
                if hashlib.sha256(request.encode()).digest() == key:
                    yield Kept(key, request, response, answers.read(response, mode), found[3])
        except (sqlite3.DatabaseError, zlib.error, ValueError, KeyError, TypeError):
            continue
    connection.close()
