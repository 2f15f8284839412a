"""The planner: its arithmetic against closed forms and slow searches, its laws, and what it says in words."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from fake_filters import filter_tables
from hypothesis import assume, given
from hypothesis import strategies as st

from quorum import needs, planner, statistics, tables
from quorum.needs import Filter, Range, Scenario

POINT = {
    "uptake": "fine_tune",
    "style": "varied",
    "strategy": "parity",
    "probe_set": "held_out",
    "defense": "none",
    "tipping_size": np.nan,
    "tipping_low": 1500.0,
    "tipping_high": 2400.0,
    "critical_size_expected": 1000.0,
    "diminishing_size": np.nan,
    "fitted_size": 2000.0,
    "crossing_share": 1.0,
}
SWEPT = (0, 1000, 3000)


def point(**changes: object) -> pd.Series:
    return pd.Series(POINT | changes)


def curve(**changes: object) -> pd.DataFrame:
    """The columns of table tipping_curve that the planner reads, for a background of 1,000 at 0.75."""
    rows = [
        {key: POINT[key] for key in ("uptake", "style", "strategy", "probe_set", "defense")}
        | {"pool_size": n, "alpha": n / (1000 + n), "expected_male_share": (750 + 0.2 * n) / (1000 + n)}
        for n in SWEPT
    ]
    return pd.DataFrame(rows).assign(**changes)


def scenario(**changes: object) -> Scenario:
    return Scenario(**({"name": "ward", "baseline_share": 0.79, "background_size": 1700, "group_size": 100} | changes))


def passing(*shares: float, sizes: tuple[int, ...] = (100, 1000)) -> Filter:
    return Filter(sizes, tuple(needs.exactly(share) for share in shares), 3)


shares = st.floats(0.5, 1, exclude_min=True)
sizes = st.integers(1, 100_000)


# ---- what must arrive ------------------------------------------------------------------------------------------------


@given(st.fractions(Fraction(1, 2), 1), sizes)
def test_the_data_need_what_the_closed_form_says(share, size):
    """B (2b - 1) counter sentences, in exact fractions; a share that is nearly the target needs none."""
    assume(share > Fraction(1, 2))
    found = needs.needed_by_data(scenario(baseline_share=float(share), background_size=size))
    assert found == pytest.approx([float(size * (2 * share - 1))] * 3, abs=1e-6 + 2e-9 * size)


@given(st.floats(0.05, 0.95), st.floats(0, 1), sizes, st.floats(0.1, 0.9))
def test_what_is_needed_brings_the_expected_line_to_the_target(share, pool_share, size, target):
    found = needs.needed_by_data(scenario(baseline_share=share, background_size=size), pool_share, target).value
    if math.isfinite(found):
        assert statistics.expected_male_share(size, share, found, pool_share) == pytest.approx(target, abs=1e-6)
    else:
        far = statistics.expected_male_share(size, share, np.array([1e3, 1e9]) * size, pool_share)
        assert ((far - target) * (share - target) > -1e-6).all()


@given(shares, st.integers(1, 50_000), st.integers(1, 50_000))
def test_a_larger_firm_needs_more_voices_in_proportion(share, size, more):
    small, large = (
        needs.needed_by_data(scenario(baseline_share=share, background_size=n, baseline_completions=200))
        for n in (size, size + more)
    )
    assert list(small) == pytest.approx([end * size / (size + more) for end in large], abs=1e-6)


@given(shares, shares)
def test_a_stronger_bias_needs_more_voices(one, other):
    low, high = (needs.needed_by_data(scenario(baseline_share=share)).value for share in sorted((one, other)))
    assert low <= high


@given(st.floats(0, 1), st.integers(2, 10_000))
def test_men_and_women_are_treated_alike(share, total):
    one, other = (
        needs.needed_by_data(scenario(baseline_share=b, baseline_completions=total)) for b in (share, 1 - share)
    )
    assume(round(share * total) + round((1 - share) * total) == total)
    assert list(one) == pytest.approx(list(other), abs=1e-3)


def test_the_interval_is_that_of_the_baseline_share():
    """Wilson's interval of 79 of 100, from its formula, through B (2b - 1)."""
    z, n, p = 1.959963984540054, 100, 0.79
    middle, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    found = needs.needed_by_data(scenario(baseline_completions=100))
    assert found == pytest.approx([986, 1700 * (2 * low - 1), 1700 * (2 * high - 1)])


def test_a_baseline_that_may_be_at_parity_may_need_nobody():
    found = needs.needed_by_data(scenario(baseline_share=0.55, baseline_completions=20))
    assert found.low == 0 < found.value < found.high < math.inf


@pytest.mark.parametrize("pool_share", [0.5, 0.79, 1.0])
def test_a_campaign_that_stops_short_or_pulls_the_other_way_never_gets_there(pool_share):
    assert needs.needed_by_data(scenario(), pool_share) == (math.inf, math.inf, math.inf)


def test_who_is_at_parity_needs_nobody():
    assert needs.needed_by_data(scenario(baseline_share=0.5)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (2, 1.5, 2.4)),
        ({"crossing_share": 0.97}, (2, 1.5, math.inf)),  # of all resamples, more than 2.5% do not cross
        ({"tipping_low": np.nan, "tipping_high": np.nan, "crossing_share": 0.4}, (2, 2, math.inf)),
        ({"fitted_size": np.nan, "tipping_low": np.nan, "crossing_share": 0.0}, (math.inf, 6, math.inf)),
        ({"fitted_size": np.nan, "tipping_low": np.nan, "crossing_share": 0.3}, (math.inf, 0, math.inf)),
        ({"fitted_size": np.nan, "crossing_share": 0.6}, (math.inf, 1.5, math.inf)),
    ],
    ids=["crosses", "some do not", "most do not", "never", "seldom", "not by all seeds"],
)
def test_a_model_against_the_data_by_hand(changes, expected):
    assert needs.against_the_data(point(**changes), max(SWEPT)) == expected


# ---- what must be sent -----------------------------------------------------------------------------------------------


def slowest(needed: float, sizes: tuple[int, ...], passes: tuple[float, ...]) -> int:
    """The smallest whole number to send, tried one by one."""
    for sent in range(1, 200_000):
        if sent <= sizes[-1]:
            arrived = np.interp(sent, [0, *sizes], [0, *np.multiply(sizes, passes)])
        else:
            arrived = passes[-1] * sent
        if arrived >= needed - 1e-9:
            return sent
    raise AssertionError("never")


@given(
    st.integers(1, 3000),
    st.lists(st.tuples(st.integers(1, 2000), st.floats(0, 1)), min_size=1, max_size=4, unique_by=lambda t: t[0]),
)
def test_to_be_sent_is_the_smallest_number_of_which_enough_arrive(needed, swept):
    swept.sort()
    sizes, passes = zip(*swept, strict=True)
    assume(passes[-1] > 0.05)
    found = needs.to_be_sent(needs.exactly(needed), passing(*passes, sizes=sizes)).value
    assert math.ceil(round(found, 6)) == slowest(needed, sizes, passes)


@given(st.floats(0, 1e6))
def test_half_of_it_passing_asks_for_twice_as_many(needed):
    assert needs.to_be_sent(needs.exactly(needed), passing(0.5, 0.5)) == pytest.approx([2 * needed] * 3)


ranges = st.lists(st.floats(0, 1e5), min_size=3, max_size=3).map(sorted).map(lambda r: Range(r[1], r[0], r[2]))
passed = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted).map(lambda r: Range(r[1], r[0], r[2]))


@given(ranges, st.lists(passed, min_size=1, max_size=3))
def test_an_interval_holds_its_value_and_no_filter_helps(needed, passes):
    found = needs.to_be_sent(needed, Filter(tuple(range(100, 100 + len(passes))), tuple(passes), 3))
    assert found.low <= found.value <= found.high
    assert all(sent >= asked - 1e-6 for sent, asked in zip(found, needed, strict=True))


@given(ranges, ranges, st.lists(passed, min_size=1, max_size=3))
def test_who_needs_more_sends_more(one, other, passes):
    filtered = Filter(tuple(range(100, 100 + len(passes))), tuple(passes), 3)
    less, more = (Range(*pair) for pair in zip(*(sorted(ends) for ends in zip(one, other, strict=True)), strict=True))
    for a, b in zip(needs.to_be_sent(less, filtered), needs.to_be_sent(more, filtered), strict=True):
        assert a <= b


def test_a_filter_that_lets_nothing_pass_is_never():
    assert needs.to_be_sent(needs.exactly(1), passing(0, 0)) == (math.inf, math.inf, math.inf)
    # 100 of 200 still pass, then nothing does: 80 can arrive, 101 cannot.
    saturated = passing(0.5, 0.0, sizes=(200, 1000))
    assert needs.to_be_sent(needs.exactly(80), saturated).value == 160
    assert needs.to_be_sent(needs.exactly(101), saturated).value == math.inf
    assert needs.to_be_sent(needs.exactly(0), passing(0, 0)) == (0, 0, 0)


def test_what_passes_has_students_interval_over_seeds():
    rows = pd.DataFrame({"pool_size": [10, 5], "passed": [0.5, 0.98], "passed_sd": [0.1, 0.1], "n_seeds": 3})
    found = needs.measured_filter(rows)
    half = 4.302652729911275 * 0.1 / math.sqrt(3)  # t of a table, two degrees of freedom
    assert found.sizes == (5, 10) and found.n_seeds == 3
    assert found.passes[1] == pytest.approx((0.5, 0.5 - half, 0.5 + half))
    assert found.passes[0] == pytest.approx((0.98, 0.98 - half, 1.0))
    alone = needs.measured_filter(rows.assign(n_seeds=1, passed_sd=np.nan))
    assert alone.passes[1] == (0.5, 0.5, 0.5)


# ---- the table -------------------------------------------------------------------------------------------------------


def planned(grid: pd.DataFrame | None = None, points: pd.DataFrame | None = None, **changes: object) -> pd.DataFrame:
    points = pd.DataFrame([POINT]) if points is None else points
    table = planner.plan([scenario(**changes)], points, curve(), grid)
    tables.validate(table, "plan")
    return table


def test_without_a_run_there_is_the_line_alone():
    table = planner.plan([scenario()])
    tables.validate(table, "plan")
    [row] = table.to_dict("records")
    assert (row["basis"], row["needed_sentences"], row["needed_agents"], row["verdict"]) == (
        "expected_line",
        986,
        99,
        "enough",
    )
    assert row["answer"] == "986 sentences of 99 people: 99% of the group"


def test_a_models_need_is_the_runs_multiple_of_the_datas():
    """The curve crosses at twice what the data need there, so 2 x 986 here, at 1.5 to 2.4 times."""
    line, model = planned().to_dict("records")
    assert line["needed_sentences"] == 986
    assert [model[c] for c in ("needed_sentences", "sentences_low", "sentences_high")] == [1972, 1479, 2367]
    assert [model[c] for c in ("needed_agents", "agents_low", "agents_high")] == [198, 148, 237]
    assert model["verdict"] == "too few" and "from 148 to 237" in model["answer"]
    assert "2 times what the data need" in model["assumptions"]


@pytest.mark.parametrize(("group", "verdict"), [(147, "too few"), (148, "unclear"), (236, "unclear"), (237, "enough")])
def test_a_group_is_compared_with_the_interval(group, verdict):
    assert planned(group_size=group)["verdict"].tolist()[1] == verdict


def test_a_curve_that_never_crosses_is_never_and_says_how_far_it_was_followed():
    never = pd.DataFrame([POINT | {"fitted_size": np.nan, "tipping_low": np.nan, "crossing_share": 0.0}])
    row = planned(points=never).iloc[1]
    assert row["verdict"] == "never" and row["answer"].startswith("never, as far as the run can tell")
    assert math.isnan(row["needed_agents"]) and math.isnan(row["agents_high"])
    assert row["agents_low"] == 592  # twice the sweep of 3,000 is 6 times what the data need there
    assert "does not cross 50% up to 6,000 sentences" in row["assumptions"]


def test_behind_filters():
    grid = filter_tables()["defense_grid"]
    table = planned(grid[grid["style"] == "varied"])
    for row in table[table["defense"] == "keyword"].to_dict("records"):
        bare = table[(table["defense"] == "none") & (table["basis"] == row["basis"])].iloc[0]
        share = grid[(grid["style"] == "varied") & (grid["defense"] == "keyword") & (grid["strength"] == "moderate")]
        assert row["passes"] == pytest.approx(share["passed"].iloc[0])
        assert row["needed_sentences"] == math.ceil(bare["needed_delivered"] / share["passed"].iloc[0] - 1e-9)
        assert row["strength"] == "moderate" and bare["strength"] == "none"
        assert "past 1,000 sentences the same share passes" in row["assumptions"]
    assert set(table["defense"]) == {"none", "keyword", "repetition", "tfidf", "minhash", "composite"}


def test_a_filter_that_lets_nothing_pass_says_so():
    grid = filter_tables()["defense_grid"].query("style == 'template' and defense == 'composite'").assign(passed=0.0)
    table = planner.plan([scenario()], grid=grid.assign(passed_sd=np.nan, n_seeds=1))
    row = table[table["defense"] == "composite"].iloc[0]
    assert row["verdict"] == "never" and row["passes"] == 0
    assert row["answer"] == "never: composite lets none of 1,000 sentences pass; 986 must arrive"
    assert "one seed: what passes has no interval" in row["assumptions"]


def test_a_balanced_campaign_never_moves_the_data_to_parity_and_a_submitted_one_is_taken_as_it_is():
    points = pd.DataFrame([POINT | {"strategy": "balanced"}])
    table = planner.plan([scenario()], points, curve(strategy="balanced"))
    assert table.iloc[0]["verdict"] == "never" and "50% of the campaign is male" in table.iloc[0]["assumptions"]
    points = pd.DataFrame([POINT | {"style": "submitted", "strategy": "submitted"}])
    table = planner.plan([scenario()], points, curve(style="submitted", strategy="submitted"))
    assert "20% of the campaign is male" in table.iloc[0]["assumptions"]
    assert table.iloc[0]["needed_sentences"] == math.ceil(1700 * 0.29 / 0.3)


def test_a_curve_without_a_fit_is_left_out():
    table = planned(points=pd.DataFrame([POINT | {"crossing_share": np.nan, "fitted_size": np.nan}]))
    assert table["basis"].tolist() == ["expected_line"]


def test_parity_is_said():
    assert planner.plan([scenario(baseline_share=0.5)])["answer"].tolist() == ["none: it is at 50% already"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"baseline_share": 1.2}, "scenario ward: baseline_share = 1.2; it must lie in 0..1"),
        ({"group_size": 0}, "scenario ward: group_size = 0; it must be at least 1"),
        ({"baseline_completions": 0}, "baseline_completions = 0"),
    ],
)
def test_a_scenario_that_cannot_be_is_named(changes, words):
    with pytest.raises(ValueError, match=words):
        scenario(**changes)


def test_points_without_their_curve_are_refused():
    with pytest.raises(ValueError, match="points and curve belong together"):
        planner.plan([scenario()], points=pd.DataFrame([POINT]))
