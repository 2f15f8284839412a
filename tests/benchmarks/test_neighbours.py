"""Scores of 50,000 candidates among a million majority rows: time and memory, beside brute force, and how both grow."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from conftest import timed
from threadpoolctl import threadpool_limits

from quorum.minority import scores

FEATURES, CANDIDATES, K, SEED = 20, 50_000, 10, 1
MAJORITY = (10_000, 100_000, 1_000_000)
SUBSET = 250  # candidates that brute force is run for; its time is scaled


def rows(number: int, seed: int) -> np.ndarray:
    """Independent normal features: nothing for a search to hold on to, the hardest case."""
    return np.random.default_rng(seed).normal(size=(number, FEATURES))


def labels(known: np.ndarray) -> np.ndarray:
    return (known[:, :3].sum(axis=1) > 0).astype(np.int64)


def ours(job: tuple[str, int, int, int]) -> tuple[np.ndarray, float, float]:
    """(scores, seconds, peak memory in MB above that of the data) of one score in a process of its own."""
    name, m, n, threads = job
    known, candidates = rows(m, SEED), rows(n, SEED + 1)
    view = scores.View(known, labels(known), candidates, K, SEED)
    scores.SCORES[name](scores.View(known[:100], view.label[:100], candidates[:10], K, SEED))  # imports
    before = peak_memory()
    with threadpool_limits(threads):
        found, seconds = timed(lambda: scores.SCORES[name](view))
    return found, seconds, peak_memory() - before


def peak_memory() -> float:
    """Largest memory of this process so far, in MB. (getrusage would start from that of the process that began it.)"""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def by_brute_force(name: str, m: int, n: int, threads: int) -> tuple[np.ndarray, float]:
    """(scores of the first n candidates, seconds): every distance by a matrix product, and the k least of each row."""
    known, candidates = rows(m, SEED), rows(CANDIDATES, SEED + 1)[:n]
    label = labels(known)

    def work():
        mean, scale = known.mean(axis=0), known.std(axis=0)
        there, here = (known - mean) / scale, (candidates - mean) / scale
        if name == "rb_dist":
            there = there[label == 1]
        squares = (there**2).sum(axis=1)
        found = np.empty(n)
        for row, place in enumerate(here):
            distance = squares - 2 * (there @ place) + (place**2).sum()
            nearest = np.argpartition(distance, K)[:K]
            if name == "rb_label":
                found[row] = label[nearest].sum()
            else:
                found[row] = -np.sqrt(np.maximum(distance[nearest], 0)).mean()
        return found

    with threadpool_limits(threads):
        return timed(work)


def test_scores_among_a_million_rows(pytestconfig, record):
    quick, threads = pytestconfig.getoption("quick"), pytestconfig.getoption("threads")
    sizes, n = (MAJORITY[:2], CANDIDATES // 10) if quick else (MAJORITY, CANDIDATES)
    for name in ("rb_label", "rb_dist"):
        seconds, plain = [], []
        for m in sizes:
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                found, took, memory = pool.submit(ours, (name, m, n, threads)).result()
            subset = min(SUBSET, n)
            expected, brute = by_brute_force(name, m, subset, threads)
            seconds.append(took)
            plain.append(brute * n / subset)
            what = f"{name}, {m:,} majority rows x {FEATURES}, {n:,} candidates, k = {K}"
            record(what, took, plain[-1], plain[-1] / took)
            record(f"{name}, {m:,} majority rows: peak memory above the data, MB", memory)
            np.testing.assert_allclose(found[:subset], expected, atol=1e-6)
        growth, other = (float(np.polyfit(np.log(sizes), np.log(times), 1)[0]) for times in (seconds, plain))
        record(f"{name}: exponent of growth in majority rows", growth, other)
