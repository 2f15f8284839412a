"""Following a folder: every file that arrives is read, judged or set aside, and recorded, one after the other."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from quorum.monitor import records
from quorum.monitor.arrivals import File, Reading, look, read, settled
from quorum.monitor.judging import Firm, judge_file
from quorum.monitor.records import Seen

CHANGED = "was changed after it was judged; what is new in it is not read: put it into a file of its own"


@dataclass(frozen=True)
class Watch:
    """What is followed and how: the folder, the firm, where records lie, seconds between two looks, seconds without a
    new file after which it ends (None: never), and the largest file that is read, in bytes."""

    folder: Path
    records: Path
    firm: Firm
    seconds: float
    until_idle: float | None
    most_bytes: int


@dataclass(frozen=True)
class Look:
    """What a look at the folder left: all that is seen, whether that is news, and why the folder could not be read."""

    seen: Seen
    news: bool
    trouble: str
    running: bool


def stopped_by_signals() -> threading.Event:
    """An event that Ctrl-C or SIGTERM sets, so that a file at hand is finished first; a second Ctrl-C ends at once."""
    event = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return event


def follow(
    watch: Watch, seen: Seen, stop: threading.Event, before_look: Callable[[], object] = lambda: None
) -> Iterator[Look]:
    """A Look after every file that was dealt with, and after every look without news; the last one is not running.

    before_look: what is to be done before each look, such as a simulated arrival.
    """
    before: list[File] = []
    idle_since = time.monotonic()
    while not stop.is_set():
        before_look()
        news, trouble, files = False, "", []
        try:
            files = look(watch.folder)
        except OSError as error:
            trouble = f"{watch.folder}: cannot be read ({error.strerror}); it is tried again"
        for file in settled(files, before, time.time(), watch.seconds):
            if stop.is_set() or (dealt := deal_with(watch, seen, file)) is None:
                continue
            seen, news = dealt, True
            yield Look(seen, True, trouble, True)
        if not news:
            yield Look(seen, False, trouble, True)
        # A file that has just come is settled at the next look, at the earliest.
        if news or files != before:
            idle_since = time.monotonic()
        elif watch.until_idle is not None and time.monotonic() - idle_since > watch.until_idle:
            break
        before = files
        stop.wait(watch.seconds)
    logging.info("stopped" if stop.is_set() else "nothing new for %s s: ended", watch.until_idle)
    yield Look(seen, True, "", False)


def deal_with(watch: Watch, seen: Seen, file: File) -> Seen | None:
    """What is seen once a file is judged or set aside; None if it needs nothing, or changed under our eyes.

    A file that was set aside is read again when it has changed: it may have been half written. One that was judged is
    not; a file with the content of a judged one is set aside.
    """
    known = seen.files[seen.files["key"] == file.key]
    if ((known["size"] == file.size) & (known["modified"] == file.modified)).any():
        return None
    reading = Reading(None, "", CHANGED) if known["judged"].any() else read(watch.folder, file, watch.most_bytes)
    if reading is None:
        return None
    verdicts = None
    if reading.sentences is not None:
        judged = seen.files[seen.files["judged"]]
        twins = judged["file"][judged["sha256"] == reading.sha256]
        if len(twins):
            reading = Reading(None, reading.sha256, f"has the content of {twins.iloc[0]}, which was judged")
        else:
            verdicts = judge_file(watch.firm, seen.verdicts, reading.sentences, len(seen.files) + 1)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    seen = records.keep(watch.records, seen, file, reading, verdicts, when)
    row = seen.files.iloc[-1]
    if row["judged"]:
        logging.info("%s: %d accepted, %d invalid, %d filtered", *row[["file", "accepted", "invalid", "filtered"]])
    else:
        logging.warning("%s: set aside: %s", row["file"], row["reason"])
    return seen
