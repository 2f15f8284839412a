"""The answer in words, against cases worked out by hand: the words are what most readers take away."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum.report import answer, words

KEY = {"uptake": "fine_tune", "style": "template", "strategy": "parity", "probe_set": "held_out"}
NO_FIT = {"fitted_size": np.nan, "tipping_low": np.nan, "tipping_high": np.nan, "crossing_share": np.nan}


def curve(*points: tuple, **key: str) -> pd.DataFrame:
    """Rows of table tipping_curve as far as the answer reads them: (size, share, low, high), coverage 90%."""
    columns = ["pool_size", "male_share", "clustered_low", "clustered_high"]
    frame = pd.DataFrame(list(points), columns=columns)
    return frame.assign(**KEY | key, male_low=0.04, male_high=0.96, defense="none", coverage=0.9)


def points(**values: object) -> pd.DataFrame:
    """One row of table tipping_points as far as the answer reads it."""
    return pd.DataFrame([{**KEY, "defense": "none", **NO_FIT, **values}])


def only(frame: pd.DataFrame, fits: pd.DataFrame | None = None) -> answer.Outcome:
    (outcome,) = answer.outcomes(frame, points() if fits is None else fits)
    return outcome


REACHED = curve((0, 0.80, 0.70, 0.90), (250, 0.70, 0.60, 0.80), (500, 0.56, 0.47, 0.65), (1000, 0.52, 0.44, 0.60))
JUMPED = curve((0, 0.98, 0.95, 1.00), (250, 0.78, 0.70, 0.86), (500, 0.16, 0.10, 0.22), (1000, 0.05, 0.01, 0.09))
NEVER = curve((0, 0.98, 0.95, 1.00), (500, 0.85, 0.75, 0.95), (2000, 0.70, 0.60, 0.80))
ALREADY = curve((0, 0.46, 0.38, 0.54), (500, 0.30, 0.20, 0.40))


# ---- what happened ---------------------------------------------------------------------------------------------------


def test_the_first_interval_that_includes_one_half_is_the_answer():
    outcome = only(REACHED)
    assert (outcome.kind, outcome.size, outcome.before, outcome.included) == (answer.REACHED, 500, None, 500)
    assert answer.figure(outcome) == "500"
    assert answer.sentence(outcome, 0.95) == (
        "At 500 the interval first includes 50%: the share is 56% (47% to 65%; coverage 90%)."
    )


def test_a_share_that_jumps_over_one_half_is_answered_by_the_two_sizes_around_it():
    outcome = only(JUMPED, points(fitted_size=342, tipping_low=303, tipping_high=387, crossing_share=1.0))
    assert (outcome.kind, outcome.before, outcome.size, outcome.included) == (answer.JUMPED, 250, 500, None)
    assert answer.figure(outcome) == "250\u2013500"
    assert answer.sentence(outcome, 0.95) == (
        "Between 250 and 500 the share jumps past 50%, from 78% (70% to 86%; coverage 90%) to 16% (10% to 22%; "
        "coverage 90%). With 1,000 it is 5% (1% to 9%; coverage 90%): past the middle, on the other side. The fitted "
        "curve crosses 50% at 342 (95%: 303 to 387)."
    )


def test_a_curve_that_never_comes_there_is_said_so_with_the_most_that_was_tried():
    outcome = only(NEVER)
    assert (outcome.kind, outcome.size, outcome.largest) == (answer.NEVER, None, 2000)
    assert answer.figure(outcome) == "none up to 2,000"
    assert answer.sentence(outcome, 0.95) == (
        "No size tried reached it: with 2,000, the most tried, the share is 70% (60% to 80%; coverage 90%)."
    )


def test_a_model_that_cannot_be_told_from_one_half_needs_nobody():
    outcome = only(ALREADY, points(fitted_size=10.0, tipping_low=1.0, tipping_high=20.0, crossing_share=1.0))
    assert (outcome.kind, outcome.size) == (answer.ALREADY, 0)
    assert answer.figure(outcome) == "0"
    assert answer.sentence(outcome, 0.95) == (
        "Without any campaign the share, 46% (38% to 54%; coverage 90%), could not be told from 50%."
    )


def test_a_jump_before_the_first_interval_counts_and_the_interval_is_still_told():
    """At 250 the share is over, at 500 far under, and only at 1,000 an interval comes back to one half."""
    back = curve((0, 0.9, 0.8, 1.0), (250, 0.78, 0.7, 0.86), (500, 0.16, 0.1, 0.22), (1000, 0.41, 0.3, 0.52))
    outcome = only(back)
    assert (outcome.kind, outcome.before, outcome.size, outcome.included) == (answer.JUMPED, 250, 500, 1000)
    assert "Its interval includes 50% later, at 1,000." in answer.sentence(outcome, 0.95)
    assert "other side" not in answer.sentence(outcome, 0.95)


def test_an_interval_at_the_far_side_of_a_pass_is_reached_and_not_jumped():
    outcome = only(curve((0, 0.9, 0.8, 1.0), (250, 0.45, 0.35, 0.55)))
    assert (outcome.kind, outcome.size) == (answer.REACHED, 250)


def test_women_may_be_the_many_too():
    outcome = only(curve((0, 0.1, 0.05, 0.15), (250, 0.9, 0.85, 0.95)))
    assert outcome.kind == answer.JUMPED
    assert answer.answers([outcome], 100, 0.95)[0].headline == "It took between 0 and 250 sentences."


def test_a_size_without_a_share_is_passed_over():
    outcome = only(curve((0, 0.9, 0.8, 1.0), (250, np.nan, np.nan, np.nan), (500, 0.52, 0.45, 0.6)))
    assert (outcome.kind, outcome.size) == (answer.REACHED, 500)


@pytest.mark.parametrize("rows", [[(0, np.nan, np.nan, np.nan)], [(0, 0.8, 0.7, 0.9), (250, np.nan, np.nan, np.nan)]])
def test_nothing_measured_is_no_answer(rows):
    outcome = only(curve(*rows))
    assert outcome.kind == answer.UNMEASURED
    assert answer.figure(outcome) == "not measured"
    (said,) = answer.answers([outcome], 1700, 0.95)
    assert said.headline == "This was not measured."


def test_a_share_without_an_interval_cannot_include_one_half():
    outcome = only(curve((0, 0.8, np.nan, np.nan), (250, 0.5, np.nan, np.nan), (500, 0.4, np.nan, np.nan)))
    assert outcome.kind == answer.NEVER
    assert "the share is 40% (coverage 90%)" in answer.sentence(outcome, 0.95)


def agreeing(answers: int) -> dict[str, float]:
    """Wilson's interval where none of so many answers says he: 0 to z^2 / (n + z^2), from his formula by hand."""
    return {"male_low": 0.0, "male_high": 3.841459 / (answers + 3.841459)}


def test_answers_that_all_agree_have_wilsons_interval_and_not_one_without_width():
    """Two answers say nothing of a share of 0%: 3.84 / 5.84 is 66%. Forty do: 3.84 / 43.84 is 9%."""
    few = curve((0, 0.0, 0.0, 0.0), (250, 0.0, 0.0, 0.0)).assign(**agreeing(2))
    assert str(only(few).at(0)) == "0% (0% to 66% by Wilson; coverage 90%)"
    assert only(few).kind == answer.ALREADY
    many = curve((0, 0.0, 0.0, 0.0), (250, 0.0, 0.0, 0.0)).assign(**agreeing(40))
    assert str(only(many).at(250)) == "0% (0% to 9% by Wilson; coverage 90%)"
    assert only(many).kind == answer.NEVER


def test_a_clustered_interval_with_a_width_stays_and_nothing_takes_the_place_of_none():
    assert str(only(NEVER).at(500)) == "85% (75% to 95%; coverage 90%)"
    bare = curve((0, 0.8, np.nan, np.nan), (500, 0.7, 0.7, 0.7)).assign(male_low=np.nan)
    assert str(only(bare).at(0)) == "80% (coverage 90%)"


@pytest.mark.parametrize(
    ("low", "high", "wilson", "said"),
    [
        (0.2, 0.3, (0.1, 0.4), "20% to 30%"),
        (0.0, 0.0, (0.0, 0.66), "0% to 66% by Wilson"),
        (1.0, 1.0, (0.34, 1.0), "34% to 100% by Wilson"),
        (0.5, 0.5 + 1e-12, (0.1, 0.9), "10% to 90% by Wilson"),
        (0.0, 0.0, (None, None), "no interval"),
        (None, None, (0.1, 0.9), ""),
        (0.1, None, (0.1, 0.9), "at least 10%"),
    ],
)
def test_an_interval_in_words(low, high, wilson, said):
    assert words.interval(low, high, words.share, wilson) == said


def test_filtered_rows_are_not_the_answer():
    filtered = curve((250, 0.5, 0.4, 0.6)).assign(defense="tfidf")
    assert only(pd.concat([NEVER, filtered])).kind == answer.NEVER


# ---- the fitted curve ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        ((342, 303, 387, 1.0), "The fitted curve crosses 50% at 342 (95%: 303 to 387)."),
        ((342, 303, 387, 0.98), "The fitted curve crosses 50% at 342 (95%: 303 to 387)."),
        # 3% of the resamples never cross, more than the 2.5% above the interval: its upper end is open.
        ((342, 303, 387, 0.97), "The fitted curve crosses 50% at 342 (95%: at least 303)."),
        ((342, 303, np.nan, np.nan), "The fitted curve crosses 50% at 342 (95%: at least 303)."),
        ((342, np.nan, 387, np.nan), "The fitted curve crosses 50% at 342 (95%: at most 387)."),
        (
            (342, np.nan, np.nan, 0.4),
            "The fitted curve crosses 50% at 342, without an interval: fewer than half of the resampled curves cross "
            "it.",
        ),
        (
            (2300, 900, 3500, 0.9),
            "The fitted curve would cross 50% at 2,300 (95%: at least 900), beyond what was tried.",
        ),
        ((np.nan, np.nan, np.nan, 0.0), ""),
    ],
)
def test_the_interval_of_the_fit_is_told_with_as_many_ends_as_it_has(fit, said):
    names = ("fitted_size", "tipping_low", "tipping_high", "crossing_share")
    outcome = only(JUMPED, points(**dict(zip(names, fit, strict=True))))
    assert answer.fit_sentence(outcome, 0.95) == said


def test_a_campaign_without_a_row_of_fits_has_none():
    outcome = only(JUMPED, points(style="varied"))
    assert outcome.fitted is None and answer.fit_sentence(outcome, 0.95) == ""


def test_another_confidence_has_another_name_and_another_upper_end():
    outcome = only(JUMPED, points(fitted_size=342, tipping_low=303, tipping_high=387, crossing_share=0.97))
    assert answer.fit_sentence(outcome, 0.9) == "The fitted curve crosses 50% at 342 (90%: 303 to 387)."


# ---- the answer of the run -------------------------------------------------------------------------------------------


def test_the_answer_of_one_campaign_names_people_and_the_firms_own_data():
    (said,) = answer.answers([only(REACHED)], 1700, 0.95, per_person=10)
    assert said.probe_set == "held_out"
    assert said.headline == "It took 500 sentences."
    assert said.detail == (
        "With so many beside the firm's own 1,700, the model says he in 56% (47% to 65%; coverage 90%) of its answers. "
        "500 sentences are what 50 people write with 10 each."
    )


def test_people_are_rounded_up_and_left_out_where_nobody_knows_them():
    frame = curve((0, 0.9, 0.8, 1.0), (101, 0.5, 0.4, 0.6))
    assert "what 11 people write" in answer.answers([only(frame)], 1700, 0.95, per_person=10)[0].detail
    assert "people" not in answer.answers([only(frame)], 1700, 0.95)[0].detail
    submitted = only(frame.assign(style="submitted"), points(style="submitted"))
    assert "people" not in answer.answers([submitted], 1700, 0.95, per_person=10)[0].detail


def test_the_answer_where_the_share_jumped():
    fits = points(fitted_size=342, tipping_low=303, tipping_high=387, crossing_share=1.0)
    (said,) = answer.answers([only(JUMPED, fits)], 1700, 0.95)
    assert said.headline == "It took between 250 and 500 sentences."
    assert said.detail == (
        "Somewhere in between beside the firm's own 1,700, the model goes past one half: it says he in 78% (70% to "
        "86%; coverage 90%), then in 16% (10% to 22%; coverage 90%) of its answers. The fitted curve crosses 50% at "
        "342 (95%: 303 to 387)."
    )


def test_the_answer_where_no_size_reached_it_tells_the_nearest_campaign():
    other = curve((0, 0.98, 0.95, 1.0), (2000, 0.62, 0.55, 0.69), style="varied")
    found = answer.outcomes(pd.concat([NEVER, other]), points())
    (said,) = answer.answers(found, 1700, 0.95)
    assert said.headline == "No size tried reached it."
    assert said.detail == (
        "With 2,000 sentences beside the firm's own 1,700, the most that was tried, the model says he in 62% (55% to "
        "69%; coverage 90%) of its answers. That is the nearest of 2 campaigns (varied wording)."
    )


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([NEVER], "2 campaigns (one template); no other came there."),
        ([REACHED], "2 campaigns (one template); all came"),
    ],
)
def test_of_several_campaigns_the_quickest_is_told_beside_how_many_came_there(others, said):
    frames = [REACHED, *(frame.assign(style="varied") for frame in others)]
    (found,) = answer.answers(answer.outcomes(pd.concat(frames), points()), 1700, 0.95)
    assert found.headline == "It took 500 sentences."
    assert said in found.detail


def test_three_campaigns_of_which_two_came_there():
    frames = [REACHED, NEVER.assign(style="varied"), JUMPED.assign(uptake="in_context")]
    (found,) = answer.answers(answer.outcomes(pd.concat(frames), points()), 1700, 0.95)
    assert found.headline == "It took 500 sentences."
    assert "quickest of 3 campaigns (one template, fine-tuning); 2 came there." in found.detail


def test_both_ways_of_asking_are_answered_and_never_pooled():
    frames = [NEVER, REACHED.assign(probe_set="matched")]
    held_out, matched = answer.answers(answer.outcomes(pd.concat(frames), points()), 1700, 0.95)
    assert (held_out.probe_set, held_out.headline) == ("held_out", "No size tried reached it.")
    assert (matched.probe_set, matched.headline) == ("matched", "It took 500 sentences.")


def test_nothing_to_move_is_said_so():
    (said,) = answer.answers([only(ALREADY)], 1700, 0.95)
    assert said.headline == "No bias was found to move."
    assert "46% (38% to 54%; coverage 90%)" in said.detail


def test_an_unknown_probe_set_is_asked_by_its_name():
    assert answer.asked("own_probes") == "asked by the probes own probes"


@given(
    shares=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.3), st.floats(0, 0.3)), min_size=2, max_size=6),
    fit=st.tuples(*[st.none() | st.floats(0, 1e5)] * 3, st.none() | st.floats(0, 1)),
)
def test_every_curve_has_an_answer_in_words(shares, fit):
    """Whatever the numbers: each kind has its words, and the kind is what a plain reading of the sizes gives."""
    rows = [(100 * at, s, max(0, s - low), min(1, s + high)) for at, (s, low, high) in enumerate(shares)]
    names = ("fitted_size", "tipping_low", "tipping_high", "crossing_share")
    outcome = only(curve(*rows), points(**dict(zip(names, fit, strict=True))))
    # An interval without a width gives way to Wilson's, which is 4% to 96% at every size here.
    including = [size for size, _, low, high in rows if low <= 0.5 <= high or high - low < 1e-9]
    passing = [b[0] for a, b in itertools.pairwise(rows) if (a[1] < 0.5 < b[1]) or (b[1] < 0.5 < a[1])]
    first = min([*including, *passing], default=None)
    assert outcome.size == first
    if first is not None:
        assert (outcome.kind == answer.JUMPED) == (first not in including)
    said = answer.sentence(outcome, 0.95) + answer.answers([outcome], 1700, 0.95, 10)[0].detail
    assert said and "nan" not in said and "None" not in said


# ---- numbers in words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [
        (0.0, 0, "0%"),
        (1.0, 0, "100%"),
        (0.004, 0, "under 1%"),
        (0.996, 0, "over 99%"),
        (0.0004, 1, "under 0.1%"),
        (0.9996, 1, "over 99.9%"),
        (0.054, 1, "5.4%"),
        (None, 0, "not measured"),
        (np.nan, 0, "not measured"),
    ],
)
def test_a_share_in_words_is_neither_nothing_nor_all_unless_it_is(value, digits, said):
    assert words.share(value, digits) == said


def test_lists_numbers_and_durations_in_words():
    assert [words.listed(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [words.counted(n, "sentence") for n in (0, 1, 1700)] == ["0 sentences", "1 sentence", "1,700 sentences"]
    assert words.counted(2, "person", "people") == "2 people"
    assert [words.seconds(s) for s in (4.2, 59.9, 60, 3540, 12000)] == ["4 s", "60 s", "1 min", "59 min", "3 h 20 min"]
    assert words.between(None, None) == ""
