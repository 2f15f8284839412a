"""What a job does with a pool once it is there: validate, check its size, find its rows, count it, release it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import contributions, summaries, tables
from quorum.contributions import SubmissionError

PROFESSIONS = pd.DataFrame({"profession": ["nurse", "surgeon"]})


def rows(sentences: list[tuple[str, str]], source: str = "pool", skeleton: str = "s") -> pd.DataFrame:
    """Frame of table contributions out of (gender, pronoun and rest)."""
    return pd.DataFrame(
        {
            "contribution_id": [f"{source}{k:03d}" for k in range(len(sentences))],
            "agent": [f"agent{k % 2}" for k in range(len(sentences))],
            "source": source,
            "profession": "nurse",
            "skeleton": skeleton,
            "gender": [gender for gender, _ in sentences],
            "prompt": [f"The nurse read chart {k} and" for k in range(len(sentences))],
            "completion": [f" {rest}" for _, rest in sentences],
        }
    )


# ---- rows of a stream ------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_positions_find_every_row_again(lengths, random):
    parts = [rows([("male", "he left.")] * n, f"part{k}-") for k, n in enumerate(lengths)]
    together = pd.concat(parts, ignore_index=True)
    order = random.sample(range(len(together)), random.randint(0, len(together)))
    found = contributions.positions(together.iloc[order], parts)
    assert found.tolist() == order


def test_a_contribution_that_no_part_holds_is_named():
    with pytest.raises(ValueError, match="'pool001'"):
        contributions.positions(rows([("male", "he left.")] * 2), [rows([("male", "he left.")])])


# ---- a pool that the study wrote -------------------------------------------------------------------------------------


def test_a_written_pool_keeps_what_its_sentences_cannot_tell():
    written = rows([("female", "she left."), ("male", "he left."), ("female", "she left.")], skeleton="by-the-bed")
    written.loc[1, "completion"] = " it rained."
    written.loc[2, ["profession", "contribution_id"]] = ["surgeon", "pool777"]
    pool, rejections = contributions.validate_written(written, ["chart"], PROFESSIONS)
    pd.testing.assert_frame_equal(pool, written.iloc[[0, 2]].reset_index(drop=True))
    assert rejections[["row", "reason"]].to_numpy().tolist() == [[2, "no counted pronoun"]]
    tables.validate(pool, "contributions")
    tables.validate(rejections, "rejections")


def test_a_written_pool_without_a_fault_is_kept_whole():
    written = rows([("female", "she left.")] * 3)
    pool, rejections = contributions.validate_written(written, ["chart"], PROFESSIONS)
    assert len(pool) == 3 and rejections.empty
    tables.validate(rejections, "rejections")


# ---- a pool that is too small ----------------------------------------------------------------------------------------


def test_a_pool_of_just_the_size_is_enough():
    none = pd.DataFrame({"row": [], "agent": [], "text": [], "reason": []})
    assert contributions.require_size(rows([("male", "he left.")] * 3), none, 3, "pool.csv") is None


def test_a_pool_that_is_too_small_is_told_with_its_reasons_counted():
    reasons = ["empty", "too long: 2001 characters, at most 2000 are accepted", "too long: 9999 characters", "empty"]
    rejections = pd.DataFrame({"reason": [*reasons, "empty"]})
    with pytest.raises(SubmissionError) as caught:
        contributions.require_size(rows([("male", "he left.")] * 3), rejections, 4, "pool.csv")
    message = str(caught.value)
    assert "pool.csv: 3 sentences were accepted" in message and "asks for 4" in message and "at most 3" in message
    assert "(empty: 3; too long: 2)" in message


def test_a_small_pool_without_rejections_says_so():
    pool, none = contributions.validate_submission(pd.DataFrame({"text": ["A nurse, she left."]}), [], PROFESSIONS)
    with pytest.raises(SubmissionError, match="none was rejected"):
        contributions.require_size(pool, none, 2, "pool.csv")


# ---- a release -------------------------------------------------------------------------------------------------------


def alternating(n: int) -> pd.DataFrame:
    return rows([("female", "she left."), ("male", "he left.")] * (n // 2) + [("female", "she left.")] * (n % 2))


@pytest.mark.parametrize("size", [1, 4, 5])
def test_a_release_is_the_beginning_of_the_pool(size):
    released, pool = contributions.released(alternating(9), size), alternating(size)
    tables.validate(released, "sentences")
    pd.testing.assert_frame_equal(released.drop(columns="text"), pool[released.columns.drop("text")])
    assert released["text"].tolist() == (pool["prompt"] + pool["completion"]).tolist()


@pytest.mark.parametrize(
    ("pool", "size"),
    [(alternating(4), 5), (rows([("female", "she left.")] * 4), 4), (rows([("male", "he left.")] * 2), 2)],
    ids=["too few", "no men", "no women"],
)
def test_what_is_no_balanced_release_is_refused(pool, size):
    with pytest.raises(ValueError, match=f"{min(size, len(pool))} sentences of {size}.*not a balanced release"):
        contributions.released(pool, size)


# ---- what streams hold -----------------------------------------------------------------------------------------------


def condition(**changes: object) -> dict:
    start = {"uptake": "fine_tune", "style": "varied", "strategy": "counter", "layers": 2, "overlap": 0.0}
    return start | {"pool_size": 2, "defense": "none", "strength": "none", "seed": 1} | changes


BACKGROUND = rows([("male", "he left.")] * 3 + [("female", "she left.")], "background", "usual")
POOL = rows([("female", "she left.")] * 5, "pool", "signal")


def verdicts(accepted: list[bool]) -> pd.DataFrame:
    ids = [*BACKGROUND["contribution_id"], *POOL["contribution_id"]][: len(accepted)]
    score = np.where(accepted, 0.0, 1.0)
    return pd.DataFrame({"contribution_id": ids, "score": score, "accepted": accepted, "reason": ""})


def test_streams_by_hand():
    parts = [
        (condition(pool_size=0, style="none", strategy="none"), BACKGROUND, None, None),
        (condition(), BACKGROUND, POOL, None),
        (condition(defense="tfidf"), BACKGROUND, POOL, verdicts([True, True, False, True, False, True])),
    ]
    streams, filters = summaries.describe_streams(iter(parts), ["signal"])
    columns = ["n_background", "n_pool", "n_accepted", "data_male_share", "pool_male_share", "signal_male_share"]
    expected = [[4, 0, 4, 3 / 4, math.nan, math.nan], [4, 2, 6, 3 / 6, 0, 0], [4, 2, 4, 2 / 4, 0, 0]]
    np.testing.assert_allclose(streams[columns].to_numpy(dtype=float), expected)
    tables.validate(streams, "streams")
    # One of two in the pool rejected, one of four in the background; scores of (1, 0) against (0, 0, 1, 0).
    measures = filters[["recall", "false_positive_rate", "roc_auc", "honest_retention"]]
    np.testing.assert_allclose(measures.to_numpy(), [[1 / 2, 1 / 4, (4 + 0.5 + 0.5 * 3 - 1) / 8, 3 / 4]])
    assert filters["defense"].tolist() == ["tfidf"]
    tables.validate(filters, "filters")


def test_without_filters_their_table_is_empty_and_has_its_columns():
    streams, filters = summaries.describe_streams([(condition(), BACKGROUND, POOL, None)], ["usual"])
    assert filters.empty
    tables.validate(filters, "filters")
    assert streams["signal_male_share"].tolist() == [3 / 4]


def test_a_stream_without_all_verdicts_is_named():
    with pytest.raises(ValueError, match=r"2 contributions have no verdict, the first is pool000"):
        summaries.describe_streams([(condition(), BACKGROUND, POOL, verdicts([True] * 4))], [])
