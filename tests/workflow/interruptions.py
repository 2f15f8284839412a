"""Interrupts runs at random moments and resumes them: `python tests/workflow/interruptions.py --moments 20`.

Every trial is a run of the whole study in a folder of its own. At a moment drawn uniformly from the time that an
undisturbed run takes, a signal goes to its whole process group, or to Snakemake alone. Then `snakemake --cores 2` is
given again, and nothing else; what there is afterwards must be the same as without the interruption, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import runs
import yaml

RUN = ("--cores", "2")
# Of tiny.yaml one style, one filter, one size: every rule, and half of the jobs. The precision is set, since it is
# measured, and two measurements may differ.
SHORT = {
    "collective": {"styles": ["varied"], "sizes": [0, 40]},
    "defense": {"names": ["none", "tfidf"]},
    "fine_tune": {"dtype": "float32"},
    "audit": {"max_tokens": 1},
    "minority": {"seeds": [1]},
}
COMPARED = (".csv", ".parquet", ".safetensors", ".svg")
MEASURED = ("costs.csv", "costs.parquet", "precision.parquet")
PATIENCE = 120.0
HANGS = "Snakemake did not end by itself"


@dataclass(frozen=True)
class Undisturbed:
    """What a run leaves that nobody interrupts: its results by path, seconds and number of jobs."""

    results: dict[str, bytes]
    seconds: float
    jobs: int


@dataclass(frozen=True)
class Trial:
    """One interruption: its signal, to whom, after how many seconds; jobs finished before it and run after it, seconds
    until no process was left, and what was wrong in the end (nothing, if the run recovered)."""

    signal: str
    alone: bool
    moment: float
    before: int
    after: int
    silence: float
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        to = "Snakemake" if self.alone else "group"
        return (
            f"{self.signal} to {to} after {self.moment:.1f} s: {self.before} jobs before, {self.after} after, "
            f"silence after {self.silence:.1f} s; {'; '.join(self.wrong) or 'recovered'}"
        )


def prepare(folder: Path, config: Path = runs.TINY, changes: dict = SHORT) -> Path:
    """The workflow with `config` and changes to it as its own configuration, so that no option names it."""
    runs.copy_sources(folder)
    runs.copy_retrieved(runs.ROOT, folder)
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    for section, values in changes.items():
        content[section] = content.get(section, {}) | values
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def results(folder: Path) -> dict[str, bytes]:
    """Everything under results/ that a second run must repeat, by path."""
    paths = (path for path in sorted((folder / "results").rglob("*")) if path.suffix in COMPARED)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.name not in MEASURED}


def undisturbed(folder: Path, **study: object) -> Undisturbed:
    """Runs the workflow in the folder, unless an earlier call did."""
    if not (folder / "said.json").exists():
        prepare(folder, **study)
        began = time.monotonic()
        done = runs.snakemake(folder, *RUN)
        assert done.returncode == 0, done.stdout[-20_000:]
        said = {"seconds": time.monotonic() - began, "jobs": finished_jobs(done.stdout)}
        (folder / "said.json").write_text(json.dumps(said))
    return Undisturbed(results(folder), **json.loads((folder / "said.json").read_text()))


def finished_jobs(words: str) -> int:
    return len(re.findall(r"^Finished jobid: ", words, re.MULTILINE))


def rows(contents: dict[str, bytes]) -> int:
    """Rows of all published tables, as lines of CSV without their heads."""
    return sum(content.count(b"\n") - 1 for path, content in contents.items() if path.endswith(".csv"))


def living(session: int) -> list[int]:
    """Processes of a session that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it has just ended
        if int(its_session) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def interrupt(folder: Path, name: str, moment: float, alone: bool) -> tuple[str, int] | None:
    """Starts a run, and sends it the signal of that name after `moment` seconds; returns as soon as Snakemake is gone.

    What Snakemake said, and the session of its processes; None if the run came to its end before the signal ended it.
    """
    # What a shell starts in the background ignores SIGINT, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    said = folder / "interrupted.log"
    with said.open("w") as log:
        # In a session of its own, as in a terminal of its own: the signal must not come back to this program.
        run = subprocess.Popen(
            runs.command(*RUN), cwd=folder, env=runs.environment(), stdout=log, stderr=log, start_new_session=True
        )
        try:
            run.wait(moment)
            return None
        except subprocess.TimeoutExpired:
            (os.kill if alone else os.killpg)(run.pid, signal.Signals[name])
        try:
            run.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            log.write(HANGS)
        run.wait()
    return (said.read_text(encoding="utf-8"), run.pid) if run.returncode else None


def attempt(folder: Path, reference: Undisturbed, name: str, moment: float, alone: bool = False) -> Trial | None:
    """Interrupts a run in the folder that was prepared, resumes it, and compares; None if it ended before `moment`.

    Where Snakemake alone is hit, the run is resumed without waiting for its orphans.
    """
    interrupted = interrupt(folder, name, moment, alone)
    if interrupted is None:
        return None
    words, session = interrupted
    hit = time.monotonic()
    wrong = [HANGS] if HANGS in words else []
    while not alone and living(session) and time.monotonic() - hit < PATIENCE:
        time.sleep(0.1)
    silence = time.monotonic() - hit
    if not alone and living(session):
        wrong.append("processes of the interrupted run went on")
    resumed = runs.snakemake(folder, *RUN)
    if resumed.returncode:
        wrong.append(f"the resumed run failed: {resumed.stdout[-2000:]}")
    if living(session):
        wrong.append("processes of the interrupted run outlived the resumed one")
    found = results(folder)
    differ = sorted(p for p in found.keys() | reference.results.keys() if found.get(p) != reference.results.get(p))
    if differ:
        lost = rows(reference.results) - rows(found)
        wrong.append(f"{lost} rows lost, {len(differ)} files differ: {', '.join(differ[:5])}")
    left = [str(path.relative_to(folder)) for part in ("results", "resources") for path in (folder / part).rglob(".*")]
    if left:
        wrong.append(f"half-made files were left: {', '.join(left[:5])}")
    again = runs.snakemake(folder, *RUN).stdout
    if "Nothing to be done" not in again:
        wrong.append("a third run had something to do")
    return Trial(name, alone, moment, finished_jobs(words), finished_jobs(resumed.stdout), silence, tuple(wrong))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=20, help="for each signal (20)")
    parser.add_argument("--signals", nargs="+", default=["SIGINT", "SIGTERM", "SIGKILL"])
    parser.add_argument("--alone", action="store_true", help="to Snakemake alone, in place of its process group")
    parser.add_argument("--config", type=Path, help="a configuration that is run as it is, in place of a short one")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the moments")
    parser.add_argument("--folder", type=Path, help="where the undisturbed run is kept, for a next time")
    given = parser.parse_args()
    study = {"config": given.config, "changes": {}} if given.config else {}
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as temporary:
        reference = undisturbed((given.folder or Path(temporary)) / "undisturbed", **study)
        print(f"seed {given.seed}; undisturbed: {reference.jobs} jobs, {reference.seconds:.0f} s", flush=True)
        for name in given.signals:
            trials: list[Trial] = []
            tries = 0
            while len(trials) < given.moments:
                tries += 1
                if tries > 3 * given.moments:
                    raise SystemExit(f"{name} does not end runs")
                folder = prepare(Path(temporary, "interrupted"), **study)
                trial = attempt(folder, reference, name, draw.uniform(0, reference.seconds), given.alone)
                shutil.rmtree(folder)
                if trial:
                    trials.append(trial)
                    print(trial, flush=True)
            recovered = sum(not trial.wrong for trial in trials)
            twice = sum(trial.before + trial.after - reference.jobs for trial in trials) / len(trials)
            print(
                f"{name}: {recovered} of {len(trials)} recovered; {twice:.1f} jobs done twice, on average", flush=True
            )


if __name__ == "__main__":
    main()
