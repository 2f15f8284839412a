"""What the engine adds to the work of the rules, on the largest finished run in this folder."""

from __future__ import annotations

import subprocess
import sys

import engine
import pytest
from conftest import ROOT, timed

OVERHEAD = 0.15
DRY_RUN_SECONDS = 3.0


@pytest.fixture(scope="module")
def run():
    found = engine.largest_run(ROOT)
    if found is None:
        pytest.skip("no finished run with its benchmark files in this folder: run `make` first")
    return found


def test_the_engine_costs_little(run, record):
    record(f"engine overhead: {engine.words(run)}", f"{run.overhead:.1%}", "", "", "15%")
    assert run.overhead <= OVERHEAD


def test_a_dry_run_of_a_finished_run_is_quick(run, record):
    command = [sys.executable, "-m", "snakemake", *run.arguments, "--dry-run"]
    finished, seconds = timed(lambda: subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8"))
    if "Nothing to be done" not in finished.stdout + finished.stderr:
        pytest.skip("something has changed since that run: there are jobs to do")
    record("snakemake --dry-run on the finished run (s)", seconds, "", "", "3")
    assert seconds <= DRY_RUN_SECONDS
