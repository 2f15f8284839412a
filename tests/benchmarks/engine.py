"""What the workflow engine costs: wall time of a run minus the work of its jobs, spread over the cores.

python tests/benchmarks/engine.py [.snakemake/log/LOG]
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

FINISHED = re.compile(r"^(\d+) of \1 steps \(100%\) done$", re.MULTILINE)
ELAPSED = re.compile(r"^Elapsed time: (?:(\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)$", re.MULTILINE)
BENCHMARK = re.compile(r"^ +benchmark: (\S+)$", re.MULTILINE)
CORES = re.compile(r"^Provided cores: (\d+)", re.MULTILINE)
COMMAND = re.compile(r"^ +Command: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """A finished run: arguments, jobs, cores, wall time (s), and work of the jobs (s, their own start included)."""

    arguments: list[str]
    jobs: int
    cores: int
    wall: float
    work: float

    @property
    def overhead(self) -> float:
        """Share of the wall time in which no core's share of the work was done: (wall - work / cores) / wall."""
        return (self.wall - self.work / self.cores) / self.wall


def read_log(path: Path) -> Run | None:
    """The run that a log of Snakemake tells of; None if it did not finish or left no benchmark file.

    Paths in the log are relative to the folder that holds .snakemake.
    """
    text = path.read_text(encoding="utf-8")
    elapsed, cores, command = ELAPSED.search(text), CORES.search(text), COMMAND.search(text)
    files = [path.absolute().parents[2] / name for name in dict.fromkeys(BENCHMARK.findall(text))]
    if not FINISHED.search(text) or not elapsed or not cores or not files or not all(f.is_file() for f in files):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in elapsed.groups())
    return Run(
        shlex.split(command[1])[1:] if command else [],
        len(files),
        int(cores[1]),
        86400 * days + 3600 * hours + 60 * minutes + seconds,
        sum(float(pd.read_csv(file, sep="\t")["s"].iloc[-1]) for file in files),
    )


def largest_run(folder: Path) -> Run | None:
    """Of the finished runs in folder/.snakemake/log the one with most jobs, of several the newest; None if none."""
    runs = [run for path in sorted((folder / ".snakemake" / "log").glob("*.log")) if (run := read_log(path))]
    return max(reversed(runs), key=lambda run: run.jobs, default=None)


def words(run: Run) -> str:
    """The run in one line."""
    return (
        f"{run.jobs} jobs on {run.cores} cores: wall {run.wall:.1f} s, work {run.work:.1f} s, "
        f"overhead {run.overhead:.1%} (snakemake {shlex.join(run.arguments)})"
    )


if __name__ == "__main__":
    found = read_log(Path(sys.argv[1])) if len(sys.argv) > 1 else largest_run(Path.cwd())
    sys.exit("no finished run with its benchmark files") if found is None else print(words(found))
