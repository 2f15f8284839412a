"""The only way to read or write a table of the study; `quorum.schemas` has its columns.

A table is a Parquet file with a declared schema. Writing validates first, writes under a temporary name in the same
folder, and then renames, so that a reader (or a killed run) never meets half a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from quorum.files import atomically
from quorum.schemas import PARTS, SCHEMAS, WITH_FEATURES
from quorum.schemas.columns import DTYPES, Column


class TableError(ValueError):
    """A table that does not follow its schema, or a file that cannot be read as one; the message names the file."""


def schema(name: str, features: Sequence[str] = ()) -> pa.Schema:
    """The Arrow schema of a table, with unit and meaning as field metadata; features: names of its further columns."""
    meant = (*SCHEMAS[name], *(Column(feature, "float", "", "a feature of the model", True) for feature in features))
    return pa.schema(
        [
            pa.field(c.name, DTYPES[c.dtype], nullable=c.optional, metadata={"unit": c.unit, "meaning": c.meaning})
            for c in meant
        ]
    )


def _features(columns: Sequence[object], name: str) -> list[str]:
    """Of the columns of a table, those that are features; none where the schema is closed."""
    own = {c.name for c in SCHEMAS[name]}
    return [str(c) for c in columns if c not in own] if name in WITH_FEATURES else []


def describe() -> str:
    """All tables and their columns as a Markdown page, in the order of PARTS."""
    lines = [
        "# Tables",
        "",
        "Every table between two rules, and every table of a run, has the columns below; one that has not is refused.",
        "Those under `results/tables/` lie there as Parquet and as CSV. Shares are in 0..1, reductions in percentage",
        "points. A column that may be empty says so; no other may. How numbers are defined: [method.md](method.md).",
        "(This page is made from `scripts/quorum/schemas/` by `make docs/tables.md`; do not edit it.)",
    ]
    for part, described in PARTS.items():
        lines += ["", f"## {part}"]
        for name, columns in described.items():
            lines += ["", f"### {name}", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
            for column in columns:
                dtype = f"{column.dtype}, may be empty" if column.optional else column.dtype
                lines.append(f"| `{column.name}` | {dtype} | {column.unit} | {column.meaning} |")
            if name in WITH_FEATURES:
                lines.append("| every other column | float, may be empty | | a feature of the model |")
    return "\n".join(lines) + "\n"


def validate(frame: pd.DataFrame, name: str) -> pa.Table:
    """The frame as an Arrow table of the named schema, columns in the schema's order.

    Raises TableError that names the table and the column or row at fault.
    """
    features = _features(list(frame.columns), name)
    wanted = [c.name for c in SCHEMAS[name]] + features
    missing = [c for c in wanted if c not in frame.columns]
    unknown = [str(c) for c in frame.columns if c not in wanted]
    if missing or unknown:
        raise TableError(f"table {name}: missing columns {missing}, unknown columns {unknown}")
    for column in SCHEMAS[name]:
        empty = frame[column.name].isna().to_numpy()
        if empty.any() and not column.optional:
            raise TableError(f"table {name}: column {column.name} is empty in row {int(empty.argmax())}")
        # Arrow would read "1" as 1, and pandas give it back as text.
        if column.dtype != "string" and pd.api.types.infer_dtype(frame[column.name], skipna=True) == "string":
            raise TableError(f"table {name}: column {column.name} holds text; it must be {column.dtype}")
    try:
        return pa.Table.from_pandas(frame[wanted], schema=schema(name, features), preserve_index=False, safe=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"table {name}: {error}") from error


def write_table(frame: pd.DataFrame, path: str | Path, name: str) -> None:
    """Validates the frame against the named schema and writes it to `path` as Parquet, atomically."""
    table = validate(frame, name)
    atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def write_csv(frame: pd.DataFrame, path: str | Path, name: str) -> None:
    """Validates the frame against the named schema and writes it to `path` as CSV, atomically."""
    rows = validate(frame, name).to_pandas()
    atomically(path, lambda temporary: rows.to_csv(temporary, index=False, float_format="%.10g"))


def read_table(path: str | Path, name: str, where: Sequence[tuple[str, str, object]] | None = None) -> pd.DataFrame:
    """The Parquet file at `path` as a frame of the named schema; TableError names the file if it is not one.

    where: conditions (column, operator, value) on the rows to read; what cannot meet them is not loaded.
    """
    try:
        table = pq.read_table(path, filters=None if where is None else list(where))
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(
            f"{path}: not a readable Parquet file ({error}). Delete it and run again: it will be made anew."
        ) from error
    expected = schema(name, _features(table.schema.names, name))
    if not table.schema.equals(expected, check_metadata=False):
        found = {f.name: str(f.type) for f in table.schema}
        wanted = {f.name: str(f.type) for f in expected}
        wrong = sorted(set(found.items()) ^ set(wanted.items()))
        raise TableError(f"{path}: does not follow the schema of table {name}; differing columns: {wrong}")
    return table.to_pandas()


def read_if_there(path: str | Path, name: str) -> pd.DataFrame | None:
    """`read_table`, or None where there is no such file."""
    return read_table(path, name) if Path(path).is_file() else None


def publish(frame: pd.DataFrame, parquet: str | Path, csv: str | Path, name: str) -> None:
    """Writes a table of the named schema as Parquet and as CSV."""
    write_table(frame, parquet, name)
    write_csv(frame, csv, name)


def gather(paths: Sequence[str | Path], name: str, conditions: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """The tables of the named schema at `paths` end to end, each with the values of its condition as columns."""
    return pd.concat(
        [read_table(path, name).assign(**values) for path, values in zip(paths, conditions, strict=True)],
        ignore_index=True,
    )
