"""The planner of the page against quorum.planner: the same numbers, words and verdicts for the same run."""

from __future__ import annotations

import itertools
import math
import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
import yaml

from quorum import needs, planner, report
from quorum import tables as schemas

SOURCES = ("tipping_points", "tipping_curve", "defense_grid")
NUMBERS = ("share", "completions", "background", "group", "each")
# A curve that crosses with a closed interval, with an open one, without one; not at all, seldom, for some only.
FITS = [
    (1300.0, 900.0, 2100.0, 1.0),
    (240.0, 180.0, 320.0, 0.9),
    (2000.0, math.nan, math.nan, 0.4),
    (math.nan, math.nan, math.nan, 0.0),
    (math.nan, math.nan, math.nan, 0.3),
    (math.nan, 1500.0, 2400.0, 0.6),
    (math.nan, math.nan, math.nan, math.nan),
    (3500.0, 2500.0, 5000.0, 0.98),
]
# Sets the form, and reads what it says.
ASK = """(cases) => cases.map(({ chosen, typed }) => {
    const at = (name) => document.getElementById(`plan-${name}`);
    const set = (name, value) => {
        at(name).value = value;
        at(name).dispatchEvent(new Event("input", { bubbles: true }));
    };
    Object.entries({ ...chosen, ...typed }).forEach(([name, value]) => set(name, value));
    const said = Object.fromEntries(
        ["people", "answer", "delivered", "passes", "sentences"].map((name) => [name, at(name).textContent]),
    );
    const assumed = [...at("assumptions").children].map((item) => item.textContent).join("; ");
    return { ...said, assumed, verdict: document.getElementById("plan").dataset.verdict };
})"""


def fitted(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The run of made-up tables, with a fit of every kind, two more strategies, and a filter that fills up."""
    frames = {name: frame.copy() for name, frame in frames.items() if name in (*SOURCES, "paper_reference")}
    for name in SOURCES[:2]:
        both = pd.concat([frames[name], frames[name].assign(uptake="in_context")], ignore_index=True)
        more = both[both["style"] == "varied"]
        frames[name] = pd.concat(
            [both, more.assign(strategy="balanced"), more.assign(style="submitted", strategy="submitted")],
            ignore_index=True,
        )
    points = frames["tipping_points"]
    fits = [FITS[k % len(FITS)] for k in range(len(points))]
    points[["fitted_size", "tipping_low", "tipping_high", "crossing_share"]] = fits
    grid = frames["defense_grid"]
    full = (grid["style"] == "template") & (grid["defense"] == "minhash") & (grid["pool_size"] == 1000)
    grid.loc[full, ["passed", "passed_sd", "n_seeds"]] = [0.0, math.nan, 1]
    grid.loc[(grid["style"] == "template") & (grid["defense"] == "composite"), "passed"] = 0.0
    return frames


@pytest.fixture(scope="session")
def run(pytestconfig, tmp_path_factory):
    """Where the page lies, the tables that it is made of, and its configuration."""
    given = pytestconfig.getoption("page")
    if given:
        path = Path(given).resolve()
        files = {name: path.parents[1] / "tables" / f"{name}.parquet" for name in SOURCES}
        if not all(file.is_file() for file in files.values()):
            pytest.skip("the tables of the page do not lie beside it")
        tables = {name: schemas.read_table(file, name) for name, file in files.items()}
        text = path.read_text("utf-8")
        settings = yaml.safe_load(unescape(re.search(r"<pre>(.*?)</pre>", text, re.DOTALL)[1]))
        return path.as_uri(), tables, settings
    import test_report_page as pages

    tables = fitted({**pages.fake_tables(), **pages.filter_tables()})
    settings = pages.configuration()
    path = tmp_path_factory.mktemp("planner") / "index.html"
    path.write_text(report.html(tables, settings, pages.ASSETS, datetime(2026, 1, 2, tzinfo=UTC), {}), "utf-8")
    return path.as_uri(), tables, settings


@pytest.fixture
def form(opened, run):
    """form(size, **options) is the page with the planner."""
    return lambda *arguments, **options: opened(*arguments, at=run[0], **options)


def told(value: float, low: float, high: float) -> str:
    """A number with its interval as the form tells it; empty is what never happens."""
    if math.isnan(value):
        return "never" if math.isnan(low) else f"never found, at least {low:,.0f}"
    interval = f" (from {low:,.0f} to {'any number' if math.isnan(high) else f'{high:,.0f}'})"
    return f"{value:,.0f}" + ("" if low == high else interval)


def headline(value: float, low: float) -> str:
    if math.isnan(value):
        return "Never" if math.isnan(low) else "No number found"
    return "Nobody" if value == 0 else f"{value:,.0f} {'person' if value == 1 else 'people'}"


def test_the_form_computes_what_the_planner_computes(form, run):
    _, tables, settings = run
    shares, rest = (0, 12.5, 45, 50, 55, 79, 100), (None, 20, 160)
    firms = [(1, 1, 1), (1700, 99, 10), (1700, 250, 7), (50_000, 400, 10)]
    scenarios = [
        needs.Scenario(str(k), share / 100, background, group, each, completions)
        for k, (share, completions, (background, group, each)) in enumerate(itertools.product(shares, rest, firms))
    ]
    plan = planner.plan(
        scenarios,
        *(tables[name] for name in SOURCES),
        strength=settings["defense"]["at_strength"],
        confidence=settings["statistics"]["confidence"],
    ).to_dict("records")
    typed = {
        scenario.name: {
            "share": f"{100 * scenario.baseline_share:.10g}",
            "completions": "" if scenario.baseline_completions is None else scenario.baseline_completions,
            "background": scenario.background_size,
            "group": scenario.group_size,
            "each": scenario.sentences_per_agent,
        }
        for scenario in scenarios
    }
    cases = [
        {
            "chosen": {
                "campaign": f"{row['style']}/{row['strategy']}",
                "basis": f"{row['uptake']}/{row['probe_set']}",
                "filter": row["defense"],
            },
            "typed": typed[row["scenario"]],
        }
        for row in plan
    ]
    page = form()
    found = page.evaluate(ASK, cases)
    assert page.complaints == []
    assert {row["verdict"] for row in plan} >= {"enough", "too few", "never"}
    for row, case, said in zip(plan, cases, found, strict=True):
        expected = {
            "people": headline(row["needed_agents"], row["agents_low"]),
            "answer": row["answer"][0].upper() + row["answer"][1:] + ".",
            "delivered": told(row["needed_delivered"], row["delivered_low"], row["delivered_high"]),
            "sentences": told(row["needed_sentences"], row["sentences_low"], row["sentences_high"]),
            "assumed": row["assumptions"],
            "verdict": row["verdict"],
        }
        assert float(said.pop("passes").rstrip("%")) == pytest.approx(100 * row["passes"], abs=0.0501), case
        assert said == expected, case


def test_what_is_chosen_is_what_the_run_measured(form, run):
    _, tables, _ = run
    page = form()
    campaigns = page.eval_on_selector_all("#plan-campaign option", "(options) => options.map((o) => o.value)")
    parts = pd.concat([tables[name][["style", "strategy"]] for name in ("tipping_points", "defense_grid")])
    assert sorted(campaigns) == sorted({f"{style}/{strategy}" for style, strategy in parts.to_numpy()})
    for campaign in campaigns:
        page.select_option("#plan-campaign", campaign)
        bases = page.eval_on_selector_all("#plan-basis option", "(options) => options.map((o) => o.value)")
        assert bases[-1] == "none/none" and len(set(bases)) == len(bases)
        assert page.locator("#plan-filter option").first.get_attribute("value") == "none"


def test_a_filter_stays_chosen_when_the_campaign_changes(form, run):
    campaigns = run[1]["defense_grid"][["style", "strategy"]].drop_duplicates().to_numpy()
    first, second = (f"{style}/{strategy}" for style, strategy in campaigns[:2])
    page = form()
    page.select_option("#plan-campaign", first)
    page.select_option("#plan-filter", "tfidf")
    page.select_option("#plan-campaign", second)
    assert page.input_value("#plan-filter") == "tfidf"


def test_the_answer_follows_what_is_typed_and_is_announced(form):
    page = form()
    page.select_option("#plan-basis", "none/none")
    for name, value in (("share", "79"), ("completions", ""), ("background", "1700"), ("group", "99"), ("each", "10")):
        page.get_by_label(page.locator(f"label[for=plan-{name}]").inner_text(), exact=True).fill(value)
    told = page.get_by_role("status").filter(has=page.locator("#plan-people"))
    assert [line for line in told.inner_text().split("\n") if line] == [
        "99 people",
        "986 sentences of 99 people: 100% of the group.",
        "Enough: your group has 99 people.",
    ]
    page.locator("#plan-group").fill("98")
    assert "Too few: your group has 98 people." in told.inner_text()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("share", "120", "Male share today, in %: a number between 0 and 100 is needed."),
        ("group", "0", "People in your group: a number of at least 1 is needed."),
        ("background", "", "The firm's sentences: a number of at least 1 is needed."),
        ("each", "2.5", "Sentences each: a whole number is needed."),
    ],
)
def test_what_cannot_be_is_said_and_no_old_answer_stays(form, name, value, words):
    page = form()
    field = page.locator(f"#plan-{name}")
    field.fill(value)
    assert page.locator("#plan-answer").inner_text() == words
    assert field.get_attribute("aria-invalid") == "true" and not page.locator("#plan-rest").is_visible()
    field.fill("10")
    assert field.get_attribute("aria-invalid") == "false" and page.locator("#plan-rest").is_visible()
    assert page.complaints == []


def test_return_in_a_field_does_not_leave_the_page(form):
    page = form()
    page.locator("#plan-group").press("Enter")
    page.locator("#plan-group").fill("5")
    assert page.complaints == [] and page.url == page.asked[0] and len(page.asked) == 1


def test_the_table_stands_in_for_the_form_without_scripts_and_on_paper(form):
    bare = form(java_script_enabled=False)
    assert not bare.locator("#plan").is_visible()
    assert bare.locator("details.planned table").first.is_visible()
    page = form()
    assert page.locator("#plan").is_visible() and not page.locator("details.planned table").first.is_visible()
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    table = page.locator("details.planned table").first
    assert not page.locator("#plan").is_visible() and table.is_visible() and table.locator("caption").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert not table.is_visible()
