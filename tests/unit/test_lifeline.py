"""No lock outlives its run, and no job does: tried with processes that live and are killed."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quorum import lifeline

SCRIPTS = Path(__file__).parents[2] / "scripts"
HOLD = "from quorum import lifeline; lifeline.hold('.snakemake'); print('at work', flush=True); input()"
# A run that starts a job as Snakemake does, through a shell that waits for it (as older ones do).
RUN = '''
import subprocess, sys
from quorum import lifeline
lifeline.hold('.snakemake')
job = """import os, subprocess
from quorum import lifeline
lifeline.follow()
download = subprocess.Popen(["sleep", "60"])
print(os.getpid(), download.pid, flush=True)
download.wait()"""
subprocess.run(["bash", "-c", f"{sys.executable} -c '{job}'; true"], check=False)
'''


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """start(code): a Python process in the folder, once it has said its first line; killed at the end."""
    started = []

    def begin(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        started.append(process)
        process.line = process.stdout.readline().strip()
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def lock(folder: Path) -> Path:
    """Snakemake's own lock, as it writes it."""
    path = folder / ".snakemake" / "locks" / "0.output.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("results/tables/domains.csv\n")
    return path


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


# ---- locks -----------------------------------------------------------------------------------------------------------


def test_the_lock_of_a_killed_run_is_taken_away(tmp_path, start):
    run = start(HOLD)
    left = lock(tmp_path)
    kill(run)
    start(HOLD)
    assert not left.exists()


def test_the_lock_of_a_living_run_stays(tmp_path, start):
    start(HOLD)
    kept = lock(tmp_path)
    others = [start(HOLD), start(HOLD)]
    assert kept.exists()
    for other in others:
        kill(other)
    start(HOLD)
    assert kept.exists()


def test_the_lock_of_another_machine_stays(tmp_path, start):
    kill(start(HOLD))
    kept = lock(tmp_path)
    (tmp_path / ".snakemake" / "at_work").write_text("another-machine")
    for _ in range(2):
        kill(start(HOLD))
        assert kept.exists()


def test_the_lock_of_nobody_knows_whom_stays(tmp_path, start):
    kept = lock(tmp_path)
    for _ in range(2):
        kill(start(HOLD))
        assert kept.exists()


@pytest.fixture
def held(monkeypatch) -> list:
    """What this process holds."""
    monkeypatch.setenv(lifeline.RUN, "")
    monkeypatch.setattr(lifeline, "_held", [])
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    return lifeline._held


def test_a_process_holds_the_folder_until_it_lets_go_and_tells_its_number(tmp_path, held):
    records = tmp_path / ".snakemake"
    lifeline.hold(records)
    assert os.environ[lifeline.RUN] == str(os.getpid())
    left = lock(tmp_path)
    lifeline.hold(records)
    assert left.exists()
    while held:
        held.pop().close()
    lifeline.hold(records)
    assert not left.exists()
    assert (records / "at_work").read_text() == socket.gethostname()


def test_a_folder_that_cannot_be_held_is_left_to_snakemake(tmp_path, held):
    (tmp_path / "file").touch()
    lifeline.hold(tmp_path / "file")
    assert held == []


def test_a_full_disk_ends_the_program_with_words(tmp_path, held, monkeypatch):
    def full(file, mode):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lifeline.fcntl, "flock", full)
    with pytest.raises(SystemExit, match=r"^error: .*records: the disk is full"):
        lifeline.hold(tmp_path / "records")
    assert held == []


# ---- jobs ------------------------------------------------------------------------------------------------------------


def ends(process: int) -> bool:
    """Whether it is gone within ten seconds, or only waits for its parent to notice."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of processes in /proc")
def test_a_job_ends_with_its_run_and_so_does_what_it_started(start):
    run = start(RUN)
    job, download = map(int, run.line.split())
    assert not lifeline._lives(2**22) and lifeline._lives(job) and lifeline._lives(download)
    kill(run)
    assert ends(job) and ends(download)


@pytest.mark.parametrize("run", [None, "", str(2**22)], ids=["no run", "empty", "not visible from here"])
def test_what_no_run_started_follows_nobody(monkeypatch, run):
    monkeypatch.delenv(lifeline.RUN, raising=False)
    if run is not None:
        monkeypatch.setenv(lifeline.RUN, run)
    before = threading.active_count()
    lifeline.follow()
    assert threading.active_count() == before


def test_a_run_of_another_user_is_a_run(monkeypatch):
    def forbidden(process, number):
        raise PermissionError

    monkeypatch.setattr(lifeline.os, "kill", forbidden)
    assert lifeline._lives(1)


def test_watching_ends_the_process_when_the_run_is_gone(monkeypatch):
    alive = iter([True, True, False])
    waited, ended = [], []
    monkeypatch.setattr(lifeline, "_lives", lambda process: next(alive))
    monkeypatch.setattr(lifeline.time, "sleep", waited.append)
    monkeypatch.setattr(lifeline.os, "_exit", ended.append)
    lifeline._watch(7)
    assert waited == [lifeline.SECONDS] * 2 and ended == [1]
