"""Every answer that was paid for, in one SQLite file that all jobs and runs share."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from quorum.endpoint import storage
from quorum.endpoint.answers import Answer

_VERSION = 1
_SCHEMA = """
CREATE TABLE answers (
    key BLOB NOT NULL UNIQUE,
    text TEXT NOT NULL,
    first TEXT NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    fingerprint TEXT NOT NULL,
    answered_at REAL NOT NULL,
    request BLOB NOT NULL,
    response BLOB NOT NULL
);
CREATE TABLE imported (sha256 TEXT PRIMARY KEY)
"""
# Fewer than any SQLite allows in one statement.
_AT_ONCE = 500


@dataclass(frozen=True)
class Kept:
    """An answer with all that came with it. response: the whole body; answered_at: seconds since 1970, UTC."""

    key: bytes
    request: str
    response: str
    answer: Answer
    answered_at: float


class Cache:
    """The answers at `path`; every one is committed when it is stored, and one that is there is never replaced.

    Every method raises storage.StorageError where the file cannot be used.
    """

    def __init__(self, path: str | Path, *, beside_damaged: bool = False):
        self.path = Path(path)
        self._connection = storage.open_database(
            self.path, _SCHEMA, _VERSION, durable=True, beside_damaged=beside_damaged
        )

    def close(self) -> None:
        self._connection.close()

    def look_up(self, keys: Iterable[bytes]) -> dict[bytes, Answer]:
        """The answers that are there, by key."""
        found = {}
        for key, *fields in self._rows("key, text, first, prompt_tokens, completion_tokens, fingerprint", keys):
            found[key] = Answer(*fields)
        return found

    def kept(self, keys: Iterable[bytes]) -> Iterator[Kept]:
        """The answers that are there with their requests and whole responses, in the order of their keys."""
        columns = "key, request, response, text, first, prompt_tokens, completion_tokens, fingerprint, answered_at"
        for key, request, response, *fields, answered_at in self._rows(columns, keys):
            try:
                texts = [zlib.decompress(part).decode() for part in (request, response)]
            except (zlib.error, UnicodeDecodeError) as error:
                damage = sqlite3.DatabaseError(f"the answer {key.hex()} is not what was stored: {error}")
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise storage.failure(self.path, damage) from error
            yield Kept(key, *texts, Answer(*fields), answered_at)

    def store(self, answers: Sequence[Kept]) -> int:
        """Stores the answers in one transaction; returns how many were new."""
        rows = [
            (
                kept.key,
                kept.answer.text,
                kept.answer.first,
                kept.answer.prompt_tokens,
                kept.answer.completion_tokens,
                kept.answer.fingerprint,
                kept.answered_at,
                zlib.compress(kept.request.encode()),
                zlib.compress(kept.response.encode(errors="replace")),
            )
            for kept in answers
        ]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                before = self._connection.total_changes
                self._connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
                return self._connection.total_changes - before
        except sqlite3.Error as error:
            raise storage.failure(self.path, error) from error

    def has_imported(self, sha256: str) -> bool:
        """Whether the file with this hash has been imported."""
        return bool(self._select("SELECT 1 FROM imported WHERE sha256 = ?", [sha256]))

    def note_import(self, sha256: str) -> None:
        """Remembers that the file with this hash has been imported."""
        try:
            self._connection.execute("INSERT OR IGNORE INTO imported VALUES (?)", [sha256])
        except sqlite3.Error as error:
            raise storage.failure(self.path, error) from error

    def _rows(self, columns: str, keys: Iterable[bytes]) -> Iterator[tuple]:
        # In the order of the index, so that each of its pages is read once.
        ordered = sorted(set(keys))
        for start in range(0, len(ordered), _AT_ONCE):
            part = ordered[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            yield from self._select(f"SELECT {columns} FROM answers WHERE key IN ({marks}) ORDER BY key", part)

    def _select(self, statement: str, values: Sequence[object]) -> list[tuple]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise storage.failure(self.path, error) from error
