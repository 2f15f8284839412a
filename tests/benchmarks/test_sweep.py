"""The minority sweep on COMPAS against the plain nested loop: split, score and train anew for every condition."""

from __future__ import annotations

import os
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, timed
from threadpoolctl import threadpool_limits

from quorum import tables
from quorum.minority import collective, contributions, population, scores, sweep
from quorum.minority.audit import measures

RATIO = 4.0
CORES = 2
ALPHAS = [0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]
STEPS = 12
METHODS = tuple(scores.SCORES)
RUNS = range(1, 11)
EVERY = 3  # the plain loop is timed for one condition in three of every run, and its time multiplied
SHARE, K = 0.3, 10
KEYS = ["method", "alpha", "flips", "seed"]


def people() -> population.Population:
    """COMPAS, as it was retrieved."""
    found = sorted((ROOT / "resources" / "retrieved").rglob("compas.parquet"))
    if not found:
        pytest.fail("resources/retrieved: no compas.parquet; run `make` first", pytrace=False)
    return population.from_table(tables.read_table(found[0], "population"))


def one_run(job: tuple[population.Population, int, list[float], int]) -> tuple[pd.DataFrame, list[str]]:
    """(table minority_runs of one seed, the labels of all training rows by condition, as text), with one thread."""
    import sklearn.ensemble  # noqa: F401  a limit on threads holds for libraries that are loaded by then

    people, seed, alphas, steps = job
    labels: list[str] = []
    original = contributions.relabelled

    def noted(label, ours, flips):
        changed = original(label, ours, flips)
        labels.append(np.packbits(changed).tobytes().hex())
        return changed

    sweep.relabelled = noted
    try:
        with threadpool_limits(1):
            return sweep.run(people, "compas", "boosted_trees", seed, METHODS, alphas, steps, SHARE, K, None), labels
    finally:
        sweep.relabelled = original


def plain_loop(people, conditions):
    """The conditions (seed, method, alpha, flips), each from the start: split, score, order, relabel, train a default
    model, measure."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, labels = [], []
    features, group = people.features.to_numpy(), people.group
    seen = people.features.drop(columns=collective.sensitive_features(people)).to_numpy()
    for seed, method, alpha, flips in conditions:
        train, audit = population.split(people, seed, SHARE)
        majority = train[group[train] == 0]
        every = collective.candidates(people, train)
        model = None
        if method == "rb_prob":
            model = HistGradientBoostingClassifier(random_state=seed)
            model.fit(seen[majority], people.label[majority])
        view = scores.View(seen[majority], people.label[majority], seen[every], K, seed, model)
        order = collective.in_order(every, scores.SCORES[method](view), seed)
        ours = order[np.isin(order, collective.joined(people, train, alpha, seed))]
        label = people.label.copy()
        label[ours[:flips]] = 1
        model = HistGradientBoostingClassifier(random_state=seed).fit(features[train], label[train])
        found = measures(people.label[audit], model.predict(features[audit]), group[audit])
        rows.append({"method": method, "alpha": alpha, "flips": flips, "seed": seed} | found)
        labels.append(np.packbits(label).tobytes().hex())
    return pd.DataFrame(rows), labels


def test_the_speed_of_a_sweep(pytestconfig, record):
    if (os.cpu_count() or 1) < CORES:
        pytest.skip(f"needs {CORES} cores")
    quick = pytestconfig.getoption("quick")
    cohort = people()
    alphas, steps, seeds = (ALPHAS[::4], 4, RUNS[:2]) if quick else (ALPHAS, STEPS, RUNS)
    jobs = [(cohort, seed, alphas, steps) for seed in seeds]

    def ours():
        # Started anew, since a process that is forked after a parallel region of OpenMP may hang in its first one.
        with get_context("spawn").Pool(CORES) as pool:
            return pool.map(one_run, jobs, chunksize=1)

    found, here = timed(ours)
    runs = pd.concat([frame for frame, _ in found], ignore_index=True)
    labels = [text for _, part in found for text in part]
    chosen = np.arange(len(runs))
    chosen = chosen[chosen % EVERY == runs["seed"] % EVERY]
    runs, labels = runs.loc[chosen].reset_index(drop=True), [labels[row] for row in chosen]
    with threadpool_limits(CORES):
        (plain, plain_labels), there = timed(
            lambda: plain_loop(cohort, runs[["seed", "method", "alpha", "flips"]].itertuples(index=False))
        )
    there *= EVERY
    what = f"COMPAS, {len(alphas)} alphas x {steps} flips x {len(METHODS)} methods x {len(seeds)} runs, {CORES} cores"
    record(what, here, there, there / here, f"{RATIO:g}")
    mean, other = (frame.groupby(KEYS[:3]).eqod.mean() for frame in (runs, plain))
    spread = plain.groupby(KEYS[:3]).eqod.std().fillna(0)  # none is known of a condition that ran once
    gap = (mean - other).abs()
    record(
        "largest difference of a mean EqOd violation, in SDs over runs",
        float((gap / spread).fillna(0).max()),
        "",
        "",
        "1",
    )
    different = sum(a != b for a, b in zip(labels, plain_labels, strict=True))
    record("conditions with other flips", different, len(labels), "", "0")
    assert runs[KEYS].astype({"flips": int}).equals(plain[KEYS].astype({"flips": int}))
    assert different == 0
    assert (gap <= spread).all()
    if not quick:
        assert there / here >= RATIO
