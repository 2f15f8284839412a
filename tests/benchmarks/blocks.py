"""What a job of the queue costs by itself: the same conditions through a real SLURM, in blocks of three sizes.

python tests/benchmarks/blocks.py [BLOCK ...]      (1 4 8)

Needs what `make test-service` needs. Queue jobs run two at a time, as everywhere on this machine. Overhead is the
time that nodes were taken without a rule's own script at work: the starts of Snakemake and of Python.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

sys.path[:0] = [str(Path(__file__).parents[1] / part) for part in ("service", "workflow")]

import cluster as slurm  # noqa: E402
import pandas as pd  # noqa: E402
import runs  # noqa: E402

CONFIG = {
    "uptakes": ["fine_tune"],
    "collective": {"agents": 4, "styles": ["template"], "sizes": [0, *range(1, 8)]},
    "defense": {"names": ["none"], "at_size": 7},
}
RULES = ("fine_tune", "audit_model")
BEFORE = ("write_probes", "measure_precision", "encode_background", "encode_pool", "encode_utility")
OPTIONS = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3", "--jobs", "2")


@dataclass(frozen=True)
class Blocks:
    """Conditions in a block, jobs of the queue, wall time, time that nodes were taken, and that of scripts (s)."""

    size: int
    queued: int
    wall: float
    taken: float
    work: float


def prepare(folder: Path) -> tuple[list[str], list[str]]:
    """(the conditions' audits, configuration files) of a folder in which all is done that they need."""
    runs.copy_sources(folder)
    runs.copy_retrieved(runs.ROOT, folder)
    configs = ["config/tiny.yaml", runs.write_config(folder, CONFIG)]
    planned = runs.planned(folder, "bargaining", configs=configs)
    audits = [path for job in planned if job.rule == "audit_model" for path in job.output if "audit.parquet" in path]
    needed = [path for job in planned if job.rule in BEFORE for path in job.output]
    done = runs.run(folder, *needed, configs=configs)
    if done.returncode:
        raise RuntimeError(done.stdout[-5_000:])
    return audits, configs


def measure(cluster: slurm.Cluster, folder: Path, size: int, audits: list[str], configs: list[str]) -> Blocks:
    """Trains and audits the conditions in blocks of `size`."""
    older = {job.id for job in cluster.jobs()}
    options = ["--workflow-profile", "slurm", *OPTIONS, "--group-components", f"uptake={size}"]
    began = perf_counter()
    done = runs.snakemake(folder, *audits, *options, configs=configs)
    wall = perf_counter() - began
    if done.returncode:
        raise RuntimeError(done.stdout[-5_000:])
    command = ["squeue", "--states=all", "--noheader", "--format=%A|%S|%e"]
    rows = [line.split("|") for line in subprocess.check_output(command, text=True).split()]
    times = [[datetime.fromisoformat(time) for time in row[1:]] for row in rows if int(row[0]) not in older]
    records = [path for rule in RULES for path in (folder / "results" / "benchmarks" / rule).rglob("*.tsv")]
    work = sum(pd.read_csv(path, sep="\t")["s"].sum() for path in records)
    return Blocks(size, len(times), wall, sum((end - start).total_seconds() for start, end in times), work)


def table(found: list[Blocks], jobs: int) -> str:
    """The blocks as a Markdown table; jobs: of Snakemake, the same for all."""
    head = ["conditions in a block", "jobs of the queue", "wall time (s)", "nodes taken (s)", "scripts (s)"]
    head.append("overhead of each of Snakemake's jobs (s)")
    rows = [
        f"| {b.size} | {b.queued} | {b.wall:.0f} | {b.taken:.0f} | {b.work:.0f} | {(b.taken - b.work) / jobs:.1f} |"
        for b in found
    ]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])


if __name__ == "__main__":
    if reason := slurm.absent():
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as base, slurm.up() as running:
        audits, configs = prepare(Path(base, "ready"))
        found = []
        for size in [int(argument) for argument in sys.argv[1:]] or (1, 4, 8):
            folder = runs.copy_run(Path(base, "ready"), Path(base, str(size)))
            found.append(measure(running, folder, size, audits, configs))
        print(f"{len(audits)} conditions\n\n{table(found, len(RULES) * len(audits))}")
