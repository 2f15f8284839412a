"""What lies in the folder of a campaign: which files have arrived, and what can be read of them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from quorum.contributions import SubmissionError, read_submission, shown

UNFINISHED = (".part", ".tmp", ".crdownload", "~")
MOST_ROWS = 100_000
_EXPANSION = 20  # a Parquet file may hold so many times its size


@dataclass(frozen=True)
class File:
    """A file as it lay there: its name as bytes percent-encoded (key), its size in bytes, its time of change in ns."""

    key: str
    size: int
    modified: int
    regular: bool

    @property
    def identity(self) -> tuple[str, int, int]:
        """What tells this state of the file from a later one."""
        return self.key, self.size, self.modified


@dataclass(frozen=True)
class Reading:
    """What came of a file: its sentences (columns text, agent) and hash, or the reason why it is set aside."""

    sentences: pd.DataFrame | None
    sha256: str
    reason: str


def look(folder: str | Path) -> list[File]:
    """The files of the folder, oldest first, but those that are hidden or unfinished. OSError if it is none."""
    found = []
    with os.scandir(os.fsencode(folder)) as entries:
        for entry in entries:
            name = os.fsdecode(entry.name)
            if name.startswith(".") or name.endswith(UNFINISHED):
                continue
            try:
                state = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # gone since
                continue
            key = quote(entry.name, safe=" ")
            found.append(File(key, state.st_size, state.st_mtime_ns, stat.S_ISREG(state.st_mode)))
    return sorted(found, key=lambda file: (file.modified, file.key))


def settled(files: Iterable[File], before: Iterable[File], now: float, seconds: float) -> list[File]:
    """Those that nobody is writing any more: as they were at the look before, or not changed for `seconds`.

    now: seconds since the epoch.
    """
    known = {file.identity for file in before}
    return [file for file in files if file.identity in known or file.modified / 1e9 < now - seconds]


def read(folder: str | Path, file: File, most_bytes: int) -> Reading | None:
    """The sentences of a file, or why it has none that can be judged; None if it changed while it was read.

    Whatever lies there, this ends: no link is followed, no pipe waited for, nothing larger than `most_bytes` read.
    """
    if not file.regular:
        return Reading(None, "", "is no regular file: links, folders and pipes are not read")
    if file.size > most_bytes:
        return Reading(None, "", f"is too large: {file.size:,} bytes, at most {most_bytes:,} are read")
    path = Path(os.fsdecode(folder), name_of(file.key))
    digest, sentences, reason = "", None, ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        _refuse_bombs(path, most_bytes)
        sentences = read_submission(path)
        if len(sentences) > MOST_ROWS:
            sentences, reason = None, f"has {len(sentences):,} rows, at most {MOST_ROWS:,} are read"
    except SubmissionError as error:
        reason = str(error).removeprefix(f"{path}").lstrip(":, ")
    except OSError as error:
        reason = f"cannot be read ({error.strerror or type(error).__name__})"
    except Exception as error:  # a file must not end the monitor, whatever a library says of it
        reason = f"cannot be read ({type(error).__name__})"
    return Reading(sentences, digest, shown(reason)) if _unchanged(path, file) else None


def name_of(key: str) -> str:
    """The name of a file in its folder, as the system knows it."""
    from urllib.parse import unquote_to_bytes

    return os.fsdecode(unquote_to_bytes(key))


def _refuse_bombs(path: Path, most_bytes: int) -> None:
    """Raises SubmissionError for a Parquet file that says it holds far more than its size."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() != ".parquet" or not path.stat().st_size:
        return
    try:
        with pq.ParquetFile(path) as file:
            groups = [file.metadata.row_group(k) for k in range(file.metadata.num_row_groups)]
    except (pa.ArrowException, OSError):
        return  # read_submission says what is wrong with it
    if sum(group.num_rows for group in groups) > MOST_ROWS:
        raise SubmissionError(f"has more than {MOST_ROWS:,} rows")
    if sum(group.total_byte_size for group in groups) > _EXPANSION * most_bytes:
        raise SubmissionError(f"holds more than {_EXPANSION * most_bytes:,} bytes when it is unpacked")


def _unchanged(path: Path, file: File) -> bool:
    try:
        state = path.stat(follow_symlinks=False)
    except OSError:
        return False
    return (state.st_size, state.st_mtime_ns) == (file.size, file.modified)
