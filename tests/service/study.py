"""Runs of the workflow against a server, and what they leave."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import runs

from quorum import settings, tables

KEY = "CANARY-0123456789abcdef"
IN_CONTEXT = "results/uptake/in_context/near2/overlap0.0/{}/seed1/{}.parquet"
CONDITIONS = ("none/none/n0/none", "template/parity/n40/none")
ASKED = ("results/tables/baseline_bias.csv", "results/tables/requests.csv")


@contextmanager
def started(*arguments: str | Path) -> Iterator[str]:
    """A program that prints its address, and ends with its input."""
    with subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ) as process:
        try:
            address = process.stdout.readline().strip()
            assert address, f"{arguments}: did not start"
            yield address
        finally:
            process.kill()


def run(folder: Path, address: str, *targets: str, **changes: object):
    """The targets against the server at the address; changes are of the section endpoint."""
    config = runs.write_config(folder, {"endpoint": {"base_url": address} | changes}, "server.yaml")
    return runs.run(folder, *targets, configs=configs(config), **environment())


def configs(own: str) -> list[str]:
    return ["config/tiny.yaml", "config/endpoint.yaml", own]


def environment() -> dict[str, str]:
    return {"CANARY_KEY": KEY, "OMP_NUM_THREADS": "1"}


def section(address: str, folder: Path, **changes: object) -> dict:
    """The section endpoint of the configuration, for a server on loopback that asks for no key and no patience."""
    default = settings.defaults(settings.read(runs.ROOT / "config" / "schema.yaml"))["endpoint"]
    own = {"base_url": address, "requests_per_minute": None, "cache_file": str(folder / "answers.sqlite")}
    return default | own | changes


def inherited() -> dict[str, str]:
    """The whole environment of a run that is started by hand."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return (
        {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE", "PYTEST"))}
        | {"PATH": path}
        | environment()
    )


def audits(folder: Path) -> pd.DataFrame:
    """What the server answered under all conditions, end to end."""
    paths = ["results/baseline/seed1/audit.parquet", *(IN_CONTEXT.format(c, "audit") for c in CONDITIONS)]
    return pd.concat([tables.read_table(folder / path, "audit") for path in paths], ignore_index=True)


def prompts(folder: Path) -> list[str]:
    """All different prompts of the run."""
    frames = [tables.read_table(folder / "results/probes.parquet", "probes")]
    frames += [tables.read_table(folder / IN_CONTEXT.format(c, "prompts"), "prompts") for c in CONDITIONS]
    return pd.concat(frames)["prompt"].drop_duplicates().tolist()


def requests(folder: Path) -> pd.Series:
    """The last row of table requests."""
    return tables.read_table(folder / "results/tables/requests.parquet", "requests").iloc[-1]


def files_with(folder: Path, text: str) -> list[Path]:
    """Files under the folder that hold the text, in archives too."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            contents = [path.read_bytes()]
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    contents += [archive.read(name) for name in archive.namelist()]
            found += [path] if any(text.encode() in content for content in contents) else []
    return found


def answered(folder: Path) -> set[tuple[str, int]]:
    """(prompt, seed) of every answer in the cache of the run."""
    found: set[tuple[str, int]] = set()
    if not (folder / ".quorum" / "answers.sqlite").exists():
        return found
    connection = sqlite3.connect(folder / ".quorum" / "answers.sqlite")
    for (request,) in connection.execute("SELECT request FROM answers"):
        manner, asked = zlib.decompress(request).decode().split("\n")
        found.add((json.loads(asked)[0], json.loads(manner)["seed"]))
    connection.close()
    return found
