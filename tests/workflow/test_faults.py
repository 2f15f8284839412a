"""What happens to a run: full and read-only disks, a second run, damaged files. Clear words, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import interruptions
import pytest
import runs

pytestmark = [pytest.mark.workflow, pytest.mark.apart]

# Two chains of jobs that need no model.
CHAINS = ("results/figures/minority_toy.svg", "results/release/varied/sentences.csv")


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        pytest.skip(f"this machine lets nobody here mount a disk: {done.stderr.strip()}")


@pytest.fixture
def mounted() -> Iterator[Callable[..., None]]:
    """mounted(folder, *arguments of mount): unmounted at the end."""
    if sys.platform != "linux" or os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root on Linux can mount a small disk")
    folders = []

    def do(folder: Path, *arguments: str) -> None:
        mount(*arguments, str(folder))
        folders.append(folder)

    yield do
    for folder in folders:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """What the chains leave that nobody disturbs."""
    folder = runs.copy_sources(tmp_path_factory.mktemp("undisturbed"))
    assert runs.run(folder, *CHAINS).returncode == 0
    return interruptions.results(folder)


# ---- disks -----------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_a_run_with_room_goes_on_where_it_stopped(unused, mounted, whole):
    results = unused / "results"
    results.mkdir()
    mounted(results, "-t", "tmpfs", "-o", "size=600k", "tmpfs")  # the figure as a page of HTML is larger
    stopped = runs.run(unused, *CHAINS)
    assert stopped.returncode != 0
    assert "the disk is full. Nothing of it was kept; make room and run again" in stopped.stdout
    kept = interruptions.results(unused)
    assert kept and kept.items() <= whole.items()
    assert [path for path in results.rglob(".*")] == []
    mount("-o", "remount,size=20m", str(results))
    resumed = runs.run(unused, *CHAINS)
    assert resumed.returncode == 0, resumed.stdout
    assert interruptions.finished_jobs(resumed.stdout) == 1
    assert interruptions.results(unused) == whole


def test_a_disk_without_room_for_the_records_of_a_run_stops_it_with_words(tmp_path, mounted):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted(folder, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
    runs.copy_sources(folder)
    filler = folder / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    stopped = runs.run(folder, *CHAINS)
    assert stopped.returncode != 0
    assert "error: .snakemake: the disk is full" in stopped.stdout and "Traceback" not in stopped.stdout
    filler.unlink()
    assert runs.run(folder, CHAINS[1]).returncode == 0


def test_a_read_only_results_folder_stops_the_run_before_any_job(unused, mounted, whole):
    assert runs.run(unused, CHAINS[1]).returncode == 0
    before = interruptions.results(unused)
    results = unused / "results"
    mounted(results, "--bind", str(results))
    mount("-o", "remount,ro,bind", str(results))
    stopped = runs.run(unused, *CHAINS)
    assert stopped.returncode != 0
    assert "error: results: nothing can be written there (Read-only file system)" in stopped.stdout
    assert "Traceback" not in stopped.stdout and "jobid" not in stopped.stdout
    assert interruptions.results(unused) == before
    mount("-o", "remount,rw,bind", str(results))
    assert runs.run(unused, *CHAINS).returncode == 0
    assert interruptions.results(unused) == whole


@pytest.mark.skipif(not os.geteuid(), reason="root may write everywhere")
def test_a_results_folder_of_another_user_stops_the_run_before_any_job(unused):
    (unused / "results").mkdir(mode=0o555)
    stopped = runs.run(unused, *CHAINS)
    assert stopped.returncode != 0
    assert "error: results: nothing can be written there (Permission denied)" in stopped.stdout
    (unused / "results").chmod(0o755)


# ---- two at once -----------------------------------------------------------------------------------------------------


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_goes_on(unused, whole):
    first = subprocess.Popen(
        runs.command("--cores", "2", *CHAINS, configs=["config/tiny.yaml"]),
        cwd=unused,
        env=runs.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not list(unused.glob(".snakemake/locks/*.output.lock")):
        assert first.poll() is None
        time.sleep(0.05)
    second = runs.run(unused, *CHAINS)
    planned = runs.snakemake(unused, "--dry-run", *CHAINS, configs=["config/tiny.yaml"])
    assert first.poll() is None, "the first run was too short for the second to meet it"
    assert second.returncode != 0 and "Directory cannot be locked" in second.stdout
    assert planned.returncode == 0
    assert first.wait() == 0
    assert interruptions.results(unused) == whole


def test_two_runs_that_start_together_leave_what_one_leaves(unused, whole):
    """Snakemake looks for a lock, and then sets its own: both may pass, or one of them be refused."""
    both = [
        subprocess.Popen(
            runs.command("--cores", "1", *CHAINS, configs=["config/tiny.yaml"]),
            cwd=unused,
            env=runs.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    for run in both:
        run.wait()
    assert runs.run(unused, *CHAINS).returncode == 0
    assert interruptions.results(unused) == whole


# ---- damaged files ---------------------------------------------------------------------------------------------------

CONDITION = "results/uptake/fine_tune/last2/overlap0.0/varied/parity/n40/none/seed1"
STATES = "results/encoded/last2/background/overlap0.0/seed1.safetensors"
UNDEFENDED = "results/statistics/undefended"
WEIGHTS = f"{CONDITION}/adapter_model.safetensors"


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def overwritten(content: bytes) -> bytes:
    return b"garbage" * 1000


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "damage", "target", "words"),
    [
        (f"{UNDEFENDED}/streams.parquet", cut, f"{UNDEFENDED}/tipping_curve.parquet", "Parquet file"),
        (STATES, overwritten, WEIGHTS, "not readable as hidden states"),
        (WEIGHTS, cut, f"{CONDITION}/audit.parquet", "no adapter of this model"),
    ],
)
def test_a_damaged_file_is_named_and_made_again_once_it_is_deleted(spoilt, path, damage, target, words):
    damaged, before = spoilt / path, interruptions.results(spoilt)
    damaged.unlink()  # anew, since it may be shared with other folders
    damaged.write_bytes(damage(before[path]))
    stopped = runs.run(spoilt, target)
    assert stopped.returncode != 0
    error = next(line for line in stopped.stdout.splitlines() if line.startswith("error: "))
    assert error.startswith(f"error: {path}") or error.startswith(f"error: {damaged.relative_to(spoilt).parent}")
    assert words in error and "elete it and run again" in error
    # Of the jobs that failed, Snakemake deletes what they may have begun; everything else is as it was.
    kept = interruptions.results(spoilt)
    assert all(content == before[name] for name, content in kept.items() if name != path)
    assert len(kept) >= len(before) - 3
    damaged.unlink()
    mended = runs.run(spoilt, target)
    assert mended.returncode == 0, mended.stdout
    assert damaged.read_bytes() == before[path] and (spoilt / target).read_bytes() == before[target]
