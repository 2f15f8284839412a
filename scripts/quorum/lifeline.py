"""Who is at work in the folder of a run: no lock outlives its run, and no job does.

Snakemake locks a run's folder with a file, and a killed run leaves it there. The kernel's own lock ends with the
process that holds it, whatever ended that, and so tells a lock that is left over from one that is not.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import IO

from quorum.files import FullDiskError, told_if_full

RUN = "QUORUM_RUN"
SECONDS = 0.5
_held: list[IO[str]] = []


def hold(records: str | Path) -> None:
    """Says that this process is at work in the folder of `records` (Snakemake's .snakemake), for as long as it lives.

    If nobody else is, Snakemake's lock is of a run that was killed, and is taken away. Not so where the last run was on
    another machine, which may not see this machine's locks, or where the disk has no locks: then the user has to know
    (`snakemake --unlock`). To the jobs that it starts the process tells its number. On a full disk, the program ends.
    """
    os.environ[RUN] = str(os.getpid())
    records = Path(records)
    # A message for which Snakemake's log has no room is not worth a traceback: it is on the terminal, too.
    logging.raiseExceptions = False
    try:
        with told_if_full(records):
            records.mkdir(exist_ok=True)
            file = (records / "at_work").open("a+", encoding="utf-8")
            if _alone(file):
                _tidy(file, records / "locks")
            fcntl.flock(file, fcntl.LOCK_SH)
    except FullDiskError as error:
        raise SystemExit(f"error: {error}") from None
    except OSError:
        return  # a folder that cannot be written to, or locked: Snakemake says what it thinks of it
    _held.append(file)


def _alone(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tidy(file: IO[str], locks: Path) -> None:
    """Takes away the locks if they were made on this machine, and puts its name down if no others are left."""
    here = socket.gethostname()
    file.seek(0)
    if file.read() == here:
        for lock in locks.glob("*.lock"):
            lock.unlink()
    if not any(locks.glob("*.lock")):
        file.seek(0)
        file.truncate()
        file.write(here)
        file.flush()


def follow() -> None:
    """Ends this process, a job, soon after the run that started it is gone, so that no orphan goes on writing."""
    run = int(os.environ.get(RUN) or 0)
    if run and _lives(run):
        threading.Thread(target=_watch, args=(run,), daemon=True).start()


def _watch(run: int) -> None:
    while _lives(run):
        time.sleep(SECONDS)
    # What it started itself, such as a download, has nobody left to write for; where there is no /proc, that goes on.
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)
    os._exit(1)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
