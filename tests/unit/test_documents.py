"""The documents and the code say the same: pages, figures, the map's picture, links of the site."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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
