"""SQLite files that many processes write: opened safely, and never overwritten when they are damaged."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

# For another process to finish its write; each takes milliseconds.
PATIENCE = 60.0
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class StorageError(RuntimeError):
    """A file that cannot be used; the message names it and says what to do."""


def open_database(
    path: str | Path, schema: str, version: int, *, durable: bool, beside_damaged: bool = False
) -> sqlite3.Connection:
    """The SQLite file at `path` in WAL mode, made with `schema` where it is new; one statement is one transaction.

    durable: whether a commit survives a loss of power too; it always survives the end of the process.
    beside_damaged: whether a new file may be made where a damaged one was set aside and still lies.

    Raises StorageError: a damaged file, which is renamed first; a file that was set aside so before and still lies
    there; a database of another version or program; a folder that cannot be written.
    """
    path = Path(path)
    aside = sorted(path.parent.glob(f"{path.name}.damaged-*"))
    if aside and not path.exists() and not beside_damaged:
        raise StorageError(_set_aside_words(path, aside[-1], "was found damaged before"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _opened(path, schema, version, durable)
    except (OSError, sqlite3.Error) as error:
        raise failure(path, error) from error


def failure(path: str | Path, error: OSError | sqlite3.Error) -> StorageError:
    """What to say when the file at `path` could not be used; sets it aside if it is damaged."""
    path = Path(path)
    if _code(error) not in _DAMAGE:
        return StorageError(f"{path}: cannot be used ({error}); is its disk full, or the folder not yours to write?")
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{path}{suffix}")
        if part.exists():
            os.rename(part, f"{aside}{suffix}")
    return StorageError(_set_aside_words(path, aside, f"is damaged ({error})"))


def _set_aside_words(path: Path, aside: Path, what: str) -> str:
    return (
        f"{path}: {what}; it lies as {aside}, unchanged. "
        f"To take over the answers that are whole in it: snakemake --cores 1 recover_answers. "
        f"To begin with an empty file: move {aside.name} to another folder, and run again"
    )


def _code(error: Exception) -> int | None:
    """SQLite's primary result code."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _opened(path: Path, schema: str, version: int, durable: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        _in_turn(connection, "PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            error = sqlite3.DatabaseError(" ".join(found.split()))
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        _in_turn(connection, "BEGIN IMMEDIATE")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        there = connection.execute("PRAGMA user_version").fetchone()[0]
        if not tables:
            for statement in filter(str.strip, schema.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    if tables and there != version:
        connection.close()
        raise StorageError(
            f"{path}: is an SQLite file of another program or version ({there}, not {version}); name another file"
        )
    return connection


def _in_turn(connection: sqlite3.Connection, statement: str) -> None:
    """Executes a statement that SQLite refuses at once, in place of waiting, while another process makes the file."""
    for attempt in range(int(PATIENCE * 20)):
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if _code(error) not in _LOCKED or attempt == int(PATIENCE * 20) - 1:
                raise
            time.sleep(0.05)
