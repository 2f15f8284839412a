"""Answers as a table, to be published beside the results that they led to, and taken over by others."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from quorum import tables
from quorum.endpoint import answers
from quorum.endpoint.cache import Cache, Kept
from quorum.schemas import SCHEMAS


def exported(cache: Cache, keys: Iterable[bytes]) -> pd.DataFrame:
    """Table answers: those of the keys that the cache holds, whole, in the order of their keys."""
    rows = []
    for kept in cache.kept(keys):
        manner = json.loads(kept.request.partition("\n")[0])
        rows.append(
            {
                "key": kept.key.hex(),
                "server": manner["server"],
                "model": manner["model"],
                "answered_at": datetime.fromtimestamp(kept.answered_at, UTC).isoformat(),
                "request": kept.request,
                "response": kept.response,
            }
        )
    return pd.DataFrame(rows, columns=[column.name for column in SCHEMAS["answers"]])


def import_once(cache: Cache, path: str | Path) -> int:
    """Puts the answers of the Parquet file of table answers into the cache; returns how many were new.

    A file that was imported before is not read again. Raises tables.TableError that names the file and the row: not a
    table of answers, or one whose key is not that of its request, or whose response is no answer. Then nothing is
    imported.
    """
    try:
        sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise tables.TableError(f"{path}: cannot be read ({error}); it is named in endpoint.answers_file") from error
    if cache.has_imported(sha256):
        return 0
    frame = tables.read_table(path, "answers")
    new = cache.store([_kept(row, path) for row in frame.itertuples()])
    cache.note_import(sha256)
    logging.info("%s: %d answers, %d of them new", path, len(frame), new)
    return new


def _kept(row: tuple, path: str | Path) -> Kept:
    key = hashlib.sha256(row.request.encode()).digest()
    if key.hex() != row.key:
        raise tables.TableError(f"{path}: row {row.Index}: the key is not that of the request")
    try:
        mode = json.loads(row.request.partition("\n")[0])["mode"]
        answer = answers.read(row.response, mode)
        answered_at = datetime.fromisoformat(row.answered_at).timestamp()
    except (ValueError, KeyError, TypeError) as error:
        raise tables.TableError(f"{path}: row {row.Index}: not an answer to a request ({error})") from error
    return Kept(key, row.request, row.response, answer, answered_at)
