"""What tells one run from another: the version of the project, those of its packages, and hashes of files."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

# Told on the page; a test compares it with the version of the project.
VERSION = "0.1.0"
PACKAGES = (
    "snakemake",
    "torch",
    "transformers",
    "peft",
    "scikit-learn",
    "fairlearn",
    "statsmodels",
    "numpy",
    "pandas",
    "altair",
)


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Version of Python and of each of the packages that is installed."""
    found = {"Python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hashes(paths: Mapping[str, str | Path]) -> dict[str, str]:
    """SHA-256 of each file, in hexadecimal digits, under its name."""
    return {name: hashlib.sha256(Path(path).read_bytes()).hexdigest() for name, path in paths.items()}
