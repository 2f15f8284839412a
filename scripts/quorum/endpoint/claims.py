"""Who is asking what at this moment: two processes never send the same request at once.

A claim is a lock on one byte of a file, at a place that the request's key gives. The operating system lifts it when the
process ends, however it ends, so that a killed run leaves none behind. Locks belong to a process, so that a process
must open the file once.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Claims:
    """The claims of this process on requests, in the file at `path`."""

    def __init__(self, path: str | Path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def take(self, key: bytes) -> bool:
        """Whether no other process has a claim on the request; from now on this one has."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except (BlockingIOError, PermissionError):
            return False
        return True

    def release(self, key: bytes) -> None:
        """Lifts the claim."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))

    def close(self) -> None:
        """Lifts all claims of the process."""
        os.close(self._file)


def _place(key: bytes) -> int:
    """Two requests at one place, once in 2^62 pairs, would only wait for each other."""
    return int.from_bytes(key[:8]) >> 2
