"""A person's own table, by one entry of the configuration: a wide CSV or Parquet file, and a long series if any."""

from __future__ import annotations

import csv
import io
import logging
import math
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from quorum.minority.landmarks import history
from quorum.minority.population import COLUMNS, from_table

# More different texts in one column are names, ids or notes rather than categories.
MAX_LEVELS = 25
MAX_TESTS = 200
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "NULL", "null"})


class OwnTableError(ValueError):
    """A table of the user's that cannot be taken; the message names file, column and row, and says what to do."""


# ---- reading ---------------------------------------------------------------------------------------------------------


def read_own(path: str | Path) -> pd.DataFrame:
    """The table in a CSV (UTF-8, commas, a header) or Parquet file. A CSV's cells stay text, as they are.

    Raises OwnTableError: another suffix, a file that is absent, empty, damaged or not UTF-8, a row with more or fewer
    fields than the header, a column without name or with the name of another, no rows.
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise OwnTableError(f"{path}: is neither .csv nor .parquet; write it as one of them")
    try:
        table = readers[path.suffix.lower()](path)
    except OSError as error:
        raise OwnTableError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    if not table.num_rows:
        raise OwnTableError(f"{path}: has no rows")
    return table.to_pandas()


def _read_csv(path: Path) -> pa.Table:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise OwnTableError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error
    if not text.strip():
        raise OwnTableError(f"{path}: is empty")
    header = [name.strip() for name in next(csv.reader(io.StringIO(text, newline="")))]
    if len(header) == 1 and ";" in header[0]:
        raise OwnTableError(f"{path}: its columns are separated by semicolons; save it with commas")
    _require_names(path, header)
    try:
        return pa.csv.read_csv(
            io.BytesIO(text.encode()),
            # One thread, so that an error tells the row.
            read_options=pa.csv.ReadOptions(use_threads=False, column_names=header, skip_rows_after_names=1),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
        )
    except pa.ArrowInvalid as error:
        # What follows is the row itself, which need not stand in a log.
        words = str(error).split(": ")
        reason = ": ".join(words[: 1 + max((i for i, w in enumerate(words) if w.startswith("Expected")), default=0)])
        raise OwnTableError(f"{path}: {reason}; put double quotes around a text that has commas") from error


def _read_parquet(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
        table.validate(full=True)
    except pa.ArrowException as error:
        raise OwnTableError(f"{path}: not a readable Parquet file ({error}); write it again") from error
    _require_names(path, table.column_names)
    return table


def _require_names(path: Path, names: list[str]) -> None:
    for place, name in enumerate(names, start=1):
        if not name:
            raise OwnTableError(f"{path}: column {place} has no name; give it one, or delete it")
        if name in names[: place - 1]:
            raise OwnTableError(f"{path}: has two columns {name}; rename one")


# ---- the population --------------------------------------------------------------------------------------------------


def own_population(
    table: pd.DataFrame, entry: Mapping[str, object], series: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The people of the user's own table: a frame of table `population`, rows in the table's order.

    entry: label (column) and positive (its good value; all others are the bad one), group (column) and minority (its
    value; all others are the majority); and if wanted drop (columns), person (column whose values tell persons apart),
    path (for messages), and series: landmark (a number, or a date), and the names of the columns id, time, test and
    value where they have other ones. With a series each row of the table is one person, `person` names the column that
    holds the ids of the series, and the features of `history` are joined to it; ids without a row are left out.

    Values are compared as numbers where they are numbers and as text elsewhere (1, 1.0 and "1" are equal). Features:
    group as 1 (minority) or 0, under its own name; every other column that is not dropped, numbers as they are, text
    with one column of 0 and 1 for each value ("COLUMN=value"; of two values the second alone). Empty cells (and NA,
    N/A, NaN, null) stay NaN. Persons get running numbers in place of their ids.

    Raises OwnTableError (ValueError): an absent column, an empty label, group or person, a value of `positive` or
    `minority` that does not occur (with those that do), text with more than 25 values, dates, infinite numbers, an id
    twice or no id in common with the series, and what `from_table` raises.
    """
    where = str(entry.get("path", "the table"))
    absent = [key for key in ("label", "positive", "group", "minority") if key not in entry]
    if absent:
        raise OwnTableError(f"{where}: its entry in the configuration has no {', '.join(absent)}")
    if table.empty:
        raise OwnTableError(f"{where}: has no rows")
    label, group, person = str(entry["label"]), str(entry["group"]), entry.get("person")
    dropped = [str(name) for name in entry.get("drop") or ()]
    used = [label, group, *([str(person)] if person else [])]
    for name in [*used, *dropped]:
        _require(table, name, where)
    if label == group or {label, group} & set(dropped):
        raise OwnTableError(f"{where}: label and group must be two columns, and neither may be dropped")
    keys = _keys(table, str(person), where) if person else pd.Series(range(len(table)))
    minority = _equals(table, group, entry["minority"], "minority", where)
    features = [pd.DataFrame({group: minority})]
    features += [_coded(table[name], str(name), where) for name in table.columns if name not in {*used, *dropped}]
    if series is not None:
        features.append(_joined(series, keys, entry, where))
    coded = pd.concat(features, axis=1)
    coded = coded.rename(columns={name: f"{name}_" for name in COLUMNS})
    twice = coded.columns[coded.columns.duplicated()]
    if len(twice):
        raise OwnTableError(f"{where}: two features have the name {twice[0]}; rename a column")
    people = pd.DataFrame(
        {"person": anonymous(keys), "label": _equals(table, label, entry["positive"], "positive", where)}
    )
    people["group"] = minority
    frame = pd.concat([people.astype({"label": "int64", "group": "int64"}), coded], axis=1)
    try:
        from_table(frame)
    except ValueError as error:
        raise OwnTableError(f"{where}: {error}") from error
    return frame


def anonymous(ids: pd.Series) -> np.ndarray:
    """Running numbers ("p1", "p2", ...) in place of ids, equal where the ids are, by first occurrence."""
    return np.array([f"p{code + 1}" for code in pd.factorize(ids)[0]], dtype=object)


def _require(table: pd.DataFrame, name: str, where: str) -> None:
    if name not in table.columns:
        columns = [str(c) for c in table.columns]
        near = get_close_matches(name, columns, n=3) or columns[:20]
        raise OwnTableError(f"{where}: has no column {name}; the nearest are {near}")


def _first(rows: pd.Series | np.ndarray) -> int:
    return int(np.asarray(rows).argmax()) + 1


def _texts(column: pd.Series) -> pd.Series:
    """The cells as stripped text, truth values as true and false; None where empty."""
    texts = (
        column.reset_index(drop=True)
        .astype("object")
        .map(lambda cell: None if _is_missing(cell) else str(cell).strip())
    )
    return texts.map({"True": "true", "False": "false"}).where(texts.isin(["True", "False"]), texts)


def _is_missing(cell: object) -> bool:
    if isinstance(cell, str):
        return cell.strip() in MISSING
    return cell is None or cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))


def _numbers(texts: pd.Series) -> pd.Series:
    """The texts as floats; NaN where they are none."""
    return pd.to_numeric(texts, errors="coerce").astype("float64")


def _canonical(texts: pd.Series) -> pd.Series:
    """Texts that are numbers in one spelling: 1, 1.0 and 01 become the same text."""
    # A whole number beyond the digits of a float (a long id) must stay what it is.
    numbers = _numbers(texts).where(lambda found: found.abs() < 2**53)
    return texts.where(numbers.isna(), numbers.map(repr))


def _keys(table: pd.DataFrame, name: str, where: str) -> pd.Series:
    keys = _canonical(_texts(table[name]))
    if keys.isna().any():
        raise OwnTableError(f"{where}: column {name} is empty in row {_first(keys.isna())}")
    return keys


def _equals(table: pd.DataFrame, name: str, value: object, key: str, where: str) -> pd.Series:
    """1.0 where the column has the value, 0.0 elsewhere."""
    found = _keys(table, name, where)
    wanted = _canonical(_texts(pd.Series([value], dtype="object"))).iloc[0]
    equal = found == wanted
    if not equal.any():
        values = found.value_counts().index.tolist()
        quotes = (
            "; put the value in quotes, YAML reads a bare yes or no as true or false" if isinstance(value, bool) else ""
        )
        raise OwnTableError(
            f"{where}: {key} is {value!r}, which column {name} never holds. It holds {values[:10]}"
            f"{f' and {len(values) - 10} more' if len(values) > 10 else ''}{quotes}"
        )
    return equal.astype("float64")


def _coded(column: pd.Series, name: str, where: str) -> pd.DataFrame:
    """One column of the table as columns of floats."""
    column = column.reset_index(drop=True)
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        raise OwnTableError(f"{where}: column {name} holds dates; put it under drop, or turn it into a number")
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers, texts = column.astype("float64"), column
    else:
        texts = _texts(column)
        numbers = _numbers(texts)
    if np.isinf(numbers).any():
        raise OwnTableError(f"{where}: column {name} is infinite in row {_first(np.isinf(numbers))}")
    words = numbers.isna() & texts.notna()
    if not words.any():
        return pd.DataFrame({name: numbers})
    levels = sorted(texts.dropna().unique())
    if len(levels) > MAX_LEVELS:
        # Texts may be names of people: none is repeated here, unless nearly all cells are numbers.
        hint = "If they are names, ids or notes, put it under drop; else turn them into fewer categories"
        if numbers.notna().mean() > 0.5:
            hint = f"Most are numbers, but row {_first(words)} has {texts[words].iloc[0][:40]!r}; empty such cells"
        raise OwnTableError(f"{where}: column {name} has {len(levels)} different texts. {hint}")
    shown = levels[1:] if len(levels) == 2 else levels
    return pd.DataFrame({f"{name}={level}": (texts == level).astype("float64").where(texts.notna()) for level in shown})


def _joined(series: pd.DataFrame, keys: pd.Series, entry: Mapping[str, object], where: str) -> pd.DataFrame:
    """The features of the series, one row for each of the keys."""
    described = entry.get("series")
    if not isinstance(described, Mapping) or "landmark" not in described or not entry.get("person"):
        raise OwnTableError(
            f"{where}: with a series, the entry needs the keys person and series, with a landmark in it"
        )
    source = str(described.get("path", "the series"))
    if keys.duplicated().any():
        raise OwnTableError(
            f"{where}: the {entry['person']} of row {_first(keys.duplicated())} has occurred before; with a series, "
            "each person has one row"
        )
    names = {part: str(described.get(part, part)) for part in ("id", "time", "test", "value")}
    for name in names.values():
        _require(series, name, source)
    long = pd.DataFrame({"id": _keys(series, names["id"], source), "test": _tests(series, names["test"], source)})
    long["time"], at = _times(series[names["time"]], names["time"], described["landmark"], source)
    long["value"] = _measured(series[names["value"]], names["value"], source)
    ours = long["id"].isin(keys)
    if not ours.any():
        raise OwnTableError(f"{source}: no {names['id']} is a {entry['person']} of {where}; check both columns")
    if not ours.all():
        logging.warning("%s: %d rows of people without a row in %s are left out", source, (~ours).sum(), where)
    features = history(long[ours], at)
    if features.empty:
        raise OwnTableError(f"{source}: nothing was measured before the landmark {described['landmark']}")
    joined = features.reindex(keys).reset_index(drop=True)
    return joined.fillna(dict.fromkeys([c for c in joined if c.endswith("_count")], 0.0))


def _tests(series: pd.DataFrame, name: str, source: str) -> pd.Series:
    """The names of the tests as they are written: "NA" can be sodium."""
    tests = series[name].reset_index(drop=True).astype("object").map(lambda cell: str(cell).strip(), na_action="ignore")
    empty = tests.isna() | (tests == "")
    if empty.any():
        raise OwnTableError(f"{source}: column {name} is empty in row {_first(empty)}")
    if tests.nunique() > MAX_TESTS:
        raise OwnTableError(f"{source}: column {name} has {tests.nunique()} tests; at most {MAX_TESTS}")
    return tests


def _measured(column: pd.Series, name: str, source: str) -> pd.Series:
    """Numbers; NaN where empty."""
    texts = _texts(column)
    numbers = _numbers(texts)
    wrong = (numbers.isna() & texts.notna()) | np.isinf(numbers)
    if wrong.any():
        raise OwnTableError(
            f"{source}: column {name} has {texts[wrong].iloc[0][:40]!r} in row {_first(wrong)}, which is no finite "
            "number; correct or empty it"
        )
    return numbers


def _times(column: pd.Series, name: str, landmark: object, source: str) -> tuple[pd.Series, float]:
    """Times and landmark as numbers of one unit: as they are, or days since the landmark if that is a date."""
    if isinstance(landmark, int | float) and not isinstance(landmark, bool):
        times, at, kind = _measured(column, name, source), float(landmark), "number"
    else:
        day = pd.to_datetime(str(landmark), utc=True, errors="coerce")
        if pd.isna(day):
            raise OwnTableError(f"{source}: its landmark {landmark!r} is neither a number nor a date (2024-12-31)")
        dates = pd.to_datetime(_texts(column), utc=True, format="ISO8601", errors="coerce")
        times, at, kind = (dates - day) / pd.Timedelta(days=1), 0.0, "date (2024-12-31 or 2024-12-31 13:45)"
    if times.isna().any():
        raise OwnTableError(f"{source}: column {name} holds no {kind} in row {_first(times.isna())}")
    return times, at
