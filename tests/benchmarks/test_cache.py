"""Cached answers looked up together, against lm-evaluation-harness's way: one look-up at a time in sqlitedict."""

from __future__ import annotations

import hashlib
import json
import random

from conftest import QUICK, timed
from faulty_server import made_up
from sqlitedict import SqliteDict

from quorum.endpoint import answers
from quorum.endpoint.cache import Cache, Kept
from quorum.endpoint.requests import Manner

REQUESTS = 100_000
RATIO = 10.0
MANNER = Manner("https://host/v1", "m", "completions", 0.1, 50, 1, 20)
WORDS = [f"{a}{b}" for a in ("cardi", "neur", "path", "hepat", "nephr") for b in ("ology", "itis", "oma", "al")]


def one_at_a_time(store: SqliteDict, prompts: list[str]) -> list[tuple]:
    """lm_eval/api/model.py, CachingLM: a hash of all arguments, whether it is there, and what is there."""
    found = []
    for prompt in prompts:
        hashed = hashlib.sha256(json.dumps(["ask", prompt, MANNER.body("")]).encode()).hexdigest()
        if hashed in store:
            found.append(store[hashed])
    return found


def all_together(cache: Cache, prompts: list[str]) -> list[answers.Answer]:
    """As `EndpointModel.ask` does it."""
    keys = [MANNER.key(prompt, 0) for prompt in prompts]
    found = cache.look_up(keys)
    return [found[key] for key in keys]


def test_the_speed_of_cached_look_ups(pytestconfig, record, tmp_path):
    n = REQUESTS // QUICK if pytestconfig.getoption("quick") else REQUESTS
    draw = random.Random(1)
    prompts = [f"{' '.join(draw.choices(WORDS, k=20))} {i}" for i in range(n)]
    body = made_up("", {}, json.dumps(MANNER.body("a")).encode())[1].decode()
    answer = answers.read(body, MANNER.mode)
    cache = Cache(tmp_path / "answers.sqlite")
    cache.store([Kept(MANNER.key(p, 0), MANNER.canonical(p, 0), body, answer, 0.0) for p in prompts])
    fields = tuple(getattr(answer, name) for name in answer.__slots__)
    draw.shuffle(prompts)
    with SqliteDict(tmp_path / "sqlitedict.db") as store:
        for prompt in prompts:
            hashed = hashlib.sha256(json.dumps(["ask", prompt, MANNER.body("")]).encode()).hexdigest()
            store[hashed] = fields
        store.commit()
        theirs, there = timed(lambda: one_at_a_time(store, prompts))
    ours, here = timed(lambda: all_together(cache, prompts))
    assert ours == [answer] * n and theirs == [fields] * n
    record(f"{n} cached answers, look-ups/s", n / here, n / there, there / here, f"{RATIO:g}")
    if not pytestconfig.getoption("quick"):
        assert there / here >= RATIO
