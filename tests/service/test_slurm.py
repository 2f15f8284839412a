"""The study through a real SLURM: the same tables as a local run, whatever happens to its jobs.

Needs root and Debian's packages (see cluster.py) and requirements-cluster.txt; `pytest -s` shows the cluster's log.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import cluster as slurm
import pytest
import runs
import yaml

pytestmark = [pytest.mark.service, pytest.mark.model, pytest.mark.slow]

PROFILE = Path("profiles", "slurm", "config.yaml")
PRECISION = Path("results", "machine", "precision.parquet")
LIMIT = 900
PARTS = ("baseline", "bargaining", "results/release/varied/sentences.csv")
# Several blocks in the queue when one of them is hit, and each soon done again.
SMALL_BLOCKS = ("--group-components", "streams=10", "encodings=10", "uptake=2", "tables=100")


@pytest.fixture(scope="module")
def cluster() -> Iterator[slurm.Cluster]:
    reason = slurm.absent()
    if not reason and find_spec("snakemake_executor_plugin_slurm") is None:
        reason = "no snakemake-executor-plugin-slurm: pip install --requirement requirements-cluster.txt"
    if reason:
        pytest.skip(reason)
    with slurm.up() as running:
        yield running


@pytest.fixture(scope="module")
def local(cluster, tmp_path_factory) -> Path:
    """The same parts of the study without SLURM; nobody changes it."""
    folder = runs.copy_sources(tmp_path_factory.mktemp("local"))
    runs.copy_retrieved(runs.ROOT, folder)
    done = runs.run(folder, *PARTS)
    assert done.returncode == 0, done.stdout[-20_000:]
    return folder


@pytest.fixture
def workflow(local, tmp_path) -> Path:
    """The workflow before any run, with what the local run has retrieved and the precision that it has chosen."""
    folder = runs.copy_sources(tmp_path / "workflow")
    runs.copy_retrieved(local, folder)
    (folder / PRECISION).parent.mkdir(parents=True)
    shutil.copy(local / PRECISION, folder / PRECISION)
    return folder


@pytest.fixture
def older(cluster) -> set[int]:
    """Ids of the jobs of other tests."""
    return {job.id for job in cluster.jobs()}


@pytest.fixture
def submitted(cluster, workflow, older, tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts a run on the cluster in the folder `workflow`; it speaks into `said`, its jobs are in `slurm.log`."""
    started = []

    def submit(*options: str) -> subprocess.Popen:
        # With squeue, since there is no accounting; and ended from outside, since the executor waits for ever for a
        # controller that does not answer.
        command = ["timeout", "--signal=INT", "--kill-after=60", str(LIMIT), sys.executable, "-m", "snakemake", *PARTS]
        command += ["--workflow-profile", "slurm", "--configfile", "config/tiny.yaml", *options]
        command += ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3"]
        with (tmp_path / "said").open("w", encoding="utf-8") as said:
            started.append(
                subprocess.Popen(command, cwd=workflow, env=runs.environment(), stdout=said, stderr=subprocess.STDOUT)
            )
        return started[-1]

    yield submit
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()
    log = cluster.log(but=older)
    (tmp_path / "slurm.log").write_text(log, encoding="utf-8")
    print(log)


def said_by(process: subprocess.Popen, tmp_path: Path) -> str:
    """What the run said, once it has ended well."""
    code, said = process.wait(), (tmp_path / "said").read_text(encoding="utf-8", errors="replace")
    assert code == 0, said[-20_000:]
    return said


def first_running(cluster: slurm.Cluster, work: str, process: subprocess.Popen, older: set[int]) -> slurm.Job:
    """The first job of the rule or group that runs by now, but for older ones."""
    while process.poll() is None:
        for job in cluster.jobs():
            if job.state == "RUNNING" and work in job.work and job.id not in older:
                return job
        time.sleep(0.5)
    raise AssertionError(f"the run ended before a job of {work} ran")


def differing(made: Path, expected: Path) -> list[str]:
    """Tables, artifacts and models of a run that are not, byte by byte, those of another; times never are."""
    names = [
        path.relative_to(made)
        for suffix in ("csv", "parquet", "safetensors")
        for path in (made / "results").rglob(f"*.{suffix}")
        if path.stem != "costs"
    ]
    assert names
    return [
        str(name)
        for name in names
        if not (expected / name).is_file() or (made / name).read_bytes() != (expected / name).read_bytes()
    ]


def states_of(cluster: slurm.Cluster, older: set[int], work: str = "") -> list[str]:
    return [job.state for job in cluster.jobs() if job.id not in older and work in job.work]


def test_artifacts_are_those_of_a_local_run_and_few_jobs_are_submitted(
    cluster, local, workflow, submitted, older, tmp_path
):
    planned = len(runs.planned(workflow, *PARTS))
    said_by(submitted(), tmp_path)
    assert differing(workflow, local) == []
    states = states_of(cluster, older)
    assert set(states) == {"COMPLETED"}
    assert len(states) <= planned / 3


def test_a_cancelled_job_is_done_again(cluster, local, workflow, submitted, older, tmp_path):
    run = submitted(*SMALL_BLOCKS)
    job = first_running(cluster, "rule_uptake", run, older)
    cluster.cancel(job)
    said_by(run, tmp_path)
    states = states_of(cluster, older)
    assert set(states) == {"CANCELLED", "COMPLETED"} and states.count("CANCELLED") == 1
    assert differing(workflow, local) == []


def test_a_job_that_exceeds_its_memory_gets_more(cluster, local, workflow, submitted, older, tmp_path):
    profile = yaml.safe_load((workflow / PROFILE).read_text(encoding="utf-8"))
    profile["set-resources"]["encode_utility"]["mem_mb"] = "300 * attempt ** 4"
    (workflow / PROFILE).write_text(yaml.safe_dump(profile, sort_keys=False), encoding="utf-8")
    said_by(submitted(*SMALL_BLOCKS), tmp_path)
    assert states_of(cluster, older, "rule_encode_utility") == ["FAILED", "COMPLETED"]
    logs = (workflow / ".snakemake" / "slurm_logs" / "rule_encode_utility").rglob("*.log")
    assert any("Exceeded job memory limit" in log.read_text(encoding="utf-8") for log in logs)
    assert differing(workflow, local) == []


def test_a_job_whose_node_dies_is_done_again_on_another(cluster, local, workflow, submitted, older, tmp_path):
    run = submitted(*SMALL_BLOCKS)
    job = first_running(cluster, "rule_uptake", run, older)
    cluster.cut_power(job.node)
    try:
        said_by(run, tmp_path)
        jobs = [other for other in cluster.jobs() if other.id not in older]
    finally:
        cluster.boot(job.node)
    assert next(other.state for other in jobs if other.id == job.id) == "NODE_FAIL"
    # Another block may have been lost with the node, too.
    after = [other for other in jobs if other.id > job.id and other.state != "NODE_FAIL"]
    assert after and {other.node for other in after} == set(slurm.NODES) - {job.node}
    assert differing(workflow, local) == []
