"""The log of a job: what it did, how far it is, and the whole traceback if it fails."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from quorum import lifeline

REPORT_SECONDS = 5.0


def start(path: str | Path) -> None:
    """Sends log messages and warnings to the file at `path`; an error that ends the job goes there whole, and to the
    terminal in one line. A job that is told to stop says so and leaves nothing half made; one whose run is gone ends.
    """
    sys.excepthook = _report
    # A log for which there is no room is no reason to bury the error beneath complaints about the log.
    logging.raiseExceptions = False
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path, filemode="w", level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    logging.captureWarnings(True)
    signal.signal(signal.SIGTERM, _stop)
    lifeline.follow()


def progress(items: Sequence, what: str) -> Iterator:
    """The items one by one, with a line in the log every few seconds: how many are done, how long the rest takes."""
    began = told = time.monotonic()
    for done, item in enumerate(items):
        yield item
        now = time.monotonic()
        if now - told > REPORT_SECONDS:
            left = (now - began) / (done + 1) * (len(items) - done - 1)
            logging.info("%s: %d of %d, about %.0f s left", what, done + 1, len(items), left)
            told = now


def _stop(number: int, frame: FrameType | None) -> None:
    """Ends the job as an error would, so that what it has begun to write is taken away."""
    words = "the job was told to stop (cancelled, or out of time)"
    logging.error(words)
    print(f"error: {words}", file=sys.stderr)
    raise SystemExit(128 + number)


def _report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logging.error("the job failed", exc_info=(kind, error, traceback))
    print(f"error: {str(error) or kind.__name__}", file=sys.stderr)
