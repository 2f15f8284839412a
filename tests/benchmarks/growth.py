"""How planning grows with the study: time and memory of `snakemake --dry-run` for more and more conditions.

python tests/benchmarks/growth.py [CONDITIONS ...]      (100 1000 10000)
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from quorum import conditions, settings  # noqa: E402

PARTS = ("Snakefile", "config", "profiles", "resources", "rules", "scripts")
STUDIES = ("undefended", "defended")
TOTAL = re.compile(r"^total +(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Plan:
    """A dry run: conditions and jobs of the study, wall and processor time (s), and the most memory it took (MB)."""

    conditions: int
    jobs: int
    wall: float
    processor: float
    megabytes: float


def study(at_least: int) -> tuple[dict[str, Any], int]:
    """(what to put over the default configuration, its number of conditions): as many seeds as give `at_least`."""
    config = settings.check(
        settings.read(ROOT / "config" / "config.yaml"), settings.read(ROOT / "config" / "schema.yaml")
    )
    one = config | {"seeds": [1]}
    folders = {conditions.folder(condition, one) for name in STUDIES for condition in conditions.of_study(name, one)}
    seeds = -(-at_least // len(folders))
    return {"seeds": list(range(1, seeds + 1))}, seeds * len(folders)


def plan(at_least: int, target: str = "all") -> Plan:
    """What the dry run of a target takes in a folder without results.

    Raises RuntimeError with all that Snakemake said if it fails.
    """
    changes, size = study(at_least)
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            (Path(folder) / part).symlink_to(ROOT / part)
        (Path(folder) / "growth.yaml").write_text(yaml.safe_dump(changes), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--dry-run", target, "--quiet", "rules"]
        with (Path(folder) / "said").open("w+", encoding="utf-8") as said:
            start = perf_counter()
            process = subprocess.Popen(
                [*command, "--configfile", "growth.yaml"], cwd=folder, stdout=said, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = perf_counter() - start
            said.seek(0)
            words = said.read()
    total = TOTAL.search(words)
    if os.waitstatus_to_exitcode(status) or not total:
        raise RuntimeError(words)
    return Plan(size, int(total[1]), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def table(plans: list[Plan]) -> str:
    """The plans as a Markdown table."""
    rows = [f"| {p.conditions:,} | {p.jobs:,} | {p.wall:.1f} | {p.processor:.1f} | {p.megabytes:,.0f} |" for p in plans]
    return "\n".join(
        ["| conditions | jobs | wall time (s) | processor time (s) | memory (MB) |", "|---|---|---|---|---|", *rows]
    )


if __name__ == "__main__":
    print(table([plan(int(size)) for size in sys.argv[1:] or (100, 1000, 10000)]))
