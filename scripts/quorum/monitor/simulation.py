"""Simulated arrivals: the agents of a written pool drop their sentences into a folder, and some files are no good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from quorum.files import atomically

HOSTILE = (
    "<script>alert('the nurse')</script> she said.",
    "The nurse\u202e measured her patient. She left.",
    "The nurse said \x1b[2J that she left.",
    "",
    "The weather was fine.",
)


def arrivals(folder: Path, pool: pd.DataFrame, files: int) -> Callable[[], bool]:
    """A function that drops the next of so many files into the folder, and says whether one was left.

    pool: table contributions, in its order; each file holds the sentences of its next agent, as CSV, JSONL or Parquet
    in turn. Of eight files the sixth is cut off, the seventh repeats the one before it, and the eighth is hostile.
    What lies in the folder already is not written again.
    """
    of_agents = [rows for _, rows in pool.groupby("agent", sort=False)]
    number = 0

    def drop_next() -> bool:
        nonlocal number
        if number >= files:
            return False
        rows = of_agents[number % len(of_agents)]
        named = pd.DataFrame({"text": rows["prompt"] + rows["completion"], "agent": rows["agent"]})
        kind, turn = ("csv", "jsonl", "parquet")[number % 3], number % 8
        previous = sorted(folder.glob("*.*")) if turn == 6 else []
        stem = folder / f"arrival{number:05d}"
        number += 1
        if turn == 5:
            _write(stem.with_suffix(".jsonl"), _jsonl(named)[:-40])
        elif turn == 6 and previous:
            _write(stem.with_suffix(previous[0].suffix), previous[0].read_bytes())
        elif turn == 7:
            _write(stem.with_suffix(".jsonl"), _jsonl(pd.DataFrame({"text": HOSTILE, "agent": "<b>nobody</b>"})))
        elif kind == "csv":
            _write(stem.with_suffix(".csv"), named.to_csv(index=False).encode())
        elif kind == "jsonl":
            _write(stem.with_suffix(".jsonl"), _jsonl(named))
        else:
            atomically(stem.with_suffix(".parquet"), named.to_parquet)
        return True

    return drop_next


def _jsonl(rows: pd.DataFrame) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows.to_dict("records")).encode()


def _write(path: Path, content: bytes) -> None:
    if not path.exists():
        atomically(path, lambda temporary: temporary.write_bytes(content))
