"""Every command that the documents show is tried: run where it takes seconds, planned where it takes longer, or listed
here with what it would need."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import runs

pytestmark = pytest.mark.workflow

PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (runs.ROOT / "docs").glob("*.md"))]
PROGRAMS = (
    "make",
    "snakemake",
    "python",
    "pip",
    "source",
    "export",
    "git",
    "cd",
    "pytest",
    "mkdocs",
    "jupytext",
    "docker",
)
PROGRAMS += (
    "apptainer",
    "tmux",
    "qsub",
    "vllm",
    "ollama",
    "llama-server",
    ".venv/bin/",
    "sacct",
    "scontrol",
    "timeout",
)
SHELL = "changes the shell that it is typed in, and nothing else"
RUNS_THIS = "is what runs this test, or more of the same"
UNTRIED = {
    r"git clone ": "the address of the repository is the reader's; so is the network",
    r"cd quorum$": SHELL,
    r"source \.venv/": SHELL,
    r"export (PROVIDER_KEY|SBATCH_ACCOUNT|QUORUM_VOLUME)=": SHELL,
    r"pytest tests/": RUNS_THIS,
    r"\.venv/bin/pre-commit install$": "would change the hooks of this checkout",
    r"docker ": "needs Docker",
    r"(apptainer exec|.*apptainer build)": "needs Apptainer",
    r"(tmux new |.*--workflow-profile|timeout .*snakemake \.\.\.|sacct|scontrol|qsub )": "needs a cluster",
    r"vllm serve ": "needs vLLM and a graphics card",
    r"ollama ": "needs Ollama",
    r"llama-server ": "needs llama.cpp; `make test-service` asks such a server",
    r"pip install (jupyterlab$|\.)": "needs a package registry",
    r"pip install --requirement requirements-cluster.txt": "needs a package registry",
    r"python tests/benchmarks/engine\.py": "needs a finished run",
    r"python tests/benchmarks/(scaling|growth|blocks)\.py": "measures the checkout, of which tests have no benchmarks",
    r"(\(cd results/release|mlcroissant )": "needs a finished run; tests/unit/test_release.py does the same",
    r"python -c .*rejections": "comes after a run: the test of the first hour does both",
    r"python (curve|verdicts)\.py$": "reads the tables of a run with trained models",
    r".*--(touch|cleanup-metadata|list-changes|report)": "needs a finished run; reruns are tested in test_run.py",
}
"""What is not tried, by how it begins, and why."""
QUICK = {"-n", "--list-target-rules", "--summary", "--unlock", "--lint"}
"""With these Snakemake does nothing that takes long."""


@dataclass(frozen=True)
class Command:
    """A command of a page, with the page's configuration as it stands there (mine.yaml, or the like)."""

    text: str
    page: str
    config: str


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, content) of a page's code blocks, fenced or indented, in their order; "inline" for code in a line."""
    found, lines, at = [], (runs.ROOT / page).read_text(encoding="utf-8").splitlines(), 0
    while at < len(lines):
        if lines[at].startswith("```"):
            end = lines.index("```", at + 1)
            found.append((lines[at][3:] or "text", "\n".join(lines[at + 1 : end])))
        elif lines[at].startswith("    ") and not lines[at - 1].strip():
            end = next(
                (k for k in range(at, len(lines)) if lines[k].strip() and not lines[k].startswith("    ")), len(lines)
            )
            found.append(("text", "\n".join(line[4:] for line in lines[at:end])))
            end -= 1
        else:
            found += [("inline", code) for code in re.findall(r"`([^`]+)`", lines[at])]
            end = at
        at = end + 1
    return found


def commands() -> list[Command]:
    found: dict[tuple[str, str], Command] = {}
    for page in PAGES:
        config = ""
        for language, content in blocks(page):
            if re.match(r"# mine\.yaml", content):
                config = re.split(r"^snakemake ", content, maxsplit=1, flags=re.MULTILINE)[0]
            for line in re.sub(r"\\\n\s*", "", content).splitlines():
                text = re.sub(r"\s+#.*", "", line).strip()
                typed = language in ("bash", "console") and text
                # One word in a line of prose is the name of a program, not a command.
                named = (
                    language in ("text", "inline") and text.startswith(PROGRAMS) and (" " in text or language == "text")
                )
                if (typed or named) and "{" not in text:
                    found.setdefault((text, config), Command(text.removeprefix("$ "), page, config))
    return list(found.values())


COMMANDS = commands()


def reason(command: str) -> str:
    """Why the command is not tried; empty if it is."""
    return next((why for begins, why in UNTRIED.items() if re.match(begins, command)), "")


def tried(command: Command, folder: Path) -> str:
    """What went wrong with the command in a fresh copy of the workflow; empty if nothing did."""
    runs.copy_sources(folder)
    for name in ("Makefile", *(path.name for path in runs.ROOT.glob("requirements*.txt"))):
        (folder / name).write_text((runs.ROOT / name).read_text(encoding="utf-8"))
    prepare(folder, command.config)
    words = shlex.split(command.text)
    if words[0] in ("make", "snakemake") and not QUICK & set(words):
        words.insert(1, "--dry-run")
    shell = {"PROVIDER_KEY": "none", "PYTHONPATH": str(folder / "scripts")}
    done = subprocess.run(
        words, cwd=folder, env=runs.environment(**shell), capture_output=True, encoding="utf-8", check=False
    )
    return "" if done.returncode == 0 else f"{command.page}: {command.text}\n{(done.stdout + done.stderr)[-2000:]}"


def prepare(folder: Path, config: str) -> None:
    """What the reader of the page has in the folder: the configuration, and files of its names."""
    (folder / "mine.yaml").write_text(config or "seeds: [1]\n", encoding="utf-8")
    for name in (
        "mine.csv",
        "cohort.csv",
        "labs.csv",
        "my/cohort.csv",
        "my/labs.parquet",
        "models/my-model/config.json",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    own = folder / "scripts" / "quorum" / "defenses" / "own" / "shouting.py"
    own.write_text(next(c for language, c in blocks("docs/own-defense.md") if language == "python"), encoding="utf-8")
    (folder / "write_mine.py").write_text(tutorial("python"), encoding="utf-8")


def tutorial(language: str) -> str:
    return next(content for found, content in blocks("docs/tutorial.md") if found == language)


def test_commands_are_found_in_every_kind_of_block():
    texts = {command.text for command in COMMANDS}
    assert {"make setup", "snakemake --cores 2 minority", "snakemake --unlock", "python write_mine.py"} <= texts
    assert len(texts) > 50


def test_whatever_is_not_tried_is_there():
    for begins in UNTRIED:
        assert any(re.match(begins, command.text) for command in COMMANDS), f"no document has {begins}; take it out"


def test_every_command_of_the_documents_works(tmp_path):
    asked = [command for command in COMMANDS if not reason(command.text)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = pool.map(tried, asked, [tmp_path / str(number) for number in range(len(asked))])
    assert "\n".join(filter(None, wrong)) == ""


def test_the_first_hour_comes_to_a_pool_of_ones_own(unused):
    """Its script and its configuration as they stand there, run as far as no model is needed."""
    (unused / "write_mine.py").write_text(tutorial("python"), encoding="utf-8")
    (unused / "mine.yaml").write_text(tutorial("yaml"), encoding="utf-8")
    typed = [c.text for c in COMMANDS if c.page == "docs/tutorial.md"]
    own = typed[typed.index("python write_mine.py") :]
    assert own[1].startswith("snakemake results/pool/submitted/") and own[2].startswith("python -c")
    for text in own[:3]:
        done = subprocess.run(
            shlex.split(text), cwd=unused, env=runs.environment(), capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "43" in done.stdout and "no health relevance" in done.stdout
    pool = pd.read_parquet(unused / "results" / "pool" / "submitted" / "submitted" / "seed1.parquet")
    assert len(pool) == 42 and set(pool["gender"]) == {"female"} and pool["agent"].nunique() == 5
