"""Which library modules a script runs, so that a rule can declare them as inputs and rerun when one of them changes."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "quorum"


def modules_of(script: str | Path, *by_name: str | Path) -> list[str]:
    """Files of the library that `script` imports, directly or through each other, sorted; a package counts by its
    `__init__`. Modules that are imported by a name made at run time are not seen: `by_name` gives their files, which
    count with all that they import."""
    script, named = Path(script), {Path(path) for path in by_name}
    return sorted(str(path) for path in named | _reached({script, *named}, script.parent))


@cache
def imports_of(path: Path, root: Path) -> frozenset[Path]:
    """Files of the library (in the folder `root`) that one file imports itself, the packages on the way among them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for parts in (name.split(".") for name in names):
            if parts[0] == PACKAGE:
                # Python runs the packages on the way, too.
                for base in (root.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)):
                    found |= {file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()}
    return frozenset(found)


def _reached(files: Iterable[Path], root: Path) -> set[Path]:
    seen: set[Path] = set()
    waiting = list(files)
    while waiting:
        for path in imports_of(waiting.pop(), root) - seen:
            seen.add(path)
            waiting.append(path)
    return seen
