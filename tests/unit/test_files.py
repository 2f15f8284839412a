"""Files appear whole, or not at all, and a full disk is told in words."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors import SafetensorError

from quorum import files


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, SystemExit, OSError])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"from before")

    def write(temporary):
        temporary.write_bytes(b"half")
        raise failure

    with pytest.raises(failure):
        files.atomically(path, write)
    assert path.read_bytes() == b"from before"
    assert everything_in(tmp_path) == ["t.parquet"]


def test_a_write_is_seen_only_when_it_is_whole(tmp_path):
    path = tmp_path / "t.parquet"
    seen = []

    def write(temporary):
        temporary.write_bytes(b"half")
        seen.append(path.exists())
        assert temporary.parent.parent == path.parent  # on another disk the rename would be a copy
        assert temporary.name == path.name  # some writers choose the format by it
        temporary.write_bytes(b"whole")

    files.atomically(path, write)
    assert seen == [False] and path.read_bytes() == b"whole"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644


def test_a_workspace_is_beside_its_path_and_gone_at_the_end(tmp_path):
    path = tmp_path / "deep" / "model"
    with files.workspace(path) as folder:
        assert folder.parent == path.parent
        (folder / "weights").write_bytes(b"whole")
        os.replace(folder / "weights", path)
    assert everything_in(tmp_path / "deep") == ["model"]


@pytest.mark.parametrize("name", ["model", "[1].parquet"])
def test_what_a_killed_job_left_goes_with_the_next_one_and_nothing_else_does(tmp_path, name):
    others = [f".{name}s-ab", f"{name}-ab", ".1.parquet-ab"]
    for folder in (f".{name}-ab", f".{name}-cd/deep", *others):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "half").touch()
    files.atomically(tmp_path / name, lambda temporary: temporary.write_bytes(b"whole"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, name])


def test_a_failed_workspace_is_gone_too(tmp_path):
    with pytest.raises(KeyboardInterrupt), files.workspace(tmp_path / "model") as folder:
        (folder / "weights").write_bytes(b"half")
        raise KeyboardInterrupt
    assert everything_in(tmp_path) == []


def out_of(kind, words: str):
    """A writer that fails as a library does that has found no room."""

    def write(temporary):
        temporary.write_bytes(b"half")
        raise kind(words)

    return write


def by_python(temporary):
    with Path("/dev/full").open("wb") as full:
        full.write(b"x" * 100_000)


def by_pyarrow(temporary):
    # Never by its name: pyarrow deletes what it could not write.
    with Path("/dev/full").open("wb") as full:
        pq.write_table(pa.table({"x": range(10_000)}), full)


# Nor by this one, which renames a file of its own to the name that it is given.
by_safetensors = out_of(SafetensorError, "Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize("write", [by_python, by_pyarrow, by_safetensors])
def test_a_full_disk_is_told_in_the_same_words_by_every_library(tmp_path, write):
    if not Path("/dev/full").is_char_device():
        pytest.skip("no /dev/full, the disk that is always full")
    path = tmp_path / "t.bin"
    with pytest.raises(files.FullDiskError) as told:
        files.atomically(path, write)
    assert str(told.value) == f"{path}: the disk is full. Nothing of it was kept; make room and run again"
    assert told.value.errno == errno.ENOSPC
    assert everything_in(tmp_path) == []


def test_a_used_up_quota_is_told_and_the_innermost_path_is_named(tmp_path):
    def write(temporary):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    words = "weights: the quota of the disk is used up"
    with pytest.raises(files.FullDiskError, match=words) as told, files.workspace(tmp_path / "model") as folder:
        files.atomically(folder / "weights", write)
    assert told.value.errno == errno.EDQUOT


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(PermissionError, match="mine"), files.told_if_full(tmp_path):
        raise PermissionError(errno.EACCES, "not", "mine")


def test_a_folder_that_can_be_written_to_is_made_and_left_as_it_is(tmp_path):
    files.writable_or_exit(tmp_path / "results")
    assert everything_in(tmp_path) == ["results"]


def test_a_folder_that_cannot_be_written_to_ends_the_program_with_the_reason(tmp_path):
    (tmp_path / "results").touch()
    with pytest.raises(SystemExit, match=r"^error: .*results: nothing can be written there \(File exists\)"):
        files.writable_or_exit(tmp_path / "results")
