from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import zlib
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest
from kept_answers import MANNER, kept, write_all

from quorum import tables
from quorum.endpoint import exchange, recovery
from quorum.endpoint.cache import Cache
from quorum.endpoint.claims import Claims
from quorum.endpoint.storage import StorageError, open_database


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "folder" / "answers.sqlite")


def test_what_is_stored_is_found_whole(cache):
    stored = [kept(i) for i in range(3)]
    assert cache.store(stored) == 3
    keys = [one.key for one in stored]
    assert cache.look_up(keys) == {one.key: one.answer for one in stored}
    assert list(cache.kept(keys)) == sorted(stored, key=lambda one: one.key)


def test_what_is_not_there_is_not_found(cache):
    cache.store([kept(1)])
    assert cache.look_up([kept(2).key]) == {}
    assert cache.look_up([]) == {}


def test_more_keys_than_one_statement_takes(cache):
    stored = [kept(i) for i in range(1203)]
    cache.store(stored)
    assert cache.look_up(one.key for one in stored) == {one.key: one.answer for one in stored}


def test_an_answer_is_never_replaced(cache):
    first = kept(1)
    cache.store([first])
    assert cache.store([replace(first, answer=replace(first.answer, text="another"))]) == 0
    assert cache.look_up([first.key])[first.key].text == first.answer.text


def test_what_was_stored_outlives_the_process_that_stored_it(tmp_path):
    path = tmp_path / "answers.sqlite"
    program = (
        "import os, sys; sys.path[:0] = sys.argv[2:]\n"
        "from quorum.endpoint.cache import Cache; from kept_answers import kept\n"
        "cache = Cache(sys.argv[1]); cache.store([kept(1)]); os.kill(os.getpid(), 9)"
    )
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "scripts")]
    assert subprocess.run([sys.executable, "-c", program, path, *folders], check=False).returncode == -9
    assert list(Cache(path).look_up([kept(1).key])) == [kept(1).key]


def test_eight_processes_write_one_cache_and_nothing_is_lost_or_there_twice(tmp_path):
    """Each writes what two others write as well, in an order of its own, and all of them make the file."""
    path, n, each = tmp_path / "answers.sqlite", 8, 60
    jobs = []
    for process in range(n):
        numbers = [i % (n * each) for i in range(process * each, (process + 3) * each)]
        random.Random(process).shuffle(numbers)
        jobs.append((path, numbers))
    with get_context("spawn").Pool(n) as pool:
        new = pool.starmap(write_all, jobs, chunksize=1)
    assert sum(new) == n * each
    keys = [kept(i).key for i in range(n * each)]
    assert {key: answer.text for key, answer in Cache(path).look_up(keys).items()} == {
        kept(i).key: kept(i).answer.text for i in range(n * each)
    }
    rows = sqlite3.connect(path).execute("SELECT count(*), count(DISTINCT key) FROM answers").fetchone()
    assert rows == (n * each, n * each)


# ---- damage ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(tmp_path) -> Path:
    """The file of a cache of 400 answers, with nothing left in its log."""
    path = tmp_path / "answers.sqlite"
    cache = Cache(path)
    cache.store([kept(i) for i in range(400)])
    cache.close()
    assert not Path(f"{path}-wal").exists()
    return path


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def fill_with_noise(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def put_noise_into_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(random.Random(1).randbytes(4 * 4096))


@pytest.mark.parametrize("damage", [cut_in_half, fill_with_noise, put_noise_into_the_middle])
def test_a_damaged_file_is_named_and_set_aside_unchanged(filled, damage):
    damage(filled)
    content = filled.read_bytes()
    with pytest.raises(StorageError, match=r"answers\.sqlite: is damaged .* lies as .*answers\.sqlite\.damaged-"):
        Cache(filled)
    (aside,) = filled.parent.glob("answers.sqlite.damaged-*Z")
    assert aside.read_bytes() == content
    assert not filled.exists()


def test_nothing_begins_anew_beside_a_damaged_file(filled):
    """Else a job that comes later would pay for everything again, unasked."""
    cut_in_half(filled)
    for _ in range(2):
        with pytest.raises(StorageError, match="damaged"):
            Cache(filled)
    (aside,) = filled.parent.glob("answers.sqlite.damaged-*Z")
    shutil.move(aside, filled.parent / "elsewhere")
    assert Cache(filled).look_up([kept(1).key]) == {}


@pytest.mark.parametrize(
    ("damage", "least"), [(cut_in_half, 100), (put_noise_into_the_middle, 300), (fill_with_noise, 0)]
)
def test_what_is_whole_in_a_damaged_file_is_taken_over(filled, damage, least):
    damage(filled)
    with pytest.raises(StorageError, match="recover_answers"):
        Cache(filled)
    (aside,) = filled.parent.glob("answers.sqlite.damaged-*Z")
    content = aside.read_bytes()
    (new,) = recovery.recover(filled).values()
    all_of_them = {kept(i).key: kept(i) for i in range(400)}
    found = list(Cache(filled).kept(all_of_them))
    assert least <= len(found) == new < 400
    assert all(all_of_them[one.key] == one for one in found)
    assert aside.read_bytes() == content


def test_an_answer_whose_request_is_not_its_own_is_not_taken_over(filled):
    connection = sqlite3.connect(filled)
    other = [zlib.compress(b'{"mode": "completions"}\n["another", 0]'), kept(3).key]
    connection.execute("UPDATE answers SET request = ? WHERE key = ?", other)
    connection.commit()
    connection.close()
    filled.rename(f"{filled}.damaged-20260101T000000Z")
    assert list(recovery.recover(filled).values()) == [399]
    assert kept(3).key not in Cache(filled).look_up([kept(3).key, kept(4).key])


def test_damage_that_shows_later_is_told_too(filled):
    cache = Cache(filled)
    cache._connection.execute("PRAGMA cache_size = 1")
    fill_with_noise(filled)
    with pytest.raises(StorageError, match="damaged"):
        cache.look_up([kept(i).key for i in range(400)])


def test_an_answer_that_is_not_what_was_stored_is_told(filled):
    connection = sqlite3.connect(filled)
    connection.execute("UPDATE answers SET response = ? WHERE key = ?", [b"noise", kept(3).key])
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match=f"the answer {kept(3).key.hex()} is not what was stored"):
        list(Cache(filled).kept([kept(3).key]))


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "answers.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(StorageError, match="another program or version"):
        Cache(path)
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file/answers\.sqlite: cannot be used"):
        Cache(tmp_path / "file" / "answers.sqlite")


def test_a_full_disk_is_told_and_nothing_is_set_aside(filled):
    cache = Cache(filled)
    cache._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StorageError, match="full"):
        for i in range(400, 800):
            cache.store([kept(i)])
    with pytest.raises(StorageError, match="full"):
        for i in range(9999):
            cache.note_import(f"{i:064}")
    assert filled.exists() and not list(filled.parent.glob("*damaged*"))


def test_a_file_that_stays_locked_is_told(filled, monkeypatch):
    monkeypatch.setattr("quorum.endpoint.storage.PATIENCE", 0.1)
    other = sqlite3.connect(filled, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        open_database(filled, "", 1, durable=True)


# ---- claims ----------------------------------------------------------------------------------------------------------


def held(path: Path, key: bytes, taken, end) -> None:
    assert Claims(path).take(key)
    taken.set()
    end.wait()


def test_a_claim_holds_until_it_is_lifted_or_its_process_is_killed(tmp_path):
    path, context = tmp_path / "claims", get_context("spawn")
    taken, end = context.Event(), context.Event()
    other = context.Process(target=held, args=(path, kept(1).key, taken, end))
    other.start()
    taken.wait()
    ours = Claims(path)
    assert not ours.take(kept(1).key)
    assert ours.take(kept(2).key)
    other.kill()
    other.join()
    assert ours.take(kept(1).key)
    ours.release(kept(1).key)
    ours.close()


# ---- publication -----------------------------------------------------------------------------------------------------


def test_published_answers_serve_another_cache(cache, tmp_path):
    stored = [kept(i) for i in range(5)]
    cache.store(stored)
    keys = [one.key for one in stored]
    frame = exchange.exported(cache, keys[:3])
    tables.write_table(frame, tmp_path / "answers.parquet", "answers")
    assert set(frame["server"]) == {MANNER.server} and set(frame["model"]) == {"m"}
    other = Cache(tmp_path / "other.sqlite")
    assert exchange.import_once(other, tmp_path / "answers.parquet") == 3
    assert exchange.import_once(other, tmp_path / "answers.parquet") == 0
    assert list(other.kept(keys)) == list(cache.kept(keys[:3]))


def test_nothing_to_publish_is_an_empty_table(cache):
    tables.validate(exchange.exported(cache, []), "answers")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("request", "a\nb", "the key is not that of the request"),
        ("response", '{"choices": []}', "not an answer"),
        ("answered_at", "yesterday", "not an answer"),
    ],
)
def test_a_false_row_is_named_and_nothing_is_imported(cache, tmp_path, column, value, words):
    source = Cache(tmp_path / "source.sqlite")
    source.store([kept(i) for i in range(3)])
    frame = exchange.exported(source, [kept(i).key for i in range(3)])
    frame.loc[1, column] = value
    path = tmp_path / "answers.parquet"
    tables.write_table(frame, path, "answers")
    with pytest.raises(tables.TableError, match=f"answers.parquet: row 1: {words}"):
        exchange.import_once(cache, path)
    assert cache.look_up([kept(i).key for i in range(3)]) == {}


def test_a_file_that_is_not_there_or_no_table_is_named(cache, tmp_path):
    with pytest.raises(tables.TableError, match=r"gone\.parquet"):
        exchange.import_once(cache, tmp_path / "gone.parquet")
    (tmp_path / "other.parquet").write_text("a,b")
    with pytest.raises(tables.TableError, match=r"other\.parquet"):
        exchange.import_once(cache, tmp_path / "other.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "another.parquet")
    with pytest.raises(tables.TableError, match=r"another\.parquet"):
        exchange.import_once(cache, tmp_path / "another.parquet")
