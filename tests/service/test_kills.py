"""The workflow is killed at random moments, and goes on each time where it was."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import runs
import study

pytestmark = [pytest.mark.service, pytest.mark.workflow, pytest.mark.slow]

KILLS = 10
# Seconds that an answer takes, and requests of one job that are under way at once.
SECONDS, CONCURRENCY, JOBS = 0.15, 3, 2
SERVER = Path(runs.ROOT, "tests", "unit", "faulty_server.py")


def names(prompts_and_seeds) -> set[str]:
    """What the diary calls them."""
    return {hashlib.sha256(f"{prompt}{seed}".encode()).hexdigest() for prompt, seed in prompts_and_seeds}


def asked(diary: Path) -> list[str]:
    """The requests that the server has seen, in their order."""
    lines = diary.read_text(encoding="utf-8").splitlines() if diary.exists() else []
    return [line.split()[2] for line in lines if line.split()[1] == "asked"]


def kill_tree(process: subprocess.Popen) -> None:
    """SIGKILL to the process and all that came from it."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family)
    process.wait()


def test_no_answer_that_was_kept_is_asked_for_again(workflow, tmp_path):
    diary, draw = tmp_path / "diary", random.Random(3)
    with study.started(SERVER, diary, SECONDS) as address:
        own = runs.write_config(
            workflow, {"endpoint": {"base_url": address, "concurrency": CONCURRENCY}}, "server.yaml"
        )
        command = [sys.executable, "-m", "snakemake", "--cores", str(JOBS), "--nolock", *study.ASKED]
        command += ["--configfile", *study.configs(own)]
        environment = study.inherited()
        # Some moments are within the asking, some before it, all of them long before its end.
        total, under_way, kills = len(study.prompts(workflow)), 0, 0
        while kills < KILLS:
            before = len(asked(diary))
            kept = names(study.answered(workflow))
            more, deadline = draw.randint(0, max(1, (total - before) // (KILLS + 2 - kills))), time.monotonic() + 120
            run = subprocess.Popen(
                command, cwd=workflow, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while len(asked(diary)) < before + more and time.monotonic() < deadline and run.poll() is None:
                time.sleep(0.01)
            time.sleep(draw.uniform(0, 0.3))
            assert run.poll() is None, "the run ended before it could be killed"
            kill_tree(run)
            kills += 1
            again = asked(diary)[before:]
            assert not kept & set(again), "an answer in the cache was asked for again"
            time.sleep(2 * SECONDS)
            under_way += len(set(asked(diary)[before:]) - names(study.answered(workflow)))
        done = runs.snakemake(workflow, *command[3:], **study.environment())
        assert done.returncode == 0, done.stdout[-5000:]
    counted = Counter(asked(diary))
    twice = sum(counted.values()) - len(counted)
    print(f"\n{KILLS} kills: {total} prompts, {total + twice} requests, {twice} paid twice, {under_way} under way")
    assert len(counted) == total == len(study.answered(workflow))
    assert twice <= under_way <= KILLS * CONCURRENCY * JOBS
