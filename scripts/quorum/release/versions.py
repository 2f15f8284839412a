"""With what a release was made: packages, Python, commit, and the configuration without what is private."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from quorum.fingerprints import VERSION, versions

LEFT_OUT = "(left out)"
# Names of keys that say where something lies, on one machine or behind one address, or where a secret is found.
_PRIVATE = re.compile(r"(?:.*_)?(?:path|file|folder|url|variable)")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
_NOTE = (
    f"# The configuration of the run. {LEFT_OUT} stands for a file, folder, address or variable of the machine that\n"
    "# it ran on; how figures look is left out, too.\n"
)


def public(settings: Any) -> Any:
    """A copy of the configuration in which LEFT_OUT stands for every private value that is set; see `_PRIVATE`."""
    if isinstance(settings, Mapping):
        return {
            key: LEFT_OUT if value and _PRIVATE.fullmatch(key) else public(value) for key, value in settings.items()
        }
    if isinstance(settings, list):
        return [public(entry) for entry in settings]
    return settings


def configuration(settings: Mapping[str, Any]) -> str:
    """The configuration as YAML, without what is private."""
    return _NOTE + yaml.safe_dump(public(settings), sort_keys=False, allow_unicode=True, width=120)


def requirements(pins: str) -> str:
    """The packages of a requirements file, one pin a line, in the versions in which they are installed."""
    installed = versions(_PIN.findall(pins))
    installed.pop("Python")
    return "".join(f"{name}=={version}\n" for name, version in installed.items())


def summary(commit: str, precision: str) -> str:
    """Version of the study, its commit (may be empty), the Python and the precision of the model, as JSON."""
    found = {
        "quorum": VERSION,
        "commit": commit or None,
        "python": versions([])["Python"],
        "precision": precision or None,
    }
    return json.dumps(found, indent=2) + "\n"


def commit_of(file: str | Path) -> str:
    """Commit of the repository that holds the file, "-dirty" after it if anything known to it was changed.

    Empty where no repository holds the file, or there is no git.
    """
    folder = Path(file).resolve().parent
    try:
        for arguments in (["ls-files", "--error-unmatch", Path(file).name], _DESCRIBE):
            done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=True, encoding="utf-8")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


# No tag is looked for, so that the commit itself is told.
_DESCRIBE = ["describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
