"""What the site does beyond mkdocs.yml: pages from outside docs/, and links that forge and site both understand."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "index.md": "README.md",
    "configuration.md": "config/README.md",
    "resources.md": "resources/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Pages of the site that are files outside docs/, by their name in the site."""

_CODE = r"^```.*?^```$|`[^`\n]+`"
_LINK = r"(?P<picture>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s:]+)\)"
_CODE_OR_LINK = re.compile(f"{_LINK}|{_CODE}", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages from elsewhere."""
    from mkdocs.structure.files import File

    for name, source in ELSEWHERE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links between files of the repository into links between pages of the site."""
    name = page.file.src_uri
    return relinked(markdown, name, set(files.src_uris))


def relinked(markdown: str, name: str, pages: set[str]) -> str:
    """The text of the page `name` with its relative links made those of the site, whose files are `pages`.

    What the repository holds and the site does not (code, configuration) is shown by its words alone. A link that
    leads nowhere stays as it is, for MkDocs to complain of. Code is left alone.
    """
    source = ELSEWHERE.get(name, f"docs/{name}")
    in_site = {path: page for page, path in ELSEWHERE.items()}

    def link(found: re.Match[str]) -> str:
        path, _, anchor = (found["target"] or "").partition("#")
        if not path:
            return found[0]
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        where = in_site.get(inside, inside.removeprefix("docs/") if inside.startswith("docs/") else "")
        if where in pages:
            near = posixpath.relpath(where, posixpath.dirname(name) or ".")
            return f"{found['picture']}[{found['words']}]({near}{'#' if anchor else ''}{anchor})"
        return found["words"] if (ROOT / inside).exists() else found[0]

    return _CODE_OR_LINK.sub(link, markdown)
