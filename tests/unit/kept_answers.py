"""Answers as a cache keeps them, out of a number; light, so that processes that write them start fast."""

from __future__ import annotations

import json
from pathlib import Path

from faulty_server import made_up

from quorum.endpoint import answers
from quorum.endpoint.cache import Cache, Kept
from quorum.endpoint.requests import Manner

MANNER = Manner("http://127.0.0.1/v1", "m", "completions", 0.1, 50, 1, 20)


def kept(i: int) -> Kept:
    """What the made-up server answers to the i-th prompt."""
    prompt = f"prompt {i} é"
    body = made_up("", {}, json.dumps(MANNER.body(prompt)).encode())[1].decode()
    answer = answers.read(body, MANNER.mode)
    return Kept(MANNER.key(prompt, 0), MANNER.canonical(prompt, 0), body, answer, 1_700_000_000.5 + i)


def write_all(path: Path, numbers: list[int]) -> int:
    """Stores the answers one by one; how many were new."""
    cache = Cache(path)
    return sum(cache.store([kept(i)]) for i in numbers)
