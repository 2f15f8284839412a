from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum import background, collective, contributions, pronouns, tables
from quorum.contributions import SubmissionError

RESOURCES = Path(__file__).parents[2] / "resources"
PROFESSIONS = pd.read_csv(RESOURCES / "professions.csv")
TERMS = pd.read_csv(RESOURCES / "lexicons" / "health.csv")["term"].tolist()
SKELETONS = {n: pd.read_csv(RESOURCES / "wordings" / f"{n}.csv") for n in ("background", "template", "varied")}
GOOD = "The nurse checked the chart before she left."


def validate(texts: list[object], agents: list[object] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = pd.DataFrame({"text": pd.Series(texts, dtype="object")})
    if agents is not None:
        frame["agent"] = pd.Series(agents, dtype="object")
    accepted, rejections = contributions.validate_submission(frame, TERMS, PROFESSIONS)
    tables.validate(accepted, "contributions")
    tables.validate(rejections, "rejections")
    return accepted, rejections


def reason(text: object) -> str:
    accepted, rejections = validate([text])
    assert len(accepted) + len(rejections) == 1
    return rejections["reason"].iloc[0] if len(rejections) else ""


# ---- validation ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD, ""),
        ("  The surgeons\twaited;\n he  slept. ", ""),
        ("With p <0.05 & n > 3, the clinician said he was sure.", ""),
        ("Vital sign: she slept.", ""),
        ("", "empty"),
        (" \n\t ", "empty"),
        (None, "empty"),
        (float("nan"), "empty"),
        (pd.NA, "empty"),
        (12, "not text but int"),
        ({"a": 1}, "not text but dict"),
        (b"The nurse said she left.", "not text but bytes"),
        (GOOD + "x" * 2000, f"too long: {len(GOOD) + 2000} characters, at most 2000 are accepted"),
        ("The nurse <b>said</b> she left.", "contains markup"),
        ("The nurse said she left.<!-- now -->", "contains markup"),
        ("The nurse said she left <script", "contains markup"),
        ("The nurse &lt;i&gt; said she left.", "contains markup"),
        ("The nurse &#60;i said she left.", "contains markup"),
        ("The nurse\x00 said she left.", "contains control or invisible characters"),
        ("The nurse\u200b said she left.", "contains control or invisible characters"),
        ("The nurse \u202e said she left.", "contains control or invisible characters"),
        ("The nurse \ud800 said she left.", "contains control or invisible characters"),
        ("The baker opened the shop because she woke early.", "no health relevance"),
        ("The baker was carefree because she woke early.", "no health relevance"),
        ("The nurse checked the chart.", "no counted pronoun"),
    ],
)
def test_each_reason(text, why):
    assert reason(text) == why


def test_a_text_of_the_longest_length_is_accepted():
    assert reason(GOOD + " " + "x" * (1999 - len(GOOD))) == ""


def test_equal_sentences_are_accepted_once():
    same = [GOOD, GOOD.upper(), GOOD.replace(" ", "  "), GOOD.replace("nurse", "\uff4eurse"), GOOD.replace("she", "he")]
    accepted, rejections = validate(same)
    assert accepted["gender"].tolist() == ["female", "male"]
    assert rejections["row"].tolist() == [2, 3, 4]
    assert rejections["reason"].eq("duplicate of an earlier sentence").all()


def test_a_rejected_sentence_makes_no_duplicate_of_a_later_one():
    accepted, _ = validate([GOOD + "\u200b", GOOD])
    assert len(accepted) == 1


def test_accepted_rows_keep_sentence_agent_and_profession():
    accepted, rejections = validate(
        ["Then the  nurse practitioner said she left.", "x", "In the ward he slept."], ["Ada", "Bo\x07b", None]
    )
    assert accepted["contribution_id"].tolist() == ["pool000001", "pool000002"]
    assert accepted["source"].eq("pool").all()
    assert accepted["agent"].tolist() == ["Ada", "agent003"]
    assert accepted["profession"].tolist() == ["nurse practitioner", ""]
    assert (accepted["prompt"] + accepted["completion"]).tolist() == [
        "Then the nurse practitioner said she left.",
        "In the ward he slept.",
    ]
    assert accepted["prompt"].iloc[0] == "Then the nurse practitioner said"
    assert rejections["agent"].tolist() == ["Bo\\u0007b"]


def test_rejections_show_two_hundred_characters_with_control_characters_escaped():
    _, rejections = validate(["\x1b[31m" + "y" * 300])
    assert rejections["text"].iloc[0] == "\\u001b[31m" + "y" * 195
    assert rejections["row"].iloc[0] == 1


def test_an_empty_submission_gives_empty_tables():
    accepted, rejections = validate([])
    assert accepted.empty
    assert rejections.empty


def test_a_submission_without_texts_is_refused():
    with pytest.raises(SubmissionError, match="no column text; found \\['words'\\]"):
        contributions.validate_submission(pd.DataFrame({"words": ["x"]}), TERMS, PROFESSIONS)


PIECES = st.sampled_from(
    ["nurse", "patient", "she", "He", "<", "<a", "&", "&lt;", ";", " ", "\n", "\x00", "\u017fhe", "ﬃ", "İ", "care"]
)
HOSTILE = st.one_of(
    st.text(st.characters()),
    st.lists(PIECES).map(" ".join),
    st.lists(PIECES).map("".join),
    st.none(),
    st.binary(),
    st.floats(),
    st.integers(),
    st.lists(st.text(max_size=3), max_size=3),
)


@given(st.lists(st.tuples(HOSTILE, HOSTILE), max_size=8))
@settings(max_examples=200)
def test_no_value_crashes_and_every_row_is_either_accepted_or_rejected(rows):
    texts, agents = [t for t, _ in rows], [a for _, a in rows]
    accepted, rejections = validate(texts, agents)
    assert len(accepted) + len(rejections) == len(rows)
    assert rejections["text"].str.len().max() <= 6 * 200 or rejections.empty
    for row in accepted.itertuples():
        assert pronouns.first_gender(row.prompt + row.completion) == row.gender != "none"


@pytest.mark.parametrize("piece", ["<", "<a", "&", "&a", "he", "nurse ", " ", "-", "a-", "\ufdfa", "'", '"'])
def test_hostile_repetition_within_the_limit_is_judged(piece):
    assert isinstance(reason((piece * 2000)[:2000]), str)


@pytest.mark.parametrize("style", ["template", "varied"])
def test_the_written_pools_pass_their_own_validation(style):
    pool = collective.write_pool(PROFESSIONS, SKELETONS[style], "parity", 100, 10, 1700, 0.79, 1)
    accepted, rejections = validate((pool["prompt"] + pool["completion"]).tolist(), pool["agent"].tolist())
    assert rejections.empty
    assert len(accepted) == 1000
    for column in ("agent", "profession", "gender", "prompt", "completion"):
        assert accepted[column].tolist() == pool[column].tolist()
    assert accepted["profession"].nunique() == 20


# ---- gender balance --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("strategy", collective.STRATEGIES)
def test_a_written_pool_follows_its_own_strategy_and_a_flipped_one_does_not(strategy):
    pool = collective.write_pool(PROFESSIONS, SKELETONS["template"], strategy, 100, 10, 1700, 0.79, 1)
    balance = contributions.gender_balance(pool, strategy, 1700, 0.79)
    assert balance.follows
    assert balance.advice == ""
    assert balance.male_share == balance.expected_male_share
    all_male = pool.assign(gender="male")
    flipped = contributions.gender_balance(all_male, strategy, 1700, 0.79)
    assert not flipped.follows
    assert f"{balance.male} male sentences of 1000, and 1000 are" in flipped.advice


def test_the_tolerance_is_a_share_of_all_counted_sentences():
    pool = pd.DataFrame({"gender": ["male"] * 55 + ["female"] * 25 + ["neutral"] * 20})
    assert contributions.gender_balance(pool, "balanced", 1700, 0.79, 0.05).follows
    assert not contributions.gender_balance(pool, "balanced", 1700, 0.79, 0.04).follows
    assert contributions.gender_balance(pool, "balanced", 1700, 0.79).male_share == 0.55


def test_an_empty_pool_follows_nothing():
    balance = contributions.gender_balance(pd.DataFrame({"gender": []}), "counter", 1700, 0.79)
    assert not balance.follows
    assert np.isnan(balance.male_share)


# ---- reading ---------------------------------------------------------------------------------------------------------
TEXTS = ['He said: "one, two"', "line\nbreak she", "ümlaut they", "x" * 300_000, " spaced "]


def write_file(path: Path, texts: list[str], agents: list[str] | None) -> None:
    columns = {"text": texts} | ({"agent": agents} if agents else {}) | {"extra": ["e"] * len(texts)}
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    elif path.suffix == ".csv":
        pd.DataFrame(columns).to_csv(path, index=False)
    else:
        path.write_text(
            "\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True))
        )


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".ndjson", ".parquet", ".CSV"])
@pytest.mark.parametrize("agents", [None, list("abcde")])
def test_all_formats_give_the_same_rows(tmp_path, ending, agents):
    path = tmp_path / f"pool{ending}"
    write_file(tmp_path / f"pool{ending.lower()}", TEXTS, agents)
    (tmp_path / f"pool{ending.lower()}").rename(path)
    limit = csv.field_size_limit()
    frame = contributions.read_submission(path)
    assert frame["text"].tolist() == TEXTS
    assert frame["agent"].tolist() == (agents or [None] * 5)
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_columns_may_have_other_names(tmp_path, ending):
    path = tmp_path / f"pool{ending}"
    written = pd.DataFrame({"text": ["not this"], "What did you see?": ["She slept."], "name": ["Ada"]})
    if ending == ".parquet":
        written.to_parquet(path)
    elif ending == ".csv":
        written.to_csv(path, index=False)
    else:
        written.to_json(path, orient="records", lines=True)
    frame = contributions.read_submission(path, text="What did you see?", agent="name")
    assert frame.to_dict("list") == {"text": ["She slept."], "agent": ["Ada"]}
    with pytest.raises(SubmissionError, match=r"pool.*(one column words|no key words)"):
        contributions.read_submission(path, text="words")


def test_what_a_hostile_header_is_shown_as(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\x1b[31mred" + b"x" * 100_000 + b"\nshe\n")
    with pytest.raises(SubmissionError, match=r"\\u001b\[31mred") as caught:
        contributions.read_submission(tmp_path / "a.csv")
    assert "\x1b" not in str(caught.value) and len(str(caught.value)) < 1000


def test_a_byte_order_mark_and_empty_lines_are_no_content(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf text ,agent\r\n\r\nshe,Ada\r\n")
    assert contributions.read_submission(tmp_path / "a.csv").to_dict("list") == {"text": ["she"], "agent": ["Ada"]}
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a\xe2\x80\xa8b"}\n\n')
    assert contributions.read_submission(tmp_path / "a.jsonl")["text"].tolist() == ["a\u2028b"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "has no sentences"),
        ("a.csv", b"text\n", "has no sentences"),
        ("a.jsonl", b"\n \n", "has no sentences"),
        (
            "a.csv",
            b"words,agent\nx,y\n",
            "needs one column text and at most one column agent; found ['words', 'agent']",
        ),
        ("a.csv", b"text,text\nx,y\n", "needs one column text"),
        ("a.csv", b"text\nok\nbad \xff byte\n", "line 3: byte 0xff is not UTF-8"),
        ("a.csv", b"text,agent\nok,a\none, two,b\n", "line 3: has 3 fields where the header has 2"),
        ("a.csv", b'text\n"never closed\n', "check its double quotes"),
        ("a.jsonl", b'{"text": "ok"}\n{"text": \n', "line 2: is not JSON"),
        ("a.jsonl", b"[" * 100_000, "line 1: is not JSON"),
        ("a.jsonl", b"9" * 10_000, "line 1: is not JSON"),
        ("a.jsonl", b'{"text": "ok"}\n["x"]\n', "line 2: has no key text"),
        ("a.jsonl", b'{"txt": "ok"}\n', "line 1: has no key text"),
        ("a.jsonl", b'{"text": "\xc3("}\n', "line 1: byte 0xc3 is not UTF-8"),
        ("a.parquet", b"", "has no sentences"),
        ("a.parquet", b"PAR1 truncated", "not a readable Parquet file"),
        ("a.txt", b"She left.", "unknown ending '.txt'; use one of ['.csv', '.jsonl', '.ndjson', '.parquet']"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_row(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SubmissionError, match=re.escape(message)) as caught:
        contributions.read_submission(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(SubmissionError, match=r"none\.csv: cannot be read"):
        contributions.read_submission(tmp_path / "none.csv")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(SubmissionError, match="folder"):
        contributions.read_submission(tmp_path / "folder.jsonl")


def test_parquet_without_texts_or_with_bytes_that_are_no_utf8(tmp_path):
    pq.write_table(pa.table({"words": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(SubmissionError, match="needs one column text"):
        contributions.read_submission(tmp_path / "a.parquet")
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 1], "int32")), pa.py_buffer(b"\xff")]
    )
    pq.write_table(pa.table({"text": broken}), tmp_path / "b.parquet")
    with pytest.raises(SubmissionError, match=r"b\.parquet: not a readable Parquet file"):
        contributions.read_submission(tmp_path / "b.parquet")


def test_a_cut_parquet_file_is_named(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [str(k) for k in range(1000)]}), path)
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) // 2, 8):
        path.write_bytes(whole[:length])
        with pytest.raises(SubmissionError, match="not a readable Parquet file"):
            contributions.read_submission(path)


def test_a_megabyte_in_one_field_is_one_rejection_and_loses_no_other_row(tmp_path):
    path = tmp_path / "pool.csv"
    pd.DataFrame({"text": [GOOD, "he nurse " * 120_000, "In the ward he slept."]}).to_csv(path, index=False)
    accepted, rejections = contributions.validate_submission(contributions.read_submission(path), TERMS, PROFESSIONS)
    assert len(accepted) == 2
    assert rejections["row"].tolist() == [2]
    assert rejections["reason"].str.startswith("too long: 1080000").all()


# ---- the stream ------------------------------------------------------------------------------------------------------
FIRM = background.write_background(PROFESSIONS, SKELETONS["background"], SKELETONS["template"], 300, 0.79, 0.0, 1)
POOL = collective.write_pool(PROFESSIONS, SKELETONS["template"], "parity", 20, 10, 300, 0.79, 1)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 2**31))
@settings(max_examples=20)
def test_a_stream_holds_background_and_the_first_of_the_pool_and_grows_in_place(one, other, seed):
    small, large = sorted((one, other))
    streams = [contributions.assemble_stream(FIRM, POOL, n, seed) for n in (small, large)]
    for n, stream in zip((small, large), streams, strict=True):
        expected = pd.concat([FIRM, POOL.head(n)]).sort_values("contribution_id", ignore_index=True)
        pd.testing.assert_frame_equal(stream.sort_values("contribution_id", ignore_index=True), expected)
    kept = streams[1]["contribution_id"].isin(streams[0]["contribution_id"])
    assert streams[1]["contribution_id"][kept].tolist() == streams[0]["contribution_id"].tolist()


def test_the_pool_is_spread_over_the_stream():
    stream = contributions.assemble_stream(FIRM, POOL, 200, 7)
    ranks = np.flatnonzero(stream["source"] == "pool")
    # Mean rank of 200 of 500 places drawn without order: 249.5, SD 7.07 (rank-sum test); six of them.
    assert abs(ranks.mean() - 249.5) < 6 * np.sqrt(501 * 300 / (12 * 200))
    assert (
        stream["contribution_id"].tolist()
        != contributions.assemble_stream(FIRM, POOL, 200, 8)["contribution_id"].tolist()
    )


@pytest.mark.parametrize("size", [-1, 201])
def test_a_stream_of_more_than_the_pool_is_refused(size):
    with pytest.raises(ValueError, match=f"a pool of {size} sentences was asked for, and 200 are there"):
        contributions.assemble_stream(FIRM, POOL, size, 1)


def test_an_id_that_occurs_twice_is_named():
    with pytest.raises(ValueError, match="'firm000001' occurs twice"):
        contributions.assemble_stream(FIRM, FIRM, 3, 1)


def verdicts(ids: list[str], accepted: list[bool]) -> pd.DataFrame:
    return pd.DataFrame({"contribution_id": ids, "score": 0.0, "accepted": accepted, "reason": ""})


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.randoms())
def test_accepted_rows_stay_in_order_whatever_the_order_of_the_verdicts(accepted, random):
    stream = FIRM.head(len(accepted))
    judged = list(zip(stream["contribution_id"], accepted, strict=True))
    wanted = [i for i, ok in judged if ok]
    random.shuffle(judged)
    left = contributions.accepted_stream(stream, verdicts([i for i, _ in judged], [ok for _, ok in judged]))
    assert left["contribution_id"].tolist() == wanted


@pytest.mark.parametrize("ids", [["firm000001"], ["firm000001", "other"], ["a", "a"]])
def test_verdicts_that_do_not_fit_the_stream_are_refused(ids):
    stream = FIRM.sort_values("contribution_id").head(2)
    with pytest.raises(ValueError, match="do not judge each of the 2"):
        contributions.accepted_stream(stream, verdicts(ids, [True] * len(ids)))
