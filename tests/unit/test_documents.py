"""The documents and the code say the same: pages, figures, the map's picture, links of the site."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from quorum import sources
from quorum.figures import FIGURES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site():
    """The module docs/site.py."""
    spec = importlib.util.spec_from_file_location("docs_site", DOCS / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_has_its_paragraph_and_no_other():
    page = (DOCS / "figures.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(FIGURES)
    for name, text in sections.items():
        flat = " ".join(text.split())
        assert re.search(r"\*Shows\*.*\*Read.*\*It does not show\*", flat), name
        if (DOCS / "figures" / f"{name}.svg").exists():
            assert f"](figures/{name}.svg)" in text


def test_every_page_has_its_place_in_the_site(site):
    def pages(nav) -> list[str]:
        return (
            [nav]
            if isinstance(nav, str)
            else [p for part in nav for p in pages(part if isinstance(nav, list) else nav[part])]
        )

    listed = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(listed) == sorted([*(path.name for path in DOCS.glob("*.md")), *site.ELSEWHERE])


@pytest.mark.parametrize(
    ("page", "written", "read"),
    [
        ("map.md", "[a](method.md#measure)", "[a](method.md#measure)"),
        ("map.md", "[a](../README.md)", "[a](index.md)"),
        ("map.md", "[keys](../config/README.md#top-level)", "[keys](configuration.md#top-level)"),
        ("index.md", "![p](docs/figures/domains.svg)", "![p](figures/domains.svg)"),
        ("index.md", "[`x.md`](docs/method.md)", "[`x.md`](method.md)"),
        ("index.md", "read [rules/](rules) and [the](Snakefile)", "read rules/ and the"),
        ("configuration.md", "[w](../docs/method.md)", "[w](method.md)"),
        (
            "map.md",
            "[no](nowhere.md) [web](https://a.b/c) [here](#top)",
            "[no](nowhere.md) [web](https://a.b/c) [here](#top)",
        ),
        ("map.md", "`[a](../README.md)`", "`[a](../README.md)`"),
        ("map.md", "```\n[a](../README.md)\n```", "```\n[a](../README.md)\n```"),
    ],
)
def test_links_of_the_forge_become_links_of_the_site(site, page, written, read):
    files = {*(path.name for path in DOCS.glob("*.md")), *site.ELSEWHERE, "figures/domains.svg"}
    assert site.relinked(written, page, files) == read


def test_the_site_is_built_without_a_warning(tmp_path):
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, encoding="utf-8", check=False)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "How many voices does it take" in page
    # Nothing is loaded from elsewhere when a page is read.
    for found in (tmp_path / "site").rglob("*.html"):
        text = found.read_text(encoding="utf-8")
        assert not re.findall(r"""<(?:script|img|link)[^>]+(?:src|href)=["']https?://[^"']+""", text), found
    # What the validation of MkDocs does not see: targets in the built pages.
    for found in (tmp_path / "site").glob("*.html"):
        for target in re.findall(r"""(?:href|src)="([^"#:?]+)(?:[#?][^"]*)?\"""", found.read_text(encoding="utf-8")):
            assert found.name == "404.html" or (found.parent / target).exists(), (found.name, target)


# ---- the map's picture -----------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def rooms_of_the_picture() -> dict[str, list[str]]:
    """The rooms in each step of the map's picture, steps from left to right."""
    groups = ElementTree.parse(DOCS / "figures" / "map.svg").getroot().iter(f"{SVG}g")
    return {g.get("id"): [t.text for t in g.iter(f"{SVG}tspan") if t.get("class") == "room"] for g in groups}


def imports(room: str) -> set[str]:
    """Other rooms of the library that a room (a module, or all modules of a package) imports."""
    library = ROOT / "scripts" / "quorum"
    files = [library / f"{room}.py"] if (library / f"{room}.py").exists() else list((library / room).rglob("*.py"))
    reached = set()
    for file in files:
        reached |= {Path(path).relative_to(library).parts[0] for path in sources.imports_of(file, library.parent)}
    return {name.removesuffix(".py") for name in reached} - {room, "__init__"}


def test_the_picture_has_every_room_once():
    library = ROOT / "scripts" / "quorum"
    there = {path.stem for path in library.glob("*.py")} | {path.parent.name for path in library.glob("*/__init__.py")}
    shown = [room for rooms in rooms_of_the_picture().values() for room in rooms]
    assert sorted(shown) == sorted(there - {"__init__"}), "add the room to its step in docs/figures/map.svg"


def test_in_the_picture_everybody_imports_from_the_left_or_from_the_foundation():
    picture = rooms_of_the_picture()
    foundation = set(picture["foundation"])
    known: set[str] = set()
    for step, rooms in picture.items():
        known |= set(rooms)
        for room in rooms:
            allowed = foundation if step in ("minority", "outside", "foundation") else known | foundation
            assert imports(room) <= allowed | set(rooms), f"{room} in {step} imports {sorted(imports(room) - allowed)}"


def test_the_picture_names_every_file_of_rules():
    text = (DOCS / "figures" / "map.svg").read_text(encoding="utf-8")
    named = set(re.findall(r'class="rules"[^>]*>([\w.]+)<', text))
    assert named == {path.name for path in (ROOT / "rules").glob("*.smk")}
