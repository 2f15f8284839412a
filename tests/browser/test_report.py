"""The report in a real browser: drawn, quiet, reachable, and as wide as its screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import NARROW, WIDE

SIZES = pytest.mark.parametrize(
    "size", [WIDE, NARROW, {"width": 768, "height": 1024}], ids=["wide", "narrow", "tablet"]
)
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
MARKS = ".mark-symbol.role-mark path"


def luminance(colour: str) -> float:
    """Of "rgb(r, g, b)", 0..1."""
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")[:3])
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


@SIZES
def test_the_page_is_drawn_quietly_and_asks_for_nothing(opened, address, size):
    page = opened(size)
    assert page.complaints == []
    assert page.asked == [address]


@SIZES
def test_every_chart_is_drawn_with_marks_within_its_place(opened, size):
    page = opened(size)
    charts = page.locator(".chart")
    assert charts.count() > 20
    for chart in charts.all():
        assert chart.locator("svg").count() == 1
        place, picture = chart.bounding_box(), chart.locator("svg").bounding_box()
        assert picture["width"] <= place["width"] + 1 and picture["height"] > 40
    empty = page.evaluate(
        "[...document.querySelectorAll('.chart')].filter((c) => !c.querySelector('.role-mark > *')).length"
    )
    assert empty == 0


@SIZES
@pytest.mark.parametrize("folded", [True, False])
def test_nothing_makes_the_page_wider_than_the_screen(opened, size, folded):
    page = opened(size)
    if not folded:
        page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_every_chart_keeps_its_own_name(opened):
    page = opened()
    named = "[...document.querySelectorAll('.chart')].map((chart) => [chart.role, chart.ariaLabel])"
    names = page.evaluate(named)
    assert {role for role, _ in names} == {"img"}
    assert len({label for _, label in names}) == len(names) and all(len(label) > 20 for _, label in names)


def test_charts_follow_when_the_screen_is_turned(opened):
    page = opened(WIDE)
    page.set_viewport_size(NARROW)
    page.wait_for_function(
        "[...document.querySelectorAll('.chart svg')].every((s) => s.getBoundingClientRect().right <= 360)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_text_in_charts_is_as_large_on_a_phone(opened):
    page = opened(NARROW)
    sizes = page.evaluate("[...document.querySelectorAll('.chart text')].map((t) => t.getBoundingClientRect().height)")
    assert min(height for height in sizes if height) >= 10


def test_a_mark_tells_its_numbers_when_it_is_pointed_at(opened):
    page = opened()
    mark = page.locator(f"#tipping {MARKS}").first
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert "male share" in tooltip.inner_text() and "%" in tooltip.inner_text()


def test_no_mark_tells_what_it_does_not_have(opened):
    """A mark of the paper's has no interval: its tooltip leaves it out, and so do the words for who cannot see it."""
    page = opened()
    for figure in ("tipping", "answers"):
        chart = page.locator(f"#{figure} .chart").first
        chart.focus()
        for _ in range(chart.locator(MARKS).count()):
            page.keyboard.press("ArrowRight")
            told = page.locator("#told").inner_text() + page.locator("#vg-tooltip-element.visible").inner_text()
            assert "male share" in told and not any(word in told for word in ("NaN", "null", "undefined"))


def test_the_keyboard_reaches_every_chart_and_walks_over_its_marks(opened):
    page = opened()
    chart = page.locator("#tipping .chart").first
    chart.focus()
    page.keyboard.press("ArrowRight")
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    first, told = tooltip.inner_text(), page.locator("#told").inner_text()
    assert "male share" in first and "sentences" in told
    page.keyboard.press("ArrowRight")
    assert page.locator("#told").inner_text() != told
    page.keyboard.press("ArrowLeft")
    assert page.locator("#told").inner_text() == told
    assert chart.locator(".active").count() == 1
    page.keyboard.press("Escape")
    assert chart.locator(".active").count() == 0 and page.locator("#vg-tooltip-element.visible").count() == 0
    reachable = ".chart, summary, a, .scroll, #plan input, #plan select"
    reached = page.evaluate(f"[...document.querySelectorAll('{reachable}')].every((e) => e.tabIndex === 0)")
    assert reached


def test_the_first_tab_leads_to_the_answer(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#answer"


def test_dark_is_dark_and_light_is_light_in_charts_as_well(opened):
    for scheme, dark in (("light", False), ("dark", True)):
        page = opened(color_scheme=scheme)
        assert (luminance(page.evaluate(BACKGROUND)) < 0.3) == dark
        label = "getComputedStyle(document.querySelector('#tipping .chart text')).fill"
        assert (luminance(page.evaluate(label)) > 0.6) == dark


def test_print_is_light_and_every_chart_fits_the_paper(opened):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert luminance(page.evaluate(BACKGROUND)) > 0.95
    assert not page.locator("nav").is_visible()
    page.set_viewport_size({"width": 680, "height": 960})
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert len(page.pdf(format="A4")) > 10_000


def test_without_scripts_the_answer_and_the_tables_are_there(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#answer .headline").count() == 2
    assert page.locator("noscript").count() == 1 and page.locator("table").count() > 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@SIZES
def test_the_page_is_accessible(opened, size, scheme):
    """By axe-core, which its package carries; the page's policy forbids scripts of others, so it is put aside here."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="make test-browser installs it")
    page = opened(size, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    found = axe.Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"][:3]]) for rule in found] == []


def test_pictures_for_whoever_wants_to_look(opened, pytestconfig):
    folder = pytestconfig.getoption("screenshots")
    if not folder:
        pytest.skip("no folder: --screenshots DIR")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        for name, size in (("wide", WIDE), ("narrow", NARROW)):
            page = opened(size, color_scheme=scheme)
            page.screenshot(path=f"{folder}/report_{name}_{scheme}.png", full_page=True)
