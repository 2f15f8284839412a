"""Folders in which the workflow is tried; the real run is done once for all tests that look at it or spoil a copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import runs


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Path:
    """The workflow before any run, for dry runs only."""
    return runs.copy_sources(tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def unused(tmp_path) -> Path:
    """The workflow before any run, for one test alone."""
    return runs.copy_sources(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A whole run of tiny.yaml on the real model, and of the studies beside it; nobody changes it."""
    folder = runs.copy_sources(tmp_path_factory.mktemp("finished"))
    runs.copy_retrieved(runs.ROOT, folder)
    done = runs.run(folder, *runs.EVERYTHING)
    assert done.returncode == 0, done.stdout[-20_000:]
    return folder


@pytest.fixture
def spoilt(finished, tmp_path) -> Path:
    """A copy of the finished run that a test may spoil."""
    return runs.copy_run(finished, tmp_path)


@pytest.fixture
def replanned(spoilt) -> Callable[[dict], list[runs.Job]]:
    """The jobs that a finished run would do after changes to its configuration."""

    def replan(changes: dict) -> list[runs.Job]:
        return runs.planned(spoilt, configs=["config/tiny.yaml", runs.write_config(spoilt, changes)])

    return replan
