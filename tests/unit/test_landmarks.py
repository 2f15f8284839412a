"""The landmark design: no look ahead, a case worked by hand, and numpy's own line as oracle of the slope."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum.minority.landmarks import STATISTICS, history, landmark

AT = 10.0
rows = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.integers(-40, 80).map(lambda n: n / 4),
    st.sampled_from(["hdl", "chol"]),
    st.one_of(st.none(), st.integers(-1000, 1000).map(lambda n: n / 8)),
)
many_rows = st.lists(rows, max_size=40)
OUTCOME = pd.DataFrame({"id": ["c", "a", "b"], "end": [30.0, 12.0, 50.0], "event": [0, 1, 0]})


def series(values) -> pd.DataFrame:
    frame = pd.DataFrame(values, columns=["id", "time", "test", "value"])
    return frame.astype({"time": float, "value": float})


def test_a_case_worked_by_hand():
    long = series(
        [
            ("a", 4, "hdl", 44),
            ("a", 0, "hdl", 40),
            ("a", 8, "hdl", 54),
            ("a", 10, "hdl", 999),  # at the landmark: not before it
            ("a", 11, "hdl", 999),
            ("a", 2, "chol", 200),
            ("b", -3, "hdl", 60),
            ("b", -3, "hdl", 50),
            ("b", 1, "hdl", None),  # no value is no measurement
            ("z", 1, "hdl", 70),  # not among the people
        ]
    )
    found = landmark(long, OUTCOME, AT, 20)
    # hdl of a: mean 46; slope = sum((t - 4)(v - 46)) / sum((t - 4)^2) = (24 + 32) / 32
    nan, a, b = np.nan, [54, 46, 40, 54, 1.75, 3], [55, 55, 50, 60, np.nan, 2]
    expected = pd.DataFrame(
        {"id": ["c", "a", "b"], "event": [0, 1, 0]}
        | {
            f"chol_{name}": [nan, value, nan]
            for name, value in zip(STATISTICS, [200, 200, 200, 200, nan, 1], strict=True)
        }
        | {f"hdl_{name}": [nan, *values] for name, *values in zip(STATISTICS, a, b, strict=True)}
    ).assign(chol_count=[0.0, 1.0, 0.0])
    expected["hdl_count"] = [0.0, 3.0, 2.0]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


@pytest.mark.parametrize(
    ("end", "event", "expected"),
    [
        (5, 1, None),  # died before the landmark
        (10, 1, None),  # and on it
        (10, 0, None),
        (10.5, 1, 1),
        (30, 1, 1),  # the horizon's last moment is in it
        (30.5, 1, 0),  # later than the horizon
        (29, 0, None),  # lost within the horizon: nobody knows
        (30, 0, 0),
        (90, 0, 0),
    ],
)
def test_whose_outcome_is_known(end, event, expected):
    people = pd.DataFrame({"id": ["a"], "end": [end], "event": [bool(event)]})
    found = landmark(series([("a", 1, "hdl", 5)]), people, AT, 20)
    assert found["event"].tolist() == ([] if expected is None else [expected])


@settings(max_examples=100)
@given(many_rows, st.lists(rows, max_size=20), st.randoms())
def test_what_comes_at_or_after_the_landmark_never_changes_a_feature(known, other, random):
    later = [(who, AT + abs(time), test, value) for who, time, test, value in other] + [("a", AT, "only_later", 1.0)]
    both = known + later
    random.shuffle(both)
    pd.testing.assert_frame_equal(landmark(series(both), OUTCOME, AT, 20), landmark(series(known), OUTCOME, AT, 20))


@settings(max_examples=100)
@given(many_rows)
def test_every_statistic_is_that_of_a_plain_loop(known):
    long = series(known)
    found = history(long, AT)
    seen = long[(long["time"] < AT) & long["value"].notna()]
    assert set(found.index) == set(seen["id"])
    assert len(found.columns) == len(STATISTICS) * seen["test"].nunique()
    for who in found.index:
        for test in seen["test"].unique():
            part = seen[(seen["id"] == who) & (seen["test"] == test)]
            t, v = part["time"].to_numpy(), part["value"].to_numpy()
            assert found.loc[who, f"{test}_count"] == len(v)
            if not len(v):
                assert found.loc[who, [f"{test}_{name}" for name in STATISTICS if name != "count"]].isna().all()
                continue
            slope = np.polyfit(t, v, 1)[0] if len(set(t)) > 1 else np.nan
            expected = [v[t == t.max()].mean(), v.mean(), v.min(), v.max(), slope, len(v)]
            got = found.loc[who, [f"{test}_{name}" for name in STATISTICS]].to_numpy(dtype=float)
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


@given(st.floats(-1e9, 1e9), st.floats(-100, 100), st.floats(1e-3, 1e3))
def test_the_slope_of_a_line_is_found_wherever_the_times_lie(start, slope, step):
    times = start + step * np.arange(5)
    values = 7 + slope * (times - times[0])
    found = history(series([("a", t, "x", v) for t, v in zip(times, values, strict=True)]), 1e12)
    assert found.loc["a", "x_slope"] == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_nothing_known_is_no_feature():
    found = landmark(series([("a", 11, "hdl", 5)]), OUTCOME, AT, 20)
    assert list(found.columns) == ["id", "event"]
    assert found["id"].tolist() == ["c", "a", "b"]


GOOD = series([("a", 1, "hdl", 5), ("a", 2, "hdl", 6)])


@pytest.mark.parametrize(
    ("long", "people", "horizon", "message"),
    [
        (GOOD.drop(columns="test"), OUTCOME, 20, "series: no column test"),
        (GOOD.assign(time=[1, np.nan]), OUTCOME, 20, "series: column time is empty in row 2"),
        (GOOD.assign(id=[None, "a"]), OUTCOME, 20, "series: column id is empty in row 1"),
        (GOOD.assign(test=["hdl", None]), OUTCOME, 20, "series: column test is empty in row 2"),
        (GOOD.assign(value=["5", "6"]), OUTCOME, 20, "series: column value holds no numbers"),
        (GOOD.assign(value=[5, np.inf]), OUTCOME, 20, "series: column value is infinite in row 2"),
        (GOOD, OUTCOME.drop(columns="end"), 20, "people: no column end"),
        (GOOD, OUTCOME.assign(id=["a", "b", "a"]), 20, "people: id in row 3 occurs twice"),
        (GOOD, OUTCOME.assign(end=[1, np.nan, 2]), 20, "people: column end is empty in row 2"),
        (GOOD, OUTCOME.assign(event=[1, 0, None]), 20, "people: column event is empty in row 3"),
        (GOOD, OUTCOME, 0, "horizon is 0"),
        (GOOD, OUTCOME, np.nan, "horizon is nan"),
    ],
)
def test_what_cannot_be_summarised_is_named(long, people, horizon, message):
    with pytest.raises(ValueError, match=message):
        landmark(long, people, AT, horizon)
