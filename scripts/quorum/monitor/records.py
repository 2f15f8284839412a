"""What the monitor has seen so far, on disk: each file is judged once, and a restart goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from quorum import tables
from quorum.contributions import shown
from quorum.files import atomically
from quorum.monitor.arrivals import File, Reading, name_of
from quorum.monitor.judging import ACCEPTED, FILTERED, INVALID


class RecordsError(ValueError):
    """Records that are of another campaign or firm; the message says what to do."""


@dataclass(frozen=True)
class Seen:
    """files: table monitor_files, a row for every file that was judged or set aside, in that order. verdicts: table
    monitor_verdicts of the judged ones, file after file."""

    files: pd.DataFrame
    verdicts: pd.DataFrame


def empty(name: str) -> pd.DataFrame:
    """A frame of the named table without rows."""
    return tables.schema(name).empty_table().to_pandas()


def resume(folder: Path, setup: Mapping[str, Any]) -> Seen:
    """What is recorded in the folder; nothing if it is new.

    setup: what the verdicts depend on, kept there as JSON. Raises RecordsError if they were made with another one.
    """
    kept, path = folder / "setup.json", folder / "files.parquet"
    if not path.exists():
        atomically(kept, lambda temporary: temporary.write_text(json.dumps(setup, indent=1), encoding="utf-8"))
        return Seen(empty("monitor_files"), empty("monitor_verdicts"))
    before = json.loads(kept.read_text(encoding="utf-8"))
    if before != json.loads(json.dumps(setup)):
        changed = sorted(key for key in {*before, *setup} if before.get(key) != setup.get(key))
        raise RecordsError(
            f"{folder}: what is recorded there was judged with another {', '.join(changed)}. "
            "Move the folder away to judge all files anew, or go back to the configuration of before"
        )
    files = tables.read_table(path, "monitor_files")
    parts = [
        tables.read_table(_part(folder, number), "monitor_verdicts") for number in files["number"][files["judged"]]
    ]
    return Seen(files, pd.concat([empty("monitor_verdicts"), *parts], ignore_index=True))


def keep(folder: Path, seen: Seen, file: File, reading: Reading, verdicts: pd.DataFrame | None, when: str) -> Seen:
    """What is seen with one more file, written to the folder before it counts.

    verdicts: on its sentences; None if it is set aside, for the reason of the reading. A kill between the two files
    that are written leaves a part that nobody counts, and that is written over.
    """
    number = len(seen.files) + 1
    stages = [] if verdicts is None else verdicts["stage"].tolist()
    row = {
        "number": number,
        "key": file.key,
        "file": shown(name_of(file.key)),
        "size": file.size,
        "modified": file.modified,
        "sha256": reading.sha256,
        "seen_at": when,
        "judged": verdicts is not None,
        "sentences": len(stages),
        **{stage: stages.count(stage) for stage in (ACCEPTED, INVALID, FILTERED)},
        "reason": reading.reason,
    }
    files = pd.concat([seen.files, pd.DataFrame([row])], ignore_index=True)
    if verdicts is not None:
        tables.write_table(verdicts, _part(folder, number), "monitor_verdicts")
    tables.write_table(files, folder / "files.parquet", "monitor_files")
    added = [] if verdicts is None else [verdicts]
    return Seen(files, pd.concat([seen.verdicts, *added], ignore_index=True))


def _part(folder: Path, number: int) -> Path:
    return folder / "judged" / f"{number:06d}.parquet"
