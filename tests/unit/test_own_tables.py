"""A person's own table: what becomes of every kind of column, and an error that names file, column and row."""

from __future__ import annotations

import datetime as dt
import logging

import numpy as np
import pandas as pd
import pytest

from quorum import tables
from quorum.minority.landmarks import STATISTICS
from quorum.minority.own_tables import OwnTableError, own_population, read_own
from quorum.minority.population import from_table

CSV = """\
patient,recovered,sex,age,ward,smoker,note
Ann,yes,f,61,north,true,x1
Bob,no,m,,south,false,x2
Cleo,no,f,58.5, east ,,x3
Dan,yes,m,70,north,true,x4
"""
ENTRY = {
    "path": "cohort.csv",
    "label": "recovered",
    "positive": "yes",
    "group": "sex",
    "minority": "f",
    "drop": ["note"],
    "person": "patient",
}


@pytest.fixture
def table(tmp_path) -> pd.DataFrame:
    path = tmp_path / "cohort.csv"
    path.write_text(CSV)
    return read_own(path)


def test_every_kind_of_column(table):
    nan = np.nan
    expected = pd.DataFrame(
        {
            "person": ["p1", "p2", "p3", "p4"],
            "label": [1, 0, 0, 1],
            "group": [1, 0, 1, 0],
            "sex": [1.0, 0, 1, 0],
            "age": [61, nan, 58.5, 70],
            "ward=east": [0.0, 0, 1, 0],
            "ward=north": [1.0, 0, 0, 1],
            "ward=south": [0.0, 1, 0, 0],
            "smoker=true": [1, 0, nan, 1],
        }
    )
    found = own_population(table, ENTRY)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    tables.validate(found, "population")
    assert not found.isin(["Ann", "Bob", "Cleo", "Dan"]).any().any()


def test_a_parquet_file_gives_the_same_as_the_csv(table, tmp_path):
    typed = table.assign(
        age=pd.to_numeric(table["age"]),
        smoker=table["smoker"].map({"true": True, "false": False}),
        ward=table["ward"].str.strip().astype("category"),
        recovered=table["recovered"] == "yes",
    )
    typed.to_parquet(tmp_path / "cohort.parquet")
    found = own_population(read_own(tmp_path / "cohort.parquet"), ENTRY | {"positive": True})
    pd.testing.assert_frame_equal(found, own_population(table, ENTRY))


def test_without_ids_each_row_is_a_person(table):
    entry = {key: value for key, value in ENTRY.items() if key != "person"} | {"drop": ["note", "patient"]}
    assert own_population(table, entry)["person"].tolist() == ["p1", "p2", "p3", "p4"]


def test_a_person_may_have_several_rows(table):
    again = pd.concat([table, table.iloc[:1]], ignore_index=True)
    assert own_population(again, ENTRY)["person"].tolist() == ["p1", "p2", "p3", "p4", "p1"]


@pytest.mark.parametrize("positive", [1, 1.0, "1", "01", np.int64(1)])
@pytest.mark.parametrize("codes", [[1, 2, 2, 1], ["1", "2", "2", "1"], [1.0, 2.0, 2.0, 1.0], ["1.0", "2", " 2 ", "01"]])
def test_numbers_are_compared_as_numbers(table, positive, codes):
    found = own_population(table.assign(recovered=codes), ENTRY | {"positive": positive})
    assert found["label"].tolist() == [1, 0, 0, 1]


def test_long_ids_that_differ_in_the_last_digit_are_two_people(table):
    ids = ["9007199254740993", "9007199254740992", "9007199254740994", "9007199254740995"]
    assert own_population(table.assign(patient=ids), ENTRY)["person"].nunique() == 4


def test_columns_with_the_names_of_the_schema_are_features_under_another(table):
    renamed = table.rename(columns={"sex": "group", "age": "label", "ward": "person"})
    found = own_population(renamed, ENTRY | {"group": "group"})
    assert list(found.columns[:5]) == ["person", "label", "group", "group_", "label_"]
    tables.validate(found, "population")


def change(**columns):
    return lambda table: table.assign(**columns)


@pytest.mark.parametrize(
    ("change_table", "change_entry", "message"),
    [
        (change(), {"label": "recoverd"}, r"cohort.csv: has no column recoverd; the nearest are \['recovered'\]"),
        (change(), {"group": "gender"}, r"has no column gender; the nearest are \['patient', 'recovered', 'sex'"),
        (change(), {"drop": ["nota"]}, "has no column nota"),
        (change(), {"person": "id"}, "has no column id"),
        (change(), {"positive": "good"}, r"positive is 'good', which column recovered never holds. It holds \['"),
        (change(), {"positive": True}, "YAML reads a bare yes"),
        (change(), {"minority": 2}, r"minority is 2, which column sex never holds. It holds \['f', 'm'\]$"),
        (change(), {"group": "recovered"}, "must be two columns"),
        (change(), {"drop": ["sex"]}, "neither may be dropped"),
        (change(recovered=["yes", "no", "", "no"]), {}, "cohort.csv: column recovered is empty in row 3"),
        (change(sex=["f", "m", None, "m"]), {}, "cohort.csv: column sex is empty in row 3"),
        (change(patient=["a", "NA", "c", "d"]), {}, "cohort.csv: column patient is empty in row 2"),
        (change(age=["1", "2", "inf", "3"]), {}, "column age is infinite in row 3"),
        (change(age=pd.to_datetime(["2024-01-01"] * 4)), {}, "column age holds dates"),
        (change(recovered=["yes", "no", "yes", "no"]), {}, r"everybody in the majority \(group 0\) has label 0"),
        (lambda t: t.iloc[:0], {}, "cohort.csv: has no rows"),
        (lambda t: t.assign(**{"ward=east": "1"}), {}, "two features have the name ward=east"),
    ],
)
def test_errors_name_file_column_and_row(table, change_table, change_entry, message):
    with pytest.raises(OwnTableError, match=message):
        own_population(change_table(table), ENTRY | change_entry)


def test_an_entry_without_its_keys(table):
    with pytest.raises(OwnTableError, match="has no positive, minority"):
        own_population(table, {"label": "recovered", "group": "sex"})


def test_many_values_are_counted_and_not_told():
    wide = pd.DataFrame(
        {"y": [0, 1] * 30, "g": ["a"] * 30 + ["b"] * 30, "who": [f"Name{n} Surname" for n in range(60)]}
    )
    entry = {"label": "y", "positive": 1, "group": "g", "minority": "a"}
    with pytest.raises(OwnTableError, match=r"column who has 60 different texts.*put it under drop") as caught:
        own_population(wide, entry)
    assert "Surname" not in str(caught.value)
    assert own_population(wide, entry | {"drop": ["who"]}).shape == (60, 4)
    with pytest.raises(OwnTableError, match="and 50 more"):
        own_population(wide.drop(columns="who").assign(g=range(60)), entry | {"minority": 99})
    nearly = wide.assign(who=[*map(str, range(59)), "<5"])
    with pytest.raises(OwnTableError, match="row 60 has '<5'"):
        own_population(nearly, entry)


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "own.csv: is empty"),
        (b" \n\n", "own.csv: is empty"),
        (b"a,b\n", "own.csv: has no rows"),
        (b"a,b\n1,2\n3,\xe9\n", "own.csv, line 3: byte 0xe9 is not UTF-8"),
        (b"a,b\n1,2\n3,4,5\n", r"own.csv: .*#3: Expected 2 columns, got 3; put double quotes"),
        (b"a,b\n1,2\n3\n", r"own.csv: .*Expected 2 columns, got 1; put double quotes"),
        (b"a;b\n1;2\n", "separated by semicolons"),
        (b",b\n1,2\n", "column 1 has no name"),
        (b"a,b,a\n1,2,3\n", "two columns a"),
    ],
)
def test_a_bad_csv_is_named(tmp_path, content, message):
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    with pytest.raises(OwnTableError, match=message) as caught:
        read_own(path)
    assert str(path) in str(caught.value)


def test_a_csv_as_spreadsheets_write_it(tmp_path):
    path = tmp_path / "own.CSV"
    path.write_bytes('\ufeffname, x\r\n"Müller, A\r\nB",1\r\n"say ""x""",\r\n'.encode())
    found = read_own(path)
    assert found.to_dict("list") == {"name": ["Müller, A\r\nB", 'say "x"'], "x": ["1", ""]}


def test_other_files(tmp_path):
    with pytest.raises(OwnTableError, match=r"neither \.csv nor \.parquet"):
        read_own(tmp_path / "own.xlsx")
    with pytest.raises(OwnTableError, match=r"own.csv: cannot be read \(No such file"):
        read_own(tmp_path / "own.csv")
    (tmp_path / "own.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(OwnTableError, match=r"own\.parquet: not a readable Parquet file"):
        read_own(tmp_path / "own.parquet")
    pd.DataFrame({"a": []}).to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(OwnTableError, match="has no rows"):
        read_own(tmp_path / "empty.parquet")


# ---- series ----------------------------------------------------------------------------------------------------------

LONG = pd.DataFrame(
    {
        "pid": ["Ann", "Ann", "Ann", "Bob", "Dan", "Eve"],
        "hour": ["1", "3", "24", "0.5", "30", "1"],
        "lab": ["k", "k", "k", "k", "NA", "k"],
        "result": ["4", "5", "99", "", "140", "3"],
    }
)
WITH_SERIES = ENTRY | {
    "series": {"path": "labs.csv", "id": "pid", "time": "hour", "test": "lab", "value": "result", "landmark": 24}
}


def test_a_series_is_summarised_before_the_landmark(table, caplog):
    with caplog.at_level(logging.WARNING):
        found = own_population(table, WITH_SERIES, LONG)
    nan = np.nan
    pd.testing.assert_frame_equal(found.iloc[:, :9], own_population(table, ENTRY))
    assert list(found.columns[9:]) == [f"k_{name}" for name in STATISTICS]
    np.testing.assert_array_equal(found["k_last"], [5, nan, nan, nan])
    np.testing.assert_array_equal(found["k_slope"], [0.5, nan, nan, nan])
    np.testing.assert_array_equal(found["k_count"], [2, 0, 0, 0])
    assert "1 rows of people without a row" in caplog.text
    assert "Eve" not in caplog.text


@pytest.mark.parametrize("landmark", ["2024-01-02", dt.date(2024, 1, 2), dt.datetime(2024, 1, 2)])
def test_dates_are_days(table, landmark):
    entry = WITH_SERIES | {"series": WITH_SERIES["series"] | {"landmark": landmark}}
    times = ["2024-01-01 00:00", "2024-01-01T12:00:00Z", "2024-01-02", "2023-12-31", "2024-01-05", "2024-01-01"]
    found = own_population(table, entry, LONG.assign(hour=times))
    np.testing.assert_allclose(found["k_slope"], [2, np.nan, np.nan, np.nan])
    assert found["k_count"].tolist() == [2, 0, 0, 0]


def test_sodium_is_no_missing_test(table):
    found = own_population(table, WITH_SERIES, LONG.assign(lab="Na"))
    assert found["Na_count"].tolist() == [2, 0, 0, 0]


def test_ids_meet_whatever_their_type(table):
    wide = table.assign(patient=[1, 2, 3, 4])
    long = LONG.assign(pid=["1", "1.0", "01", "2", "4", "9"])
    assert own_population(wide, WITH_SERIES, long)["k_count"].tolist() == [2, 0, 0, 0]


def in_series(**keys):
    return {"series": WITH_SERIES["series"] | keys}


@pytest.mark.parametrize(
    ("change_table", "change_series", "change_entry", "message"),
    [
        (change(patient=["a", "b", "a", "c"]), change(), {}, "cohort.csv: the patient of row 3 has occurred before"),
        (change(), change(), {"series": None}, "needs the keys person and series"),
        (change(), change(), {"person": None, "drop": ["patient", "note"]}, "needs the keys person and series"),
        (change(), change(), in_series(time="hours"), r"labs.csv: has no column hours; the nearest are \['hour'\]"),
        (change(), change(pid="Zoe"), {}, "labs.csv: no pid is a patient of cohort.csv"),
        (change(), change(hour=["1", "2", "", "4", "5", "6"]), {}, "labs.csv: column hour holds no number in row 3"),
        (change(), change(hour=["1", "x", "3", "4", "5", "6"]), {}, "labs.csv: column hour has 'x' in row 2"),
        (change(), change(), in_series(landmark="2024-01-02"), "labs.csv: column hour holds no date .* in row"),
        (change(), change(), in_series(landmark="soon"), "landmark 'soon' is neither a number nor a date"),
        (change(), change(), in_series(landmark=True), "landmark True is neither"),
        (change(), change(), in_series(landmark=0), "nothing was measured before the landmark 0"),
        (change(), change(result=["4", "<5", "1", "1", "1", "1"]), {}, "labs.csv: column result has '<5' in row 2"),
        (change(), change(result=["4", "inf", "1", "1", "1", "1"]), {}, "labs.csv: column result has 'inf' in row 2"),
        (change(), change(lab=["k", " ", "k", "k", "k", "k"]), {}, "labs.csv: column lab is empty in row 2"),
        (change(k_last=[1, 2, 3, 4]), change(), {}, "two features have the name k_last"),
    ],
)
def test_errors_of_a_series(table, change_table, change_series, change_entry, message):
    with pytest.raises(OwnTableError, match=message):
        own_population(change_table(table), WITH_SERIES | change_entry, change_series(LONG))


def test_notes_in_place_of_tests_are_refused(table):
    long = pd.DataFrame({"pid": "Ann", "hour": 1, "lab": [f"t{n}" for n in range(201)], "result": 1})
    with pytest.raises(OwnTableError, match="column lab has 201 tests; at most 200"):
        own_population(table, WITH_SERIES, long)


def test_a_generated_cohort_is_ready_for_the_study(tmp_path):
    """As a user would have it: a CSV of patients, and a Parquet of thousands of measurements."""
    random = np.random.default_rng(4)
    wide = pd.DataFrame({"id": range(200), "died": random.integers(0, 2, 200), "sex": random.choice(["f", "m"], 200)})
    long = pd.DataFrame({"id": random.integers(0, 200, 5000), "time": random.uniform(0, 72, 5000)})
    long["test"], long["value"] = random.choice(["map", "spo2"], 5000), random.normal(80, 9, 5000)
    wide.to_csv(tmp_path / "wide.csv", index=False)
    long.to_parquet(tmp_path / "long.parquet")
    entry = {
        "label": "died",
        "positive": 0,
        "group": "sex",
        "minority": "f",
        "person": "id",
        "series": {"landmark": 48},
    }
    found = own_population(read_own(tmp_path / "wide.csv"), entry, read_own(tmp_path / "long.parquet"))
    assert from_table(found).features.shape == (200, 13)
    counts = long[long["time"] < 48].groupby("id").size().reindex(range(200), fill_value=0)
    assert (found["map_count"] + found["spo2_count"]).tolist() == counts.tolist()
