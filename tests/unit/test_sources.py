"""Which library modules a script runs: against Python's own account of what it has imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quorum.figures import FIGURES
from quorum.sources import modules_of

SCRIPTS = Path(__file__).parents[2] / "scripts"

# Runs every import of the library in a script, those inside functions of modules that it meets included, and tells the
# files that Python has loaded for it: a line for every script.
LOADED = """
import ast, sys
from pathlib import Path

def ours():
    return {name: Path(module.__file__) for name, module in sys.modules.items() if name.split(".")[0] == "quorum"}

for script in sys.argv[1:]:
    for name in ours():
        del sys.modules[name]
    waiting, done = [Path(script)], set()
    while waiting:
        path = waiting.pop()
        done.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)) and "quorum" in ast.unparse(node):
                exec(ast.unparse(node), {})
        waiting = sorted(set(ours().values()) - done)
    print(*sorted(map(str, ours().values())))
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def found(folder: Path, *by_name: str) -> list[str]:
    paths = modules_of(folder / "door.py", *(folder / name for name in by_name))
    return [str(Path(path).relative_to(folder)) for path in paths]


LIBRARY = {
    "quorum/__init__.py": "",
    "quorum/first.py": "import os\nfrom quorum.second import anything",
    "quorum/second.py": "def lazily():\n    from quorum.part import inner\n    return inner",
    "quorum/part/__init__.py": "",
    "quorum/part/inner.py": "from quorum import first",
    "quorum/unused.py": "",
}


@pytest.mark.parametrize(
    ("door", "modules"),
    [
        ("import os, pandas", []),
        ("from quorum import unused", ["quorum/__init__.py", "quorum/unused.py"]),
        ("import quorum.unused as u", ["quorum/__init__.py", "quorum/unused.py"]),
        ("from quorum.unused import name", ["quorum/__init__.py", "quorum/unused.py"]),
        ("import quorumlike\nfrom quorumlike.first import x", []),
        ("text = 'from quorum import first'  # import quorum.first", []),
    ],
)
def test_what_a_door_imports(tmp_path, door, modules):
    write(tmp_path, LIBRARY | {"door.py": door, "quorumlike/first.py": ""})
    assert found(tmp_path) == modules


def test_imports_are_followed_through_functions_packages_and_circles(tmp_path):
    write(tmp_path, LIBRARY | {"door.py": "from quorum import first"})
    assert found(tmp_path) == sorted(set(LIBRARY) - {"quorum/unused.py"})


def test_a_module_that_is_imported_by_its_name_counts_with_all_that_it_imports(tmp_path):
    write(tmp_path, LIBRARY | {"door.py": "import importlib"})
    assert found(tmp_path) == []
    assert found(tmp_path, "quorum/second.py") == sorted(set(LIBRARY) - {"quorum/unused.py"})


def test_declared_modules_of_every_door_are_those_that_python_loads():
    doors = sorted(SCRIPTS.glob("*.py"))
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED, *map(str, doors)],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.splitlines()
    declared = {door.name: modules_of(door) for door in doors}
    assert declared == {door.name: line.split() for door, line in zip(doors, loaded, strict=True)}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_runs_its_own_module_and_the_theme_and_no_other_figure(figure):
    folder = SCRIPTS / "quorum" / "figures"
    declared = modules_of(SCRIPTS / "draw_figure.py", folder / f"{FIGURES[figure].module}.py")
    drawn_by = {Path(path).name for path in declared if Path(path).parent == folder}
    own = {"__init__.py", "theme.py", f"{FIGURES[figure].module}.py"}
    shared = {"people.py", "label_places.py"} if figure.startswith("minority_") else set()
    assert own <= drawn_by <= own | shared
