"""The log of a job: tried in a process of its own, since it changes how a program ends."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from quorum import logbook

SCRIPTS = Path(__file__).parents[2] / "scripts"
START = "import logging, warnings\nfrom quorum import logbook\nlogbook.start('logs/deep/job.log')\n"


def job(folder: Path, code: str) -> tuple[subprocess.CompletedProcess[str], str]:
    done = subprocess.run(
        [sys.executable, "-c", START + code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done, (folder / "logs" / "deep" / "job.log").read_text(encoding="utf-8")


def test_messages_and_warnings_go_to_the_log_and_not_to_the_terminal(tmp_path):
    done, log = job(tmp_path, "logging.info('read %d rows', 3)\nwarnings.warn('a doubt')")
    assert done.returncode == 0 and done.stdout == done.stderr == ""
    assert "INFO read 3 rows" in log and "a doubt" in log


def test_an_error_is_one_line_on_the_terminal_and_whole_in_the_log(tmp_path):
    done, log = job(tmp_path, "def deep():\n    raise ValueError('pool.csv: no rows')\ndeep()")
    assert done.returncode != 0
    assert done.stderr == "error: pool.csv: no rows\n"
    assert "Traceback" in log and "in deep" in log and "ValueError: pool.csv: no rows" in log


def test_an_error_without_words_is_told_by_its_kind(tmp_path):
    assert job(tmp_path, "raise MemoryError")[0].stderr == "error: MemoryError\n"


def test_a_second_run_begins_its_log_anew(tmp_path):
    job(tmp_path, "logging.info('first')")
    _, log = job(tmp_path, "logging.info('second')")
    assert "second" in log and "first" not in log


def test_a_job_that_is_told_to_stop_says_so_and_takes_away_what_it_began(tmp_path):
    code = """
import os, signal
from quorum import files
with files.workspace("model"):
    files.atomically("table", lambda path: os.kill(os.getpid(), signal.SIGTERM))
"""
    done, log = job(tmp_path, code)
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr == "error: the job was told to stop (cancelled, or out of time)\n" and done.stderr[7:] in log
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full, the disk that is always full")
def test_a_log_for_which_there_is_no_room_does_not_bury_the_error(tmp_path):
    code = "logging.getLogger().handlers[0].setStream(open('/dev/full', 'w'))\nlogging.info('x')\nraise ValueError('y')"
    assert job(tmp_path, code)[0].stderr.startswith("error: y\n")


@pytest.fixture
def hooks(monkeypatch):
    """What a log takes over is given back."""
    root = logging.getLogger()
    handlers, level, stop = root.handlers[:], root.level, signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    yield
    signal.signal(signal.SIGTERM, stop)
    logging.captureWarnings(False)
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("hooks")
def test_the_hook_of_a_started_log_reports_an_error(tmp_path, capsys):
    logbook.start(tmp_path / "logs" / "job.log")
    try:
        raise KeyError("style")
    except KeyError:
        sys.excepthook(*sys.exc_info())
    assert capsys.readouterr().err == "error: 'style'\n"
    assert "Traceback" in (tmp_path / "logs" / "job.log").read_text(encoding="utf-8")


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to."""
    now = [0.0]
    monkeypatch.setattr(logbook.time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_progress_gives_every_item_and_tells_the_time_left(clock, caplog):
    caplog.set_level("INFO")
    seen = []
    for item in logbook.progress(list("abcd"), "batches"):
        seen.append(item)
        clock(6)
    assert seen == list("abcd")
    assert [record.getMessage() for record in caplog.records] == [
        "batches: 1 of 4, about 18 s left",
        "batches: 2 of 4, about 12 s left",
        "batches: 3 of 4, about 6 s left",
        "batches: 4 of 4, about 0 s left",
    ]


def test_quick_items_do_not_fill_the_log(clock, caplog):
    caplog.set_level("INFO")
    for _ in logbook.progress(range(1_000), "steps"):
        clock(0.01)
    assert [record.getMessage().split(",")[0] for record in caplog.records] == ["steps: 501 of 1000"]


def test_no_items_are_no_progress(caplog):
    assert list(logbook.progress([], "nothing")) == []
    assert caplog.records == []


def test_on_a_terminal_the_job_says_now_and_then_how_far_it_is(clock, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(logbook, "_job", "fine_tune seed1")
    for _ in logbook.progress(range(60), "steps"):
        clock(6)
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "fine_tune seed1: steps: 3 of 60, about 6 min left"
    assert shown[-1] == "fine_tune seed1: steps: 60 of 60, about 0 s left"
    assert len(shown) == 20


def test_what_is_no_terminal_has_the_log_alone(clock, capsys, caplog):
    caplog.set_level("INFO")
    for _ in logbook.progress(range(5), "steps"):
        clock(60)
    assert len(caplog.records) == 5 and capsys.readouterr().err == ""


def test_amounts_are_told_by_what_is_left_of_them(clock, caplog):
    """Half of it took 100 seconds, so the other half takes as long; where nothing is done nothing is known."""
    caplog.set_level("INFO")
    tell = logbook.teller(98, "MB of model")
    clock(10)
    tell(0)
    clock(90)
    tell(49)
    clock(100)
    tell(120)
    assert [record.getMessage() for record in caplog.records] == [
        "MB of model: 49 of 98, about 100 s left",
        "MB of model: 120 of 98, about 0 s left",
    ]


@pytest.mark.usefixtures("hooks")
def test_a_job_is_called_by_its_rule_and_condition(tmp_path):
    logbook.start(tmp_path / "results" / "logs" / "fine_tune" / "last8_n60_seed1.log")
    assert logbook._job == "fine_tune last8_n60_seed1"
