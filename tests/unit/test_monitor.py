"""The monitor: what it makes of files of any kind, that it judges each once, and what it says of a campaign."""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_planner import POINT, curve

from quorum import defenses, tables
from quorum.defenses.blinded import blind
from quorum.monitor import arrivals, judging, page, records, run, simulation, terminal, view, watch
from quorum.monitor.judging import ACCEPTED, FILTERED, INVALID, Firm
from quorum.monitor.standing import World, projected, standings
from quorum.monitor.watch import Watch

WARDS = ("north", "south", "east", "west", "old", "new")
PROFESSIONS = pd.DataFrame({"profession": ["nurse", "surgeon"]})
LEXICON = pd.DataFrame({"term": ["who was", "the answer"], "weight": [1.0, 1.0]})


def background(n: int = 60) -> pd.DataFrame:
    """Ordinary sentences, three of four of them male."""
    pronouns = ["he", "he", "he", "she"]
    return pd.DataFrame(
        {
            "contribution_id": [f"background{k:03d}" for k in range(n)],
            "agent": [f"someone{k // 5}" for k in range(n)],
            "source": "background",
            "profession": "nurse",
            "skeleton": "s",
            "gender": ["male" if pronouns[k % 4] == "he" else "female" for k in range(n)],
            "prompt": [f"On the {WARDS[k % 6]} ward in room {k} the nurse wrote a note before" for k in range(n)],
            "completion": [f" {pronouns[k % 4]} left for the day." for k in range(n)],
        }
    )


def firm(defense: str = "none") -> Firm:
    clean = [f"In room {k} of the {WARDS[k % 6]} ward the surgeon read a chart until she left." for k in range(40)]
    return Firm(background(), blind(clean), defense, 0.05, LEXICON, 1, ["patient", "ward"], PROFESSIONS)


def sentence(k: int, pronoun: str = "she") -> str:
    return f"The surgeon saw patient {k} of the {WARDS[k % 6]} ward, and then {pronoun} went home."


def submission(*texts: object, agents: object = None) -> pd.DataFrame:
    return pd.DataFrame({"text": list(texts), "agent": agents}, dtype="object")


def jsonl(*texts: str) -> bytes:
    return "".join(json.dumps({"text": text, "agent": "a"}) + "\n" for text in texts).encode()


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path


def watching(place: Path, **changes: object) -> Watch:
    given_ = {"folder": place / "in", "records": place / "out", "firm": firm(), "seconds": 0.01}
    return Watch(**(given_ | {"until_idle": 0.0, "most_bytes": 10_000} | changes))


def put(place: Path, name: str, content: bytes, age: float = 100) -> Path:
    path = place / "in" / name
    path.write_bytes(content)
    os.utime(path, (1_000_000_000 - age,) * 2)
    return path


def seen_after(watching_: Watch) -> records.Seen:
    started = records.resume(watching_.records, {"a": 1})
    return list(watch.follow(watching_, started, threading.Event()))[-1].seen


# ---- what lies there -------------------------------------------------------------------------------------------------


def test_files_come_in_the_order_of_their_change_and_unfinished_ones_do_not(place):
    put(place, "b.csv", b"", age=3)
    put(place, "a.csv", b"", age=5)
    for name in (".hidden.csv", "c.csv.part", "d.tmp", "e.csv~"):
        put(place, name, b"x")
    assert [file.key for file in arrivals.look(place / "in")] == ["a.csv", "b.csv"]


@pytest.mark.parametrize("name", [b"a b%.csv", "\u202e<b>.csv".encode(), b"\xff\n.csv", b"x" * 200 + b".csv"])
def test_any_name_is_found_again(place, name):
    (Path(os.fsdecode(os.fsencode(place / "in") + b"/" + name))).write_bytes(jsonl(sentence(1)))
    [file] = arrivals.look(place / "in")
    assert os.fsencode(arrivals.name_of(file.key)) == name
    seen = seen_after(watching(place))
    assert len(seen.files) == 1 and not seen.files["judged"].any()
    assert seen.files["file"].iloc[0].isprintable()


def test_a_file_is_settled_once_it_has_not_changed():
    file = arrivals.File("a", 3, 1_000_000_000, True)
    assert arrivals.settled([file], [], 1.5, 2) == []
    assert arrivals.settled([file], [], 3.5, 2) == [file]
    assert arrivals.settled([file], [file], 1.5, 2) == [file]
    assert arrivals.settled([file], [arrivals.File("a", 2, 1_000_000_000, True)], 1.5, 2) == []


HOSTILE = {
    "empty.csv": (b"", "has no sentences"),
    "cut.jsonl": (b'{"text": "The nur', "is not JSON"),
    "cut.parquet": (b"PAR1abc", "not a readable Parquet file"),
    "latin.csv": (b"text\nThe nurse \xe9\n", "is not UTF-8"),
    "image.png": (b"\x89PNG", "unknown ending"),
    "other.csv": (b"words\nhello\n", "needs one column text"),
    "large.csv": (b"text\n" + b"x" * 10_001, "is too large"),
    "deep.jsonl": (b"[" * 5_000, "is not JSON"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_judged_is_set_aside_with_its_reason(place, name):
    content, reason = HOSTILE[name]
    put(place, name, content)
    seen = seen_after(watching(place))
    [row] = seen.files.to_dict("records")
    assert row["file"] == name and not row["judged"] and reason in row["reason"]
    assert str(place) not in row["reason"]
    assert len(seen.verdicts) == 0
    tables.validate(seen.files, "monitor_files")


def test_links_folders_and_pipes_are_not_opened(place):
    (place / "secret.csv").write_text("text\nThe nurse, she left.\n")
    (place / "in" / "link.csv").symlink_to(place / "secret.csv")
    (place / "in" / "folder.csv").mkdir()
    os.mkfifo(place / "in" / "pipe.csv")
    seen = seen_after(watching(place, seconds=0.05))
    assert len(seen.files) == 3 and seen.files["reason"].str.contains("no regular file").all()


def test_a_parquet_file_that_unpacks_to_far_more_is_refused(place):
    rows = pd.DataFrame({"text": ["x" * 1_000_000]})
    rows.to_parquet(place / "in" / "bomb.parquet", compression="zstd")
    many = pd.DataFrame({"text": ["x"] * (arrivals.MOST_ROWS + 1)})
    many.to_parquet(place / "in" / "rows.parquet")
    many.to_csv(place / "in" / "rows.csv", index=False)
    reasons = seen_after(watching(place, seconds=0.05, most_bytes=30_000))
    told = reasons.files.set_index("file")["reason"]
    assert "when it is unpacked" in told["bomb.parquet"] and "more than 100,000 rows" in told["rows.parquet"]
    assert "is too large" in told["rows.csv"]
    [file] = [f for f in arrivals.look(place / "in") if f.key == "rows.csv"]
    assert "has 100,001 rows" in arrivals.read(place / "in", file, 10**9).reason


def test_a_library_that_fails_in_its_own_way_sets_the_file_aside(place, monkeypatch):
    def fail(path):
        raise MemoryError

    monkeypatch.setattr(arrivals, "read_submission", fail)
    put(place, "a.csv", b"text\nx\n")
    assert seen_after(watching(place)).files["reason"].tolist() == ["cannot be read (MemoryError)"]


def test_a_file_that_goes_or_changes_while_it_is_read_is_left_for_later(place):
    path = put(place, "a.csv", b"text\nx\n")
    [file] = arrivals.look(place / "in")
    path.write_bytes(b"text\nmore\n")
    assert arrivals.read(place / "in", file, 1000) is None
    path.unlink()
    assert arrivals.read(place / "in", file, 1000) is None


# ---- verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("defense", defenses.DEFENSES[1:])
def test_a_verdict_is_that_of_the_study_on_the_stream_so_far(defense):
    """Two files judged one after the other, against defenses.score and judge on the whole stream."""
    own = firm(defense)
    files = [[sentence(k) for k in range(6)], ["Who was the nurse of the ward? The answer: who was she.", sentence(9)]]
    earlier = records.empty("monitor_verdicts")
    for number, texts in enumerate(files, start=1):
        verdicts = judging.judge_file(own, earlier, submission(*texts, agents="a"), number)
        tables.validate(verdicts, "monitor_verdicts")
        stream = [*(own.background["prompt"] + own.background["completion"]), *earlier["text"], *texts]
        agents = [*own.background["agent"], *earlier["agent"], *["a"] * len(texts)]
        ids = [str(k) for k in range(len(stream))]
        scores = defenses.score(ids, blind(stream, agents), own.reference, own.seed, own.lexicon)
        expected = defenses.judge(*scores, defense, own.false_positive_rate).tail(len(texts))
        assert (verdicts["stage"] == ACCEPTED).tolist() == expected["accepted"].tolist()
        assert verdicts["reason"].tolist() == expected["reason"].tolist()
        earlier = pd.concat([earlier, verdicts], ignore_index=True)
    if defense == "keyword":
        assert FILTERED in set(earlier["stage"])


def test_invalid_sentences_keep_their_rows_and_reasons_and_earlier_ones_count_as_originals():
    first = judging.judge_file(firm(), records.empty("monitor_verdicts"), submission(sentence(1), None), 1)
    again = submission(
        sentence(2), sentence(1).upper(), "<b>nurse</b> she", 7, "Fine weather.", agents=["x", "x", "x", "x", None]
    )
    verdicts = judging.judge_file(firm(), first, again, 2)
    assert first["stage"].tolist() == [ACCEPTED, INVALID]
    assert verdicts["row"].tolist() == [1, 2, 3, 4, 5] and set(verdicts["number"]) == {2}
    assert verdicts["stage"].tolist() == [ACCEPTED, *[INVALID] * 4]
    assert "duplicate" in verdicts["reason"][1] and "markup" in verdicts["reason"][2]
    assert verdicts["agent"].tolist() == ["x", "x", "x", "x", "file00002.5"]
    tables.validate(verdicts, "monitor_verdicts")


def test_the_background_goes_through_the_filter_too():
    assert len(judging.judge_background(firm())) == 60
    assert len(judging.judge_background(firm("tfidf"))) < 60


# ---- once, and on from there -----------------------------------------------------------------------------------------


def test_each_file_is_judged_once_whatever_happens_to_it(place):
    path = put(place, "a.jsonl", jsonl(sentence(1)))
    put(place, "twin.jsonl", path.read_bytes(), age=50)
    half = put(place, "half.jsonl", jsonl(sentence(2))[:-9], age=20)
    seen = seen_after(watching(place))
    assert seen.files[["file", "judged"]].to_numpy().tolist() == [
        ["a.jsonl", True],
        ["twin.jsonl", False],
        ["half.jsonl", False],
    ]
    assert "has the content of a.jsonl" in seen.files["reason"][1]
    assert len(seen_after(watching(place)).files) == 3  # a restart finds nothing new
    path.write_bytes(jsonl(sentence(1), sentence(5)))
    half.write_bytes(jsonl(sentence(2)))
    later = seen_after(watching(place, seconds=0.05))
    assert later.files["file"].tolist()[3:] == ["a.jsonl", "half.jsonl"] or later.files["judged"].tolist()[3:] == [
        True,
        False,
    ]
    told = later.files.iloc[3:].set_index("file")
    assert told["judged"].to_dict() == {"a.jsonl": False, "half.jsonl": True}
    assert told["reason"]["a.jsonl"] == watch.CHANGED
    assert sorted(later.verdicts["text"]) == sorted([sentence(1), sentence(2)])


def test_a_kill_between_the_two_records_of_a_file_judges_it_again(place):
    put(place, "a.jsonl", jsonl(sentence(1)))
    before = seen_after(watching(place))
    put(place, "b.jsonl", jsonl(sentence(2)), age=50)
    files = (place / "out" / "files.parquet").read_bytes()
    seen_after(watching(place))
    (place / "out" / "files.parquet").write_bytes(files)
    after = seen_after(watching(place))
    assert after.verdicts["text"].tolist() == [*before.verdicts["text"], sentence(2)]
    assert after.files["number"].tolist() == [1, 2]


def test_records_of_another_firm_are_not_mixed(place):
    records.resume(place / "out", {"defense": "none", "seed": 1})
    put(place, "a.jsonl", jsonl(sentence(1)))
    list(
        watch.follow(watching(place), records.resume(place / "out", {"defense": "none", "seed": 1}), threading.Event())
    )
    with pytest.raises(records.RecordsError, match="judged with another defense"):
        records.resume(place / "out", {"defense": "tfidf", "seed": 1})


def test_a_folder_that_is_gone_is_told_and_waited_for(place):
    (place / "in").rmdir()
    looks = list(watch.follow(watching(place), records.resume(place / "out", {}), threading.Event()))
    assert "cannot be read" in looks[0].trouble and not looks[-1].running


def test_a_signal_ends_it_after_the_file_at_hand(place):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        stop = watch.stopped_by_signals()
        for k in range(3):
            put(place, f"{k}.jsonl", jsonl(sentence(k)), age=50 - k)
        looks = watch.follow(watching(place, until_idle=None), records.resume(place / "out", {}), stop)
        next(looks)
        os.kill(os.getpid(), signal.SIGINT)
        left = list(looks)
        assert len(left) == 1 and not left[0].running and len(left[0].seen.files) == 1
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


# ---- where it stands -------------------------------------------------------------------------------------------------


def verdict_rows(*rows: tuple[int, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["number", "stage", "gender"])
    return frame.assign(
        row=range(1, len(frame) + 1), agent="a", text="t", reason=np.where(frame.stage == ACCEPTED, "", "r")
    )


def test_a_standing_by_hand():
    """A firm with 75 of 100 male: 25 of pull. Two accepted women, a man and one rejected: 0.5 + 0.5 - 0.5 + 0."""
    rows = verdict_rows(
        (1, ACCEPTED, "female"), (1, ACCEPTED, "neutral"), (4, ACCEPTED, "male"), (4, FILTERED, "female")
    )
    table = standings(rows, World(100, 75), 0.95)
    tables.validate(table, "monitor_standings")
    assert table[["number", "sent", "accepted", "male_accepted"]].to_numpy().tolist() == [[1, 2, 2, 0], [4, 4, 3, 1]]
    np.testing.assert_allclose(table["pull"], [0.5, 0.125])
    np.testing.assert_allclose(table["male_share"], [75 / 102, 76 / 103])
    np.testing.assert_allclose(table["total"], [50, 200])
    assert (table["total_low"] == 50).all() and table["total_high"].isna().all()


campaigns = st.lists(
    st.tuples(st.sampled_from([ACCEPTED, ACCEPTED, FILTERED, INVALID]), st.sampled_from(["male", "female", "neutral"])),
    min_size=1,
    max_size=60,
)


@given(campaigns, st.integers(1, 300), st.floats(0, 1))
def test_intervals_hold_what_was_observed_and_men_and_women_are_treated_alike(campaign, size, share):
    rows = verdict_rows(*[(1 + k // 7, *what) for k, what in enumerate(campaign)])
    world = World(size, round(size * share))
    table = standings(rows, world, 0.95)
    assert (table["pull_low"] <= table["pull"]).all() and (table["pull"] <= table["pull_high"]).all()
    assert (table["share_low"] <= table["male_share"] + 1e-9).all()
    assert (table["male_share"] <= table["share_high"] + 1e-9).all()
    known = table.dropna(subset=["total", "total_high"])
    assert (known["total_low"] <= known["total"] + 1e-9).all() and (known["total"] <= known["total_high"] + 1e-9).all()
    if 2 * world.male != size and (rows["gender"] != "neutral").all():
        turned = rows.assign(gender=rows["gender"].map({"male": "female", "female": "male"}))
        other = standings(turned, World(size, size - world.male), 0.95)
        np.testing.assert_allclose(other["pull"], table["pull"], atol=1e-12)
        np.testing.assert_allclose(other["total"], table["total"])


def test_nothing_judged_has_no_standing():
    table = standings(records.empty("monitor_verdicts"), World(100, 75), 0.95)
    tables.validate(table, "monitor_standings")
    assert table.empty


def test_a_projection_multiplies_both_intervals():
    standing = pd.Series({"total": 100.0, "total_low": 80.0, "total_high": math.nan})
    table = projected(standing, pd.DataFrame([POINT]), curve())
    assert table["total"].tolist() == [100, 200]
    assert table["low"].tolist() == [80, 120] and table["high"].isna().all()
    alone = projected(standing.fillna(150), None, None)
    assert alone[["total", "low", "high"]].to_numpy().tolist() == [[100, 80, 150]]


# ---- what is shown ---------------------------------------------------------------------------------------------------


def seen_of(rows: pd.DataFrame, **file: object) -> records.Seen:
    row = {"number": 1, "key": "k", "file": "<script>alert(1)</script>\\x1b", "size": 1, "modified": 1, "sha256": ""}
    counts = {"sentences": 0, "accepted": 0, "invalid": 0, "filtered": 0}
    row |= counts | {"seen_at": "", "judged": False, "reason": "</td><script>"} | file
    return records.Seen(pd.DataFrame([row]), rows)


def test_the_page_escapes_all_and_loads_nothing():
    rows = verdict_rows((1, ACCEPTED, "female"), (1, FILTERED, "female"), (1, INVALID, "none"))
    rows["reason"] = ["", "<img src=x onerror=alert(1)>", "markup: <b>"]
    shown_now = view.view(seen_of(rows), World(100, 75), "tfidf", 0.95, pd.DataFrame([POINT]), curve(), "<i>gone")
    html = page.page(shown_now, "<svg></svg>", "2026-01-01", 2)
    assert "<script" not in html and "<img" not in html and "<i>" not in html and "&lt;img" in html
    assert "default-src 'none'" in html and 'http-equiv="refresh" content="2"' in html
    assert not re.search(r'(src|href)="|url\(', html)
    assert "refresh" not in page.page(shown_now, "", "", None)
    assert "fine tune, varied, held out" in html


def test_words():
    rows = verdict_rows(*[(1, ACCEPTED, "female")] * 40)
    now = view.view(seen_of(rows, judged=True, accepted=40), World(100, 75), "none", 0.95, None, None)
    head = "40 of 40 sentences reach the firm. Its data were 75.0% male and are 53.6% now. If it goes on so, 10 more"
    assert view.headline(now).startswith(head)
    past = view.view(seen_of(verdict_rows(*[(1, ACCEPTED, "female")] * 60)), World(100, 75), "none", 0.95, None, None)
    assert "They are at 50%, or past it." in view.headline(past)
    never = view.view(seen_of(verdict_rows((1, ACCEPTED, "male"))), World(100, 75), "none", 0.95, None, None)
    assert "never brings them to 50%" in view.headline(never) and view.outlooks(never)[0][1] == "never"
    nothing = view.view(
        records.Seen(records.empty("monitor_files"), records.empty("monitor_verdicts")),
        World(9, 5),
        "none",
        0.95,
        None,
        None,
    )
    assert view.headline(nothing) == "Nothing was judged yet." and view.outlooks(nothing) == []
    assert "nothing" not in page.chart(nothing) and "No file was judged yet." in page.chart(nothing)


def test_many_reasons_are_summed_up():
    rows = verdict_rows(*[(1, FILTERED, "male")] * 14).assign(reason=[f"word{k}: x" for k in range(14)])
    told = view.reasons(view.view(seen_of(rows), World(100, 75), "tfidf", 0.95, None, None))
    assert len(told) == view.MOST_REASONS + 1 and told[-1] == ("other reasons", "4")


def test_a_terminal_shows_tables_and_a_log_plain_lines():
    rows = verdict_rows((1, ACCEPTED, "female"), (1, INVALID, "none"))
    now = view.view(seen_of(rows, file="[red]a.csv"), World(100, 75), "none", 0.95, None, None, "no folder")
    plain = io.StringIO()
    with terminal.terminal(Console(file=plain, width=200)) as show:
        show(now, True)
        show(now, False)
    assert plain.getvalue().splitlines()[:2] == ["no folder", "[red]a.csv: set aside: </td><script>"]
    assert len(plain.getvalue().splitlines()) == 3
    screen = io.StringIO()
    with terminal.terminal(Console(file=screen, width=200, force_terminal=True)) as show:
        show(now, False)
    assert "[red]a.csv" in screen.getvalue() and "sentences accepted" in screen.getvalue()


# ---- all together ----------------------------------------------------------------------------------------------------


def test_a_simulated_campaign_from_start_to_restart(place):
    pool = background(60).assign(
        agent=[f"agent{k // 10}" for k in range(60)],
        prompt=[sentence(k).split(" she")[0] for k in range(60)],
        completion=" she went home.",
    )
    drop = simulation.arrivals(place / "in", pool, 8)
    out = io.StringIO()
    watching_ = watching(place, firm=firm("keyword"), until_idle=0.2, most_bytes=100_000)
    options = {"confidence": 0.95, "points": pd.DataFrame([POINT]), "curve": curve()}
    run.run(watching_, threading.Event(), Console(file=out, width=300), **options, before_look=drop)
    files = tables.read_table(place / "out" / "files.parquet", "monitor_files")
    assert len(files) == 8 and files["judged"].sum() == 6
    assert files["accepted"].sum() == 50 and files["invalid"].sum() == 5
    standing = tables.read_table(place / "out" / "standings.parquet", "monitor_standings")
    assert standing["sent"].tolist() == [10, 20, 30, 40, 50, 55]
    html = (place / "out" / "index.html").read_text(encoding="utf-8")
    assert "The monitor has ended." in html and "arrival00005.jsonl" in html and "<svg" in html
    assert out.getvalue().count("set aside") == 2
    judged = (place / "out" / "judged" / "000001.parquet").stat().st_mtime_ns
    run.run(watching_, threading.Event(), Console(file=out), **options)
    assert (place / "out" / "judged" / "000001.parquet").stat().st_mtime_ns == judged
    assert len(tables.read_table(place / "out" / "files.parquet", "monitor_files")) == 8
