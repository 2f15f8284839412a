"""Landmark design: irregular series of measurements as features of a person, from what was known before a moment.

At the landmark a prediction is made. What was measured before it becomes features; what happens within a horizon after
it becomes the outcome (van Houwelingen 2007). Times are numbers of one unit, counted per person from their own start.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

STATISTICS = ("last", "mean", "min", "max", "slope", "count")


def landmark(series: pd.DataFrame, people: pd.DataFrame, at: float, horizon: float) -> pd.DataFrame:
    """One row per person who is still under observation at the landmark: id, event, and the features of `history`.

    series: columns id, time, test, value, in any order of rows. people: columns id, end (time of the event, or of the
    end of follow-up), event (whether it ended with the event); rows of the result are in their order.

    event is 1 for people whose event comes after the landmark and not later than `at + horizon`. Left out are people
    whose event or follow-up ends at or before the landmark, and people whose follow-up ends within the horizon without
    event: nobody knows their outcome. A person without any value before the landmark stays, with counts of 0.

    Raises ValueError: a missing column, a horizon of 0 or less, an id that occurs twice in `people`, an empty end or
    event, and what `history` raises.
    """
    _require(people, ("id", "end", "event"), "people")
    if not horizon > 0:
        raise ValueError(f"the horizon is {horizon}; it must be greater than 0")
    if people["id"].duplicated().any():
        raise ValueError(f"people: id in row {_first(people['id'].duplicated())} occurs twice")
    for column in ("id", "end", "event"):
        _refuse_empty(people, column, "people")
    end, event = people["end"].astype("float64"), people["event"].astype(bool)
    within = end <= at + horizon
    known = (end > at) & (event | (end >= at + horizon))
    rows = people.loc[known, ["id"]].assign(event=(event & within)[known].astype("int64"))
    return rows.join(history(series, at), on="id").pipe(_no_values_counted).reset_index(drop=True)


def history(series: pd.DataFrame, at: float) -> pd.DataFrame:
    """What is known of every person before the landmark: one row per id, six columns per test, as floats.

    series: columns id, time, test, value. TEST_last (mean of the values at the last time, if there are several),
    TEST_mean, TEST_min, TEST_max, TEST_slope (least squares, value per unit of time; NaN unless there are two times),
    TEST_count. Only values with time < at count, and a missing value is none. Tests in alphabetical order; a test that
    nobody had before the landmark has no columns. The result does not depend on the order of the rows.

    Raises ValueError: a missing column, an empty id or time, a time or value that is no finite number; rows are counted
    from 1.
    """
    _require(series, ("id", "time", "test", "value"), "series")
    for column in ("id", "time", "test"):
        _refuse_empty(series, column, "series")
    for column in ("time", "value"):
        if not pd.api.types.is_numeric_dtype(series[column]):
            raise ValueError(f"series: column {column} holds no numbers (dtype {series[column].dtype})")
        infinite = series[column].isin([np.inf, -np.inf])
        if infinite.any():
            raise ValueError(f"series: column {column} is infinite in row {_first(infinite)}")
    seen = series.loc[(series["time"] < at) & series["value"].notna(), ["id", "time", "test", "value"]]
    seen = seen.astype({"time": "float64", "value": "float64", "test": "str"})
    # Sums depend on the order of their terms in the last digit.
    seen = seen.sort_values(["id", "test", "time", "value"], kind="stable", ignore_index=True)
    if seen.empty:
        return pd.DataFrame(index=pd.Index([], name="id", dtype=seen["id"].dtype))
    found = pd.DataFrame(_statistics(seen))
    wide = found.unstack("test")
    tests = sorted(found.index.unique("test"))
    columns = {f"{test}_{name}": wide[(name, test)] for test in tests for name in STATISTICS}
    return _no_values_counted(pd.DataFrame(columns, index=wide.index))


def _statistics(seen: pd.DataFrame) -> dict[str, pd.Series]:
    """Each statistic by (id, test), from rows that are sorted by id, test and time."""
    by = [seen["id"], seen["test"]]
    values, times = seen["value"].groupby(by), seen["time"].groupby(by)
    last = seen["time"] == times.transform("max")
    start, length = times.transform("min"), times.transform("max") - times.transform("min")
    # Times from 0 to 1 within a series: a centred sum of squares of large or close numbers would lose its digits.
    moment = (seen["time"] - start) / length.where(length > 0)
    moment -= moment.groupby(by).transform("mean")
    rise = (moment * (seen["value"] - values.transform("mean"))).groupby(by).sum(min_count=1)
    spread = (moment**2).groupby(by).sum(min_count=1)
    return {
        "last": seen["value"].where(last).groupby(by).mean(),
        "mean": values.mean(),
        "min": values.min(),
        "max": values.max(),
        "slope": rise / spread / length.groupby(by).first(),
        "count": values.count().astype("float64"),
    }


def _no_values_counted(features: pd.DataFrame) -> pd.DataFrame:
    """Who had no value of a test had it 0 times."""
    counts = [c for c in features.columns if str(c).endswith("_count")]
    return features.fillna(dict.fromkeys(counts, 0.0))


def _require(frame: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise ValueError(f"{name}: no column {', '.join(missing)}; found {[str(c) for c in frame.columns]}")


def _first(rows: pd.Series) -> int:
    return int(rows.to_numpy().argmax()) + 1


def _refuse_empty(frame: pd.DataFrame, column: str, name: str) -> None:
    empty = frame[column].isna()
    if empty.any():
        raise ValueError(f"{name}: column {column} is empty in row {_first(empty)}")
