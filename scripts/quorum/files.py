"""Files that appear whole: a reader, a killed run or a full disk never leaves half of one behind."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the quota of the disk is used up"}


class FullDiskError(OSError):
    """A file that found no room; the message names it and says what to do, errno is the system's."""


def atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Calls write(path of the same name in a workspace), then renames that file to `path`; leaves nothing on failure.

    Raises FullDiskError that names `path`.
    """
    path = Path(path)
    with workspace(path) as folder:
        temporary = folder / path.name
        write(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)


@contextmanager
def workspace(path: str | Path) -> Iterator[Path]:
    """A folder beside `path`, for files that are renamed to their places when they are whole.

    It is deleted at the end, and what a killed job left of it at the beginning. Two jobs must not share a `path`.
    Raises FullDiskError that names `path`.
    """
    path = Path(path)
    with told_if_full(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}-*"):
            shutil.rmtree(left, ignore_errors=True)
        # A folder and not a file, since some libraries have temporary files of their own beside what they write.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as temporary:
            yield Path(temporary)


def writable_or_exit(folder: str | Path) -> None:
    """Ends the program with the reason alone, without a traceback, if nothing can be written to the folder."""
    try:
        with workspace(Path(folder, "anything")):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise SystemExit(f"error: {folder}: nothing can be written there ({reason}); no job was started") from None


@contextmanager
def told_if_full(path: str | Path) -> Iterator[None]:
    """Turns the many ways in which libraries say "no space left" into a FullDiskError that names `path`."""
    try:
        yield
    except FullDiskError:
        raise
    except Exception as error:
        number = getattr(error, "errno", None)
        if number not in _FULL and os.strerror(errno.ENOSPC) in str(error):
            number = errno.ENOSPC  # of a library that is not written in Python
        if number not in _FULL:
            raise
        told = FullDiskError(f"{path}: {_FULL[number]}. Nothing of it was kept; make room and run again")
        told.errno = number
        raise told from error
