"""A key that can be recognised is used in every way in which a run can go, and looked for in every file afterwards."""

from __future__ import annotations

import itertools

import pytest
import runs
import study
from faulty_server import FaultyServer, made_up

pytestmark = [pytest.mark.service, pytest.mark.workflow, pytest.mark.slow]


def echoing(path, headers, body):
    """An answer that tells its asker what it was asked with."""
    assert headers["authorization"] == f"Bearer {study.KEY}"
    status, answer = made_up(path, headers, body)
    return status, answer.replace(b'{"choices"', f'{{"seen": "{headers["authorization"]}", "choices"'.encode(), 1)


def test_the_key_is_in_no_file_of_a_run(workflow):
    echo = (500, f"the key {study.KEY} is tired")
    wrong = (401, f'{{"error": {{"message": "no such key: {study.KEY}"}}}}')
    said = []
    turn = itertools.cycle([echo, "", "", "malformed", "", "reset", ""])
    for fault in (lambda n: wrong, lambda n: echo, lambda n: next(turn)):
        with FaultyServer(echoing, fault).running() as address:
            run = study.run(workflow, address, *study.ASKED, "export_answers", retries=6)
            said.append(run)
    assert [run.returncode != 0 for run in said] == [True, True, False], said[-1].stdout[-5000:]
    assert "no such key: [key]" in said[0].stdout and "the key [key] is tired" in said[1].stdout
    report = runs.snakemake(
        workflow,
        "--report",
        "results/report.zip",
        *study.ASKED,
        configs=study.configs("server.yaml"),
        **study.environment(),
    )
    assert report.returncode == 0, report.stdout[-5000:]
    assert study.files_with(workflow, "requests_table"), "the search finds nothing at all"
    assert (workflow / ".quorum" / "answers.sqlite").exists() and (workflow / "results" / "report.zip").exists()
    assert study.files_with(workflow, study.KEY) == []
    assert not any(study.KEY in run.stdout for run in (*said, report))
