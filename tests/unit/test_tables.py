"""Tables: what the schemas promise, and that nobody ever meets half a file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from quorum import tables
from quorum.schemas import SCHEMAS
from quorum.schemas.columns import DTYPES
from quorum.tables import TableError

VALUES = {
    "string": st.text(st.characters(codec="utf-8"), max_size=20),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False),
    "bool": st.booleans(),
}
PANDAS = {"string": "str", "int": "int64", "float": "float64", "bool": "bool"}


def example(name: str) -> pd.DataFrame:
    """Two rows that follow the schema of a table."""
    values = {"string": ["a", "b"], "int": [1, 2], "float": [0.1, 0.25], "bool": [True, False]}
    return pd.DataFrame({c.name: values[c.dtype] for c in SCHEMAS[name]})


def everything_in(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_complete(name):
    columns = SCHEMAS[name]
    assert len({c.name for c in columns}) == len(columns)
    for column in columns:
        assert column.dtype in DTYPES and column.name.isidentifier() and column.meaning
        field = tables.schema(name).field(column.name)
        assert field.nullable is column.optional
        assert field.metadata == {b"unit": column.unit.encode(), b"meaning": column.meaning.encode()}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_table_comes_back_as_it_was_written(name, tmp_path):
    frame = example(name)
    path = tmp_path / "new" / "folder" / f"{name}.parquet"
    tables.write_table(frame, path, name)
    pd.testing.assert_frame_equal(tables.read_table(path, name), frame, check_dtype=False)
    assert everything_in(path.parent) == [path.name]


def columns_of(name: str):
    return st.integers(0, 4).flatmap(
        lambda size: st.fixed_dictionaries(
            {
                c.name: st.lists(
                    VALUES[c.dtype] | (st.none() if c.optional else st.nothing()), min_size=size, max_size=size
                )
                for c in SCHEMAS[name]
            }
        )
    )


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(columns_of("baseline_bias"))
def test_any_value_of_the_right_kind_comes_back(tmp_path, columns):
    name = "baseline_bias"
    kinds = {c.name: PANDAS[c.dtype] for c in SCHEMAS[name]}
    frame = pd.DataFrame({key: pd.Series(columns[key], dtype=kind) for key, kind in kinds.items()})
    tables.write_table(frame, tmp_path / "t.parquet", name)
    pd.testing.assert_frame_equal(tables.read_table(tmp_path / "t.parquet", name), frame, check_dtype=False)


def test_columns_are_put_in_order_and_the_same_rows_give_the_same_bytes(tmp_path):
    frame = example("utility_scores")
    tables.write_table(frame, tmp_path / "a.parquet", "utility_scores")
    tables.write_table(frame[frame.columns[::-1]], tmp_path / "b.parquet", "utility_scores")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="value"), r"missing columns \['value'\]"),
        (lambda f: f.assign(extra=1), r"unknown columns \['extra'\]"),
        (lambda f: f.rename(columns={"value": 7}), r"missing columns \['value'\], unknown columns \['7'\]"),
        (lambda f: f.assign(value=[0.5, np.nan]), "column value is empty in row 1"),
        (lambda f: f.assign(metric=[None, "a"]), "column metric is empty in row 0"),
        (lambda f: f.assign(value=["high", "low"]), "column value holds text"),
        (lambda f: f.assign(n_items=["1", "2"]), "column n_items holds text"),
        (lambda f: f.assign(value=np.array(["0.5", None], dtype=object)), "column value is empty in row 1"),
        (lambda f: f.assign(n_items=[1.5, 2.0]), "table utility_scores: "),
        (lambda f: f.assign(metric=[1, 2]), "table utility_scores: "),
    ],
)
def test_a_frame_that_does_not_follow_its_schema_is_not_written(tmp_path, change, words):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"from before")
    for write in (tables.write_table, tables.write_csv):
        with pytest.raises(TableError, match=words):
            write(change(example("utility_scores")), path, "utility_scores")
    assert path.read_bytes() == b"from before"
    assert everything_in(tmp_path) == ["t.parquet"]


def test_an_optional_column_may_be_empty(tmp_path):
    frame = example("costs").assign(max_rss_mb=[np.nan, 10.0])
    tables.write_table(frame, tmp_path / "t.parquet", "costs")
    assert tables.read_table(tmp_path / "t.parquet", "costs")["max_rss_mb"].isna().tolist() == [True, False]


def test_csv_keeps_ten_digits(tmp_path):
    frame = example("utility_scores").assign(value=[1 / 3, 1e-7])
    tables.write_csv(frame, tmp_path / "t.csv", "utility_scores")
    text = (tmp_path / "t.csv").read_text()
    assert text == "metric,value,n_items\na,0.3333333333,1\nb,1e-07,2\n"
    assert everything_in(tmp_path) == ["t.csv"]


def test_rows_can_be_chosen_before_they_are_read(tmp_path):
    frame = example("shared_wordings").assign(wording=[2, 2**62])
    tables.write_table(frame, tmp_path / "t.parquet", "shared_wordings")
    large = [("wording", ">=", 3), ("wording", "<", 2**63 - 1)]
    assert tables.read_table(tmp_path / "t.parquet", "shared_wordings", large)["wording"].tolist() == [2**62]
    assert len(tables.read_table(tmp_path / "t.parquet", "shared_wordings", [("wording", "<", 0)])) == 0


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_file_is_named_with_what_to_do(tmp_path, keep):
    path = tmp_path / "cut.parquet"
    tables.write_table(example("audit"), path, "audit")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TableError, match=r"cut\.parquet: not a readable Parquet file .*Delete it and run again"):
        tables.read_table(path, "audit")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TableError, match=r"absent\.parquet"):
        tables.read_table(tmp_path / "absent.parquet", "audit")


def test_a_file_of_another_table_is_told_apart(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write_table(example("texts"), path, "texts")
    with pytest.raises(TableError, match=r"t\.parquet: does not follow the schema of table questions.*answer"):
        tables.read_table(path, "questions")


def test_a_column_of_another_type_is_told(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"metric": ["a"], "value": [1.0], "n_items": ["1"]}), path)
    with pytest.raises(TableError, match="n_items"):
        tables.read_table(path, "utility_scores")
