"""One table in the three forms in which people read data: Parquet, CSV and JSON lines."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa

from quorum import tables
from quorum.files import atomically

FORMS = ("parquet", "csv", "jsonl")


def write(frame: pd.DataFrame, name: str, parquet: str | Path, csv: str | Path, jsonl: str | Path) -> None:
    """Writes a table of the named schema to three files, which hold the same whatever its texts do.

    Any text survives in Parquet and JSON lines, and in CSV any without a NUL, which readers of CSV do not agree on.
    Raises TableError for a frame that does not follow its schema.
    """
    rows = tables.validate(frame, name)
    tables.write_table(frame, parquet, name)
    atomically(csv, lambda path: _write_csv(rows, path))
    atomically(jsonl, lambda path: path.write_text(_lines(rows), encoding="ascii"))


def _write_csv(rows: pa.Table, path: Path) -> None:
    # Python quotes a carriage return only where it ends lines, and readers end a line at one all the same.
    rows.to_pandas().to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", float_format="%.10g")


def _lines(rows: pa.Table) -> str:
    # ASCII, since some readers end a line at a few of the others, such as U+2028.
    return "".join(json.dumps(row) + "\n" for row in rows.to_pylist())
