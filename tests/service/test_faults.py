"""The workflow against llama.cpp's server, with a proxy in between that spoils what comes back."""

from __future__ import annotations

import random
from collections import Counter

import pandas as pd
import pytest
import runs
import study
from faulty_server import FAULTS, FaultyServer, Origin, forwarded

pytestmark = [pytest.mark.service, pytest.mark.workflow, pytest.mark.model, pytest.mark.slow]

SHARE = 0.3
MADE_OF_AUDITS = ("results/tables/baseline_bias.csv", "results/statistics/undefended/tipping_curve.parquet")


def spoiled(share: float):
    """The fault of the n-th answer: each with this chance, and every kind of it."""
    draw = random.Random(1)
    kinds = [draw.choice(FAULTS) if draw.random() < share else "" for _ in range(100_000)]
    return lambda n: kinds[n]


def remembered(origin: Origin) -> Origin:
    """The same answer to the same request: llama.cpp's depend a little on what else it does at the time."""
    known: dict[tuple[str, bytes], tuple[int, bytes]] = {}

    def answer(path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if (path, body) not in known:
            known[path, body] = origin(path, headers, body)
        return known[path, body]

    return answer


@pytest.mark.parametrize("mode", ["completions", "chat"])
def test_with_thirty_percent_faulty_answers_the_tables_are_the_same(workflow, prepared, tmp_path, llama, mode):
    origin = remembered(forwarded(llama))
    clean, proxy = FaultyServer(origin), FaultyServer(origin, spoiled(SHARE), wait=0.2)
    other = runs.copy_run(prepared, tmp_path / "clean")
    targets = (*study.ASKED, *MADE_OF_AUDITS)
    with clean.running() as address:
        done = study.run(other, address, *targets, mode=mode)
        assert done.returncode == 0, done.stdout[-5000:]
    with proxy.running() as address:
        done = study.run(workflow, address, *targets, mode=mode, timeout=10, retries=12)
        assert done.returncode == 0, done.stdout[-5000:]
    prompts, taken = study.prompts(workflow), study.requests(workflow)
    faults = Counter(seen.fault for seen in proxy.seen if seen.fault)
    print(
        f"\n{mode}: {taken.requests} requests for {len(prompts)} prompts, {taken.retries} of them retried, "
        f"{sum(faults.values())} faults of {len(faults)} kinds, {len(prompts) - len(study.answered(workflow))} lost"
    )
    assert len(clean.seen) == len(prompts) == study.requests(other).requests
    assert taken.requests - taken.retries == len(prompts) and taken.retries >= sum(faults.values()) > 0.2 * len(prompts)
    assert len(faults) == len(FAULTS)
    pd.testing.assert_frame_equal(study.audits(workflow), study.audits(other))
    for path in MADE_OF_AUDITS:
        assert (workflow / path).read_bytes() == (other / path).read_bytes()


@pytest.mark.parametrize(
    ("changes", "fault", "words"),
    [
        (
            {"model": "no-such"},
            (404, '{"error": {"message": "model no-such not found"}}'),
            ["no-such not", "model.name"],
        ),
        (
            {},
            (401, f'{{"error": {{"message": "wrong key {study.KEY}"}}}}'),
            ["wrong key [key]", "endpoint.key_variable"],
        ),
    ],
    ids=["no such model", "wrong key"],
)
def test_a_refusal_stops_the_run_with_the_servers_words(workflow, llama, changes, fault, words):
    server = FaultyServer(forwarded(llama), lambda n: fault)
    with server.running() as address:
        done = study.run(workflow, address, "results/tables/baseline_bias.csv")
    assert done.returncode != 0
    for word in [*words, f"answered {fault[0]}"]:
        assert word in done.stdout
    assert study.KEY not in done.stdout
    assert len(server.seen) <= 4


def test_a_prompt_that_is_too_long_stops_the_run_with_llamas_own_words(workflow, llama):
    """Its context is 1,024 tokens; asked for more than that after the prompt, it refuses the first request."""
    asked = []

    def lengthened(path, headers, body):
        asked.append(path)
        return forwarded(llama)(path, headers, body.replace(b'"prompt":"', b'"prompt":"' + b"very " * 2000))

    with FaultyServer(lengthened).running() as address:
        done = study.run(workflow, address, "results/tables/baseline_bias.csv")
    assert done.returncode != 0
    for word in ("answered 400", "exceeds the available context size", "in_context.neighbours"):
        assert word in done.stdout
    assert len(asked) <= 4
