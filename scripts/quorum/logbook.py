"""The log of a job: what it did, how far it is, and the whole traceback if it fails."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from quorum import lifeline

REPORT_SECONDS, TERMINAL_SECONDS = 5.0, 15.0
_job = ""


def start(path: str | Path) -> None:
    """Sends log messages and warnings to the file at `path`; an error that ends the job goes there whole, and to the
    terminal in one line. A job that is told to stop says so and leaves nothing half made; one whose run is gone ends.
    """
    sys.excepthook = _report
    # A log for which there is no room is no reason to bury the error beneath complaints about the log.
    logging.raiseExceptions = False
    global _job
    _job = " ".join(Path(path).with_suffix("").parts[-2:])
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path, filemode="w", level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    logging.captureWarnings(True)
    signal.signal(signal.SIGTERM, _stop)
    lifeline.follow()


def progress(items: Sequence, what: str) -> Iterator:
    """The items one by one, told of as by `teller`."""
    tell = teller(len(items), what)
    for done, item in enumerate(items, start=1):
        yield item
        tell(done)


def teller(total: float, what: str) -> Callable[[float], None]:
    """tell(done): every few seconds a line in the log, and now and then on a terminal: how many of `total` are done,
    and about how long the rest takes if it goes on as so far.

    Where standard error is no terminal, the log alone has the lines. `what` may say the unit ("MB of model").
    """
    began = logged = shown = time.monotonic()

    def tell(done: float) -> None:
        nonlocal logged, shown
        now = time.monotonic()
        if now - logged <= REPORT_SECONDS or not done:
            return
        left = max(0.0, (now - began) / done * (total - done))
        line = f"{what}: {done:.0f} of {total:.0f}, about {_duration(left)} left"
        logging.info("%s", line)
        logged = now
        if now - shown > TERMINAL_SECONDS and sys.stderr.isatty():
            print(f"{_job}: {line}", file=sys.stderr)
            shown = now

    return tell


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _stop(number: int, frame: FrameType | None) -> None:
    """Ends the job as an error would, so that what it has begun to write is taken away."""
    words = "the job was told to stop (cancelled, or out of time)"
    logging.error(words)
    print(f"error: {words}", file=sys.stderr)
    raise SystemExit(128 + number)


def _report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logging.error("the job failed", exc_info=(kind, error, traceback))
    print(f"error: {str(error) or kind.__name__}", file=sys.stderr)
