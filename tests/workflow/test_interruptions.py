"""A run that is interrupted at any moment goes on by the same command, and ends as if nothing had happened.

One moment for each kind of interruption, another one every time; `make test-interruptions` tries many.
"""

from __future__ import annotations

import random

import interruptions
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.model, pytest.mark.apart]


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> interruptions.Undisturbed:
    return interruptions.undisturbed(tmp_path_factory.mktemp("reference") / "undisturbed")


@pytest.mark.parametrize(
    ("name", "alone"),
    [("SIGINT", False), ("SIGTERM", False), ("SIGKILL", False), ("SIGKILL", True)],
    ids=["interrupted", "told to stop", "killed", "killed without its jobs"],
)
def test_an_interrupted_run_goes_on_by_the_same_command(reference, tmp_path, name, alone):
    trial = None
    for attempt in range(10):
        folder = interruptions.prepare(tmp_path / str(attempt))
        trial = interruptions.attempt(folder, reference, name, random.uniform(0, reference.seconds), alone)
        if trial:
            break
    print(trial)
    assert trial is not None and not trial.wrong, str(trial)
