"""A real browser without a network, and the page that it opens."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.append(str(HERE.parent / "unit"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--page", help="a report to test instead of the one that is written of made-up tables")
    parser.addoption("--screenshots", help="a folder for pictures of the page")


@pytest.fixture(scope="session")
def address(pytestconfig, tmp_path_factory) -> str:
    """Where the page lies: both uptakes, all parts of the study, and a hostile sentence among the names."""
    given = pytestconfig.getoption("page")
    if given:
        return Path(given).resolve().as_uri()
    import test_report_page as pages

    frames = {**pages.fake_tables(), **pages.minority_tables(), **pages.filter_tables(), **pages.others()}
    for name in ("tipping_curve", "tipping_points", "defenses", "domains", "utility"):
        frames[name] = pd.concat([frames[name], frames[name].assign(uptake="in_context")], ignore_index=True)
    frames["minority_datasets"]["good_label"] = pages.HOSTILE
    path = tmp_path_factory.mktemp("report") / "index.html"
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    page = pages.report.html(frames, pages.configuration(), pages.ASSETS, moment, {"tipping_curve": ROOT / "LICENSE"})
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium as the system has it."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install --no-install-recommends chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: make test-browser installs it")
    with sync_api.sync_playwright() as playwright:
        # As root Chromium has no sandbox; what it opens here is our own page.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser, address) -> Iterator[Any]:
    """opened(size, at=address, **options of the context) is the page with all charts drawn; what it logs and asks for
    is kept."""
    contexts = []

    def open_page(size: dict[str, int] = WIDE, at: str = address, **options: Any) -> Any:
        context = browser.new_context(viewport=size, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(300_000)
        page.complaints, page.asked = [], []
        page.on("console", lambda message: page.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(at)
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-drawn=all]")
        return page

    yield open_page
    for context in contexts:
        context.close()
