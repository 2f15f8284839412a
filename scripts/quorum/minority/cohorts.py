"""The known data sets: real people, out of the bytes of a retrieved and checked package, as tables `population`.

Who they are, why the minority is the minority and the good label the good one: docs/people.md. Names, dates of birth
and ids of the sources are left behind here: a person becomes a running number.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from quorum.minority.landmarks import landmark

Members = Mapping[str, bytes]


@dataclass(frozen=True)
class Cohort:
    """A known data set: its entry in resources/retrieval.yaml, the minority and the good label in words, and a function
    from the bytes of the entry's members, by name, to a frame of table `population`."""

    pin: str
    minority: str
    good_label: str
    build: Callable[[Members], pd.DataFrame]


def _population(person: pd.Series, good: pd.Series, minority: pd.Series, features: pd.DataFrame) -> pd.DataFrame:
    """A frame of table `population`: ids become running numbers by first occurrence, truth values 0 and 1."""
    people = pd.DataFrame(
        {
            "person": [f"p{code + 1}" for code in pd.factorize(person)[0]],
            "label": good.to_numpy(dtype="int64"),
            "group": minority.to_numpy(dtype="int64"),
        }
    )
    return pd.concat([people, features.astype("float64").reset_index(drop=True)], axis=1)


def _one_hot(values: pd.Series, name: str) -> pd.DataFrame:
    """Columns "NAME=level" of 0 and 1, levels in alphabetical order; of two the second alone. NaN where empty."""
    levels = sorted(values.dropna().unique())
    shown = levels[1:] if len(levels) == 2 else levels
    return pd.DataFrame(
        {f"{name}={level}": (values == level).astype("float64").where(values.notna()) for level in shown}
    )


# ---- COMPAS ----------------------------------------------------------------------------------------------------------

_COMPAS_COUNTS = ["age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count"]
_COMPAS_FILTER = ["days_b_screening_arrest", "is_recid", "score_text"]


def _compas_rows(members: Members) -> pd.DataFrame:
    """ProPublica's filter (charge within 30 days of the screening, outcome known, no traffic offence, a score), and of
    what is left the African-American and Caucasian rows. Only the columns in use are parsed: no names, no birthdays."""
    used = ["id", "sex", "race", "c_charge_degree", "two_year_recid", *_COMPAS_COUNTS, *_COMPAS_FILTER]
    rows = pd.read_csv(io.BytesIO(members["compas"]), usecols=used)
    kept = (
        rows["days_b_screening_arrest"].between(-30, 30)
        & (rows["is_recid"] != -1)
        & (rows["c_charge_degree"] != "O")
        & rows["score_text"].notna()
        & rows["race"].isin(["African-American", "Caucasian"])
    )
    return rows[kept]


def _compas(members: Members, minority: str, good: int) -> pd.DataFrame:
    rows = _compas_rows(members)
    features = rows[_COMPAS_COUNTS].assign(
        **{minority.lower().replace("-", "_"): rows["race"] == minority},
        female=rows["sex"] == "Female",
        felony=rows["c_charge_degree"] == "F",
    )
    return _population(rows["id"], rows["two_year_recid"] == good, rows["race"] == minority, features)


def compas(members: Members) -> pd.DataFrame:
    """African-American people as the minority; good label: no new offence within two years."""
    return _compas(members, "African-American", 0)


def compas_swapped(members: Members) -> pd.DataFrame:
    """The same rows the other way round: Caucasian rows as the "minority", a new offence as the positive label."""
    return _compas(members, "Caucasian", 1)


# ---- Adult, law school, credit, Heritage Health ----------------------------------------------------------------------


def adult(members: Members) -> pd.DataFrame:
    """Women as the minority; good label: more than 50,000 dollars a year."""
    rows = pd.read_csv(io.BytesIO(members["adult"]), compression="zip")
    features = rows.drop(
        columns=[
            "fnlwgt",  # weight of the census's sampling: says nothing of the person
            *rows.filter(regex="^(education_|salary_|sex_|native-country_)").columns,
        ]
    )
    features = features.assign(
        **{"native-country_United-States": rows["native-country_United-States"]}, female=rows["sex_Female"]
    )
    return _population(pd.Series(rows.index), rows["salary_>50K"] == 1, rows["sex_Female"] == 1, features)


def law(members: Members) -> pd.DataFrame:
    """Black students beside White ones as the minority; good label: passed the bar examination at the first try."""
    rows = pd.read_csv(io.BytesIO(members["law"]), compression="zip")
    rows = rows[(rows["Race_Black"] == 1) | (rows["Race_White"] == 1)].reset_index(drop=True)
    features = rows[["LSAT", "UGPA", "ZFYA", "Sex_2"]].assign(black=rows["Race_Black"])
    return _population(pd.Series(rows.index), rows["PF_1"] == 1, rows["Race_Black"] == 1, features)


def credit(members: Members) -> pd.DataFrame:
    """Men as the minority (they default more often); good label: no default next month."""
    rows = pd.read_csv(io.BytesIO(members["credit"]))
    male = rows["SEX"] == 0  # 11,888 people, as many as have the code 1 (men) in the original
    features = rows.drop(columns=["ID", "SEX", "default-payment-next-month"]).assign(male=male)
    return _population(rows["ID"], rows["default-payment-next-month"] == 0, male, features)


def health(members: Members) -> pd.DataFrame:
    """People of 60 and over as the minority, one row per member and year; good label: Charlson index 0 that year."""
    rows = pd.read_csv(io.BytesIO(members["health"]), compression="zip")
    older = rows[["age_65", "age_75", "age_85"]].sum(axis=1) == 1
    left_out = ["MemberID_t", "trainset", "YEAR_t", "sexFEMALE", *rows.filter(regex="^(Charlson|age_)|MISS$").columns]
    made = pd.DataFrame({"year": rows["YEAR_t"].str[1:].astype("float64"), "age_60_plus": older})
    features = pd.concat([rows.drop(columns=left_out), made], axis=1)
    return _population(rows["MemberID_t"], rows["Charlson>0"] == 0, older, features)


# ---- NAFLD -----------------------------------------------------------------------------------------------------------

LANDMARK_DAYS = 365.25
HORIZON_DAYS = 5 * 365.25
# The source's chol and dbp repeat hdl and sbp value by value, and lie where those do (means 51 mg/dl, 137 mmHg).
_NAFLD_TESTS = ["hdl", "sbp", "smoke", "fib4"]
_POSSIBLE_SBP = (30, 350)


def nafld(members: Members) -> pd.DataFrame:
    """Men as the minority; good label: alive five years after a landmark one year after the index date.

    Features: age, weight, height and BMI at the index date, and of each test what was measured before the landmark
    (module landmarks). People without any measurement before it are left out, and so are blood pressures that nobody
    can have.
    """
    people = _pickle(members["nafld1"], "xz").rename(columns={"futime": "end", "status": "event"})
    series = _pickle(members["nafld2"], "xz").rename(columns={"days": "time"})
    possible = (series["test"] != "sbp") | series["value"].between(*_POSSIBLE_SBP)
    series = series[series["test"].isin(_NAFLD_TESTS) & possible]
    rows = landmark(series, people, LANDMARK_DAYS, HORIZON_DAYS)
    rows = rows[rows.filter(regex="_count$").sum(axis=1) > 0]
    rows = rows.merge(people.drop(columns=["end", "event"]), on="id")
    features = rows[["age", "weight", "height", "bmi", "male"]].join(rows.filter(regex=f"^({'|'.join(_NAFLD_TESTS)})_"))
    return _population(rows["id"], rows["event"] == 0, rows["male"] == 1, features)


def _pickle(content: bytes, compression: str | None = None) -> pd.DataFrame:
    """A frame out of a pickle, which is a program: only for bytes whose hash was checked."""
    return pd.read_pickle(io.BytesIO(content), compression=compression)


# ---- RHC -------------------------------------------------------------------------------------------------------------

RHC_DAYS = 180
_INCOMES = {"Under $11k": 0, "$11-$25k": 1, "$25-$50k": 2, "> $50k": 3}


def _rhc(members: Members) -> pd.DataFrame:
    """The rows whose state 180 days after admission is known, columns without the prefixes of the source."""
    rows = _pickle(members["rhc"])
    rows.columns = rows.columns.str.replace("^(num|fac)_", "", regex=True)
    return rows[(rows["event"] == 1) | (rows["time"] >= RHC_DAYS)].reset_index(drop=True)


def _rhc_population(rows: pd.DataFrame, minority: pd.Series, features: pd.DataFrame) -> pd.DataFrame:
    died = (rows["event"] == 1) & (rows["time"] <= RHC_DAYS)
    # surv2md1 is another model's forecast of the label.
    rest = rows.drop(columns=["pid", "event", "time", "surv2md1", "race", "income"])
    words = [c for c in rest if not pd.api.types.is_numeric_dtype(rest[c].astype("object").infer_objects())]
    coded = [_one_hot(rest[c].astype("object"), c) for c in words]
    return _population(rows["pid"], ~died, minority, pd.concat([rest.drop(columns=words), *coded, features], axis=1))


def rhc(members: Members) -> pd.DataFrame:
    """Black patients beside White ones as the minority; good label: alive 180 days after admission."""
    rows = _rhc(members)
    rows = rows[rows["race"].isin(["black", "white"])].reset_index(drop=True)
    black = rows["race"] == "black"
    income = rows["income"].astype("object").map(_INCOMES)
    return _rhc_population(rows, black, pd.DataFrame({"income": income, "black": black}))


def rhc_income(members: Members) -> pd.DataFrame:
    """Patients with an income under 11,000 dollars as the minority; good label as in `rhc`, people of every race."""
    rows = _rhc(members)
    poor = rows["income"] == "Under $11k"
    races = _one_hot(rows["race"].astype("object"), "race")
    return _rhc_population(rows, poor, races.assign(income_under_11k=poor))


COHORTS: Mapping[str, Cohort] = {
    "compas": Cohort("compas", "African-American people", "no new offence within two years", compas),
    "compas_swapped": Cohort("compas", "Caucasian people", "a new offence within two years", compas_swapped),
    "adult": Cohort("adult", "women", "income above 50,000 dollars", adult),
    "law": Cohort("law", "Black students", "passed the bar examination at the first try", law),
    "credit": Cohort("credit", "men", "no default next month", credit),
    "health": Cohort("health", "people of 60 and over", "Charlson index 0", health),
    "nafld": Cohort("nafld", "men", "alive five years after the landmark", nafld),
    "rhc": Cohort("rhc", "Black patients", "alive after 180 days", rhc),
    "rhc_income": Cohort("rhc", "patients with an income under 11,000 dollars", "alive after 180 days", rhc_income),
}
