"""The known data sets: small sources of the same shape, worked by hand; and the real ones, where they are retrieved."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quorum import retrieval, tables
from quorum.minority.cohorts import COHORTS
from quorum.minority.population import from_table

RESOURCES = Path(__file__).parents[2] / "resources"
PEOPLE = RESOURCES / "retrieved" / "people"


def csv(frame: pd.DataFrame, zipped: bool = False) -> bytes:
    content = frame.to_csv(index=False).encode()
    if not zipped:
        return content
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("x.csv", content)
    return archive.getvalue()


def pickled(frame: pd.DataFrame, compression: str | None) -> bytes:
    content = io.BytesIO()
    frame.to_pickle(content, compression=compression)
    return content.getvalue()


def check(dataset: str, members: dict[str, bytes], **expected: list) -> pd.DataFrame:
    """The table of the data set, whose columns must be as expected."""
    found = COHORTS[dataset].build(members)
    tables.validate(found, "population")
    for column, values in expected.items():
        np.testing.assert_array_equal(found[column], values, err_msg=column)
    return found


# ---- COMPAS ----------------------------------------------------------------------------------------------------------


def compas_members() -> dict[str, bytes]:
    black, white, other = "African-American", "Caucasian", "Hispanic"
    rows = [  # race, sex, degree, days, is_recid, score, recid
        (black, "Male", "F", 0, 1, "High", 1),
        (black, "Female", "M", 30, 0, "Low", 0),
        (white, "Male", "M", -30, 0, "Low", 0),
        (white, "Female", "F", -1, 1, "Low", 1),
        (other, "Male", "F", 0, 0, "Low", 0),
        (black, "Male", "F", 31, 0, "Low", 0),
        (black, "Male", "F", -31, 0, "Low", 0),
        (black, "Male", "F", None, 0, "Low", 0),
        (white, "Male", "F", 0, -1, "Low", 0),
        (white, "Male", "O", 0, 0, "Low", 0),
        (white, "Male", "F", 0, 0, "N/A", 0),
    ]
    columns = ["race", "sex", "c_charge_degree", "days_b_screening_arrest", "is_recid", "score_text", "two_year_recid"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(0, "id", range(101, 112))
    for column in ("name", "first", "last", "dob"):
        frame[column] = "Jane Roe 1990-02-03"
    for place, column in enumerate(["age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count"]):
        frame[column] = range(place, place + 11)
    # The source has a column twice; the first one counts.
    frame.insert(len(frame.columns), "priors_count", -1, allow_duplicates=True)
    return {"compas": csv(frame)}


def test_compas_keeps_the_standard_filter_and_two_races():
    found = check(
        "compas",
        compas_members(),
        person=["p1", "p2", "p3", "p4"],
        label=[0, 1, 1, 0],
        group=[1, 1, 0, 0],
        african_american=[1, 1, 0, 0],
        female=[0, 1, 0, 1],
        felony=[1, 0, 0, 1],
        age=[0, 1, 2, 3],
        priors_count=[4, 5, 6, 7],
    )
    assert found.shape == (4, 11)


def test_compas_the_other_way_round_is_the_same_people():
    there, back = (COHORTS[name].build(compas_members()) for name in ("compas", "compas_swapped"))
    assert back["label"].tolist() == (1 - there["label"]).tolist()
    assert back["group"].tolist() == back["caucasian"].tolist() == (1 - there["group"]).tolist()
    same = [c for c in there if c not in ("label", "group", "african_american")]
    pd.testing.assert_frame_equal(there[same], back[same])


def test_names_birthdays_and_ids_of_compas_are_nowhere(tmp_path):
    for name in ("compas", "compas_swapped"):
        found = COHORTS[name].build(compas_members())
        tables.write_table(found, tmp_path / "people.parquet", "population")
        text = tables.read_table(tmp_path / "people.parquet", "population").to_csv()
        for secret in ("Jane", "Roe", "1990", "101", "104"):
            assert secret not in text


# ---- the others ------------------------------------------------------------------------------------------------------


def test_adult():
    frame = pd.DataFrame(
        {
            "age": [37, 50, 28],
            "fnlwgt": [1, 2, 3],
            "education-num": [10, 13, 9],
            "education_Bachelors": [0, 1, 0],
            "occupation_Sales": [1, 0, 0],
            "sex_Female": [0, 1, 1],
            "sex_Male": [1, 0, 0],
            "native-country_Cuba": [0, 1, 0],
            "native-country_United-States": [1, 0, 1],
            "salary_<=50K": [1, 0, 1],
            "salary_>50K": [0, 1, 0],
        }
    )
    found = check("adult", {"adult": csv(frame, zipped=True)}, label=[0, 1, 0], group=[0, 1, 1], age=[37, 50, 28])
    features = ["age", "education-num", "occupation_Sales", "native-country_United-States", "female"]
    assert list(found.columns[3:]) == features


def test_law_keeps_two_races():
    frame = pd.DataFrame(
        {
            "LSAT": [30, 40, 35],
            "UGPA": [3, 2, 4],
            "ZFYA": [0.1, -0.2, 1],
            "Race_Asian": [0, 1, 0],
            "Race_Black": [1, 0, 0],
            "Race_White": [0, 0, 1],
            "Sex_1": [1, 1, 0],
            "Sex_2": [0, 0, 1],
            "PF_0": [1, 0, 0],
            "PF_1": [0, 1, 1],
        }
    )
    found = check("law", {"law": csv(frame, zipped=True)}, label=[0, 1], group=[1, 0], black=[1, 0], LSAT=[30, 35])
    assert list(found.columns[3:]) == ["LSAT", "UGPA", "ZFYA", "Sex_2", "black"]


def test_credit():
    frame = pd.DataFrame(
        {
            "ID": [901, 902, 903],
            "LIMIT_BAL": [1.0, 2, 3],
            "SEX": [1, 0, 0],
            "default-payment-next-month": [1, 0, 1],
            "EDUCATION_1": [0, 1, 0],
        }
    )
    found = check("credit", {"credit": csv(frame)}, person=["p1", "p2", "p3"], label=[0, 1, 0], group=[0, 1, 1])
    assert list(found.columns[3:]) == ["LIMIT_BAL", "EDUCATION_1", "male"]


def test_health_is_by_member_and_knows_nothing_of_the_label():
    frame = pd.DataFrame(
        {
            "MemberID_t": [7001, 8001, 7001],
            "YEAR_t": ["Y1", "Y3", "Y2"],
            "trainset": [1, 0, 1],
            "age_55": [0, 1, 0],
            "age_65": [0, 0, 0],
            "age_75": [1, 0, 1],
            "age_85": [0, 0, 0],
            "age_MISS": [0, 0, 0],
            "sexMALE": [1, 0, 1],
            "sexFEMALE": [0, 1, 0],
            "sexMISS": [0, 0, 0],
            "CharlsonIndexI_max": [2, 0, 0],
            "CharlsonIndexI_ave": [1.5, 0, 0],
            "pcg1": [4, 5, 6],
            "Charlson>0": [1, 0, 0],
        }
    )
    found = check(
        "health",
        {"health": csv(frame, zipped=True)},
        person=["p1", "p2", "p1"],
        label=[0, 1, 1],
        group=[1, 0, 1],
        year=[1, 3, 2],
    )
    assert list(found.columns[3:]) == ["sexMALE", "pcg1", "year", "age_60_plus"]


def test_nafld_looks_back_from_the_landmark_and_leaves_copies_out():
    people = pd.DataFrame(
        {
            "rownames": range(5),
            "id": [11, 12, 13, 14, 15],
            "age": [50, 60, 70, 80, 90],
            "male": [1, 0, 1, 0, 1],
            "weight": [80, None, 70, 70, 70],
            "height": 170.0,
            "bmi": 25.0,
            "case.id": 1.0,
            "futime": [800, 4000, 300, 4000, 1000],
            "status": [1, 0, 1, 0, 0],
        }
    )
    series = pd.DataFrame(
        [
            (11, -20, "hdl", 40.0),
            (11, 100, "hdl", 52.0),
            (11, 400, "hdl", 999.0),  # after the landmark
            (11, 100, "chol", 52.0),
            (12, 0, "sbp", 120.0),
            (12, 5, "sbp", 13682.0),  # no blood pressure
            (12, 0, "dbp", 120.0),
            (13, 0, "hdl", 50.0),  # died before the landmark
            (14, 500, "hdl", 50.0),  # nothing before the landmark
            (15, 0, "hdl", 50.0),  # lost within the horizon
        ],
        columns=["id", "days", "test", "value"],
    )
    found = check(
        "nafld",
        {"nafld1": pickled(people, "xz"), "nafld2": pickled(series, "xz")},
        person=["p1", "p2"],
        label=[0, 1],
        group=[1, 0],
        male=[1, 0],
        weight=[80, np.nan],
        hdl_last=[52, np.nan],
        hdl_slope=[0.1, np.nan],
        hdl_count=[2, 0],
        sbp_max=[np.nan, 120],
    )
    assert not [c for c in found if c.startswith(("chol", "dbp", "case", "futime", "rownames"))]


def rhc_source() -> dict[str, bytes]:
    frame = pd.DataFrame(
        {
            "pid": [31, 32, 33, 34, 35, 36],
            "event": [1, 1, 0, 0, 0, 1],
            "time": [180, 181, 180, 179, 200, 5],
            "num_age": [50.0, 60, 70, 80, 90, 40],
            "num_surv2md1": 0.5,
            "num_urin1": [None, 1.0, 2, 3, 4, 5],
            "fac_amihx": pd.Categorical([0, 1, 0, 0, 1, 0]),
            "fac_ca": pd.Categorical(["No", "Yes", "Metastatic", "No", "No", "No"]),
            "fac_sex": pd.Categorical(["Male", "Female", "Male", "Male", "Male", "Male"]),
            "fac_income": pd.Categorical(["Under $11k", "> $50k", "$25-$50k", "Under $11k", "$11-$25k", "Under $11k"]),
            "fac_race": pd.Categorical(["black", "white", "black", "white", "other", "white"]),
        }
    )
    return {"rhc": pickled(frame, None)}


def test_rhc_is_by_race_and_knows_no_forecast():
    found = check(
        "rhc",
        rhc_source(),
        person=["p1", "p2", "p3", "p4"],
        label=[
            0,
            1,
            1,
            0,
        ],  # died on day 180, on day 181, seen on day 180, died on day 5; lost on day 179: nobody knows
        group=[1, 0, 1, 0],
        black=[1, 0, 1, 0],
        urin1=[np.nan, 1, 2, 5],
        amihx=[0, 1, 0, 0],
        income=[0, 3, 2, 0],
    )
    expected = {"age", "urin1", "amihx", "ca=Metastatic", "ca=No", "ca=Yes", "sex=Male", "income", "black"}
    assert set(found.columns[3:]) == expected


def test_rhc_by_income_keeps_every_race():
    found = check(
        "rhc_income", rhc_source(), label=[0, 1, 1, 1, 0], group=[1, 0, 0, 0, 1], income_under_11k=[1, 0, 0, 0, 1]
    )
    assert {"race=black", "race=other", "race=white"} < set(found.columns)
    assert not {"income", "race"} & set(found.columns)


# ---- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", COHORTS)
def test_every_cohort_is_pinned_and_described(dataset):
    cohort = COHORTS[dataset]
    assert cohort.pin in retrieval.read_pins(RESOURCES / "retrieval.yaml")
    assert cohort.minority and cohort.good_label
    assert f"\n## {dataset}" in (RESOURCES.parent / "docs" / "people.md").read_text(encoding="utf-8")


# rows, people, share of the minority, good labels in the minority and in the majority: docs/people.md
REAL = {
    "compas": (5278, 5278, 0.602, 0.477, 0.609),
    "compas_swapped": (5278, 5278, 0.398, 0.391, 0.523),
    "adult": (45222, 45222, 0.325, 0.114, 0.312),
    "law": (19567, 19567, 0.066, 0.618, 0.920),
    "credit": (30000, 30000, 0.396, 0.758, 0.792),
    "health": (171067, 92671, 0.363, 0.426, 0.831),
    "nafld": (7649, 7649, 0.444, 0.909, 0.935),
    "rhc": (5241, 5241, 0.171, 0.498, 0.495),
    "rhc_income": (5591, 5591, 0.559, 0.470, 0.525),
}


@pytest.mark.parametrize("dataset", COHORTS)
def test_the_real_people_are_as_documented(dataset):
    path = PEOPLE / f"{dataset}.parquet"
    if not path.exists():
        pytest.skip(f"no {path}; `snakemake resources/retrieved/people/{dataset}.parquet` retrieves it")
    population = from_table(tables.read_table(path, "population"))
    minority = population.group == 1
    rates = [minority.mean(), population.label[minority].mean(), population.label[~minority].mean()]
    assert (len(minority), len(set(population.person))) == REAL[dataset][:2]
    np.testing.assert_allclose(rates, REAL[dataset][2:], atol=5e-4)
    # The model must be able to see the sensitive attribute.
    assert any((column == population.group).all() for _, column in population.features.items())


def test_the_numbers_of_the_page_are_those_of_the_test():
    page = (RESOURCES.parent / "docs" / "people.md").read_text(encoding="utf-8")
    for dataset, (rows, people, *rates) in REAL.items():
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{dataset}` |")]
        cells = [cell.strip() for cell in line.split("|")]
        assert cells[2:4] == [f"{rows:,}", f"{people:,}"]
        assert cells[5:8] == [f"{rate:.3f}".lstrip("0") for rate in rates]
