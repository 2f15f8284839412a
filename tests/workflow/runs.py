"""The workflow in a folder of its own: copied there, run there, and what a dry run says it would do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TINY = Path(__file__).with_name("tiny.yaml")
EVERYTHING = ("all", "depth_study", "overlap_study", "learning_curve", "arms_race")
RETRIEVED = Path("resources", "retrieved")

_PARTS = (
    "CITATION.cff",
    "LICENSE",
    "Snakefile",
    "config",
    "profiles",
    "requirements.txt",
    "resources",
    "rules",
    "scripts",
)
_LONG_AGO = 1_600_000_000


@dataclass(frozen=True)
class Job:
    """A job of a dry run: its rule, outputs, wildcards and why it would run."""

    rule: str
    output: tuple[str, ...]
    wildcards: dict[str, str]
    reason: str


def copy_sources(folder: Path) -> Path:
    """What a run needs of this checkout, older than anything that a run makes of it."""
    for part in _PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("retrieved", "__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / part)
    shutil.copy(TINY, folder / "config" / "tiny.yaml")
    for path in folder.rglob("*"):
        os.utime(path, (_LONG_AGO, _LONG_AGO))
    return folder


def copy_retrieved(source: Path, folder: Path) -> None:
    """What `source` has retrieved, if anything; the large files are shared by hard links."""
    if (source / RETRIEVED / "model" / "config.json").is_file():
        shutil.copytree(source / RETRIEVED, folder / RETRIEVED, copy_function=_link_large)


def copy_run(source: Path, folder: Path) -> Path:
    """A finished run with all of its records, to be spoilt."""
    return Path(shutil.copytree(source, folder, copy_function=_link_large, dirs_exist_ok=True))


def _link_large(source: str, destination: str) -> None:
    if os.path.getsize(source) > 10_000_000:
        try:
            os.link(source, destination)
            return
        except OSError:  # another disk
            pass
    shutil.copy2(source, destination)


def write_config(folder: Path, changes: dict, name: str = "changes.yaml") -> str:
    """The changes as a file for --configfile, relative to the folder."""
    (folder / name).write_text(yaml.safe_dump(changes), encoding="utf-8")
    return name


def command(*arguments: str, configs: Iterable[str] = ()) -> list[str]:
    """`snakemake ARGUMENTS` by this Python."""
    files = list(configs)
    return [sys.executable, "-m", "snakemake", *arguments, *(["--configfile", *files] if files else [])]


def environment(**changes: str) -> dict[str, str]:
    """What a user's Snakemake finds around it, and not what these tests run in."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SNAKEMAKE", "PYTEST"))}
    return inherited | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | changes


def snakemake(folder: Path, *arguments: str, configs: Iterable[str] = (), **changes: str):
    """`snakemake ARGUMENTS` in the folder, with changes to the environment; stdout holds all that it says."""
    return subprocess.run(
        command(*arguments, configs=configs),
        cwd=folder,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def run(folder: Path, *targets: str, configs: Iterable[str] = ("config/tiny.yaml",), **changes: str):
    """The workflow on two cores."""
    return snakemake(folder, "--cores", "2", *targets, configs=configs, **changes)


_BLOCK = re.compile(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w+): (.*)$", re.MULTILINE)


def planned(folder: Path, *targets: str, configs: Iterable[str] = ("config/tiny.yaml",)) -> list[Job]:
    """The jobs that a run of the targets would do."""
    finished = snakemake(folder, "--dry-run", *targets, configs=configs)
    assert finished.returncode == 0, finished.stdout
    jobs = []
    for rule, lines in _BLOCK.findall(finished.stdout):
        entries = dict(_ENTRY.findall(lines))
        wildcards = dict(pair.split("=", 1) for pair in entries.get("wildcards", "").split(", ") if pair)
        outputs = tuple(filter(None, entries.get("output", "").split(", ")))
        jobs.append(Job(rule, outputs, wildcards, entries.get("reason", "")))
    total = re.search(r"^total +(\d+)$", finished.stdout, re.MULTILINE)
    assert len(jobs) == (int(total[1]) if total else 0), finished.stdout
    return jobs


def count(jobs: Iterable[Job]) -> Counter[str]:
    """How many jobs of each rule."""
    return Counter(job.rule for job in jobs)
