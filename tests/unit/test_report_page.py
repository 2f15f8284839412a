"""The page as HTML: whole, closed, escaped, and made of what the run has. What a browser makes of it: tests/browser."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import pandas as pd
import pytest
import yaml
from fake_filters import filter_tables
from fake_minority import minority_tables
from test_figures import fake_tables

from quorum import conditions, figures, report, settings
from quorum.report import bargaining, blocks, comparison, filters, minority, page, panels, provenance
from quorum.schemas import SCHEMAS

ROOT = Path(__file__).parents[2]
ASSETS = {
    name: (ROOT / "resources" / "report" / name).read_text("utf-8")
    for name in ("page.html", "page.css", "page.js", "plan.js")
}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\u2028\"'"
VOID = {"meta", "link", "br", "img", "input", "hr"}


def configuration() -> dict:
    schema = settings.read(ROOT / "config" / "schema.yaml")
    return settings.check(yaml.safe_load((ROOT / "config" / "config.yaml").read_text("utf-8")), schema)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    frames = {**fake_tables(), **minority_tables(), **filter_tables(), **others()}
    return {name: frame for name, frame in frames.items() if name in (*report.TABLES, "paper_reference")}


def others() -> dict[str, pd.DataFrame]:
    """The tables that no figure draws."""
    comparison = [("tipping_size", 1000.0, 500.0, "sentences"), ("male_share", 0.48, None, "share")]
    return {
        "paper_comparison": pd.DataFrame(
            [
                {
                    "paper": "A paper",
                    "quantity": quantity,
                    "condition": "pool_size=1000; here: uptake=fine_tune",
                    "paper_value": theirs,
                    "value": ours,
                    "low": None,
                    "high": None,
                    "unit": unit,
                    "note": "",
                }
                for quantity, theirs, ours, unit in comparison
            ]
        ),
        "costs": pd.DataFrame(
            [{"rule": "fine_tune", "jobs": 3, "seconds_total": 90.0, "seconds_mean": 30.0, "max_rss_mb": 900.0}]
        ),
        "requests": pd.DataFrame(
            [{column.name: 2 if column.dtype in ("int", "float") else "x" for column in SCHEMAS["requests"]}]
        ),
        "provenance": pd.DataFrame([{column.name: "x" for column in SCHEMAS["provenance"]}]),
        "minority_datasets": pd.DataFrame(
            [
                {"dataset": "compas", "minority": "women", "good_label": "none", "rows": 10, "people": 9, "features": 2}
                | {"minority_share": 0.2, "minority_positive": 0.3, "majority_positive": 0.5}
            ]
        ),
    }


def written(tables: dict[str, pd.DataFrame], changes: dict | None = None) -> str:
    config = copy.deepcopy(configuration())
    for section, values in (changes or {}).items():
        config[section] |= values
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return report.html(tables, config, ASSETS, moment, {"tipping_curve": ROOT / "LICENSE"})


@pytest.fixture(scope="module")
def whole(tables) -> str:
    return written(tables)


class Reader(HTMLParser):
    """Elements with their attributes, text outside of scripts, and whether all that was opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        (self.scripts if inside in ("script", "style") else self.words).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_whole_and_every_name_is_given_once(whole):
    reader = Reader(whole)
    assert reader.open == []
    names = [attrs["id"] for _, attrs in reader.elements if "id" in attrs]
    assert len(names) == len(set(names))
    targets = [attrs["href"] for attrs in reader.all("a")]
    assert all(target.startswith("#") and target[1:] in names for target in targets)
    assert reader.all("html")[0]["lang"] == "en" and len(reader.all("h1")) == 1


def test_the_page_asks_for_nothing_outside(whole):
    reader = Reader(whole)
    for _, attrs in reader.elements:
        assert not {"src", "srcset", "poster", "action", "background", "style", "onerror", "onclick"} & set(attrs)
    assert reader.all("link") == [] and reader.all("img") == [] and reader.all("iframe") == []
    style = ASSETS["page.css"]
    assert "url(" not in style and "@import" not in style


def test_only_its_own_scripts_and_styles_may_run(whole):
    reader = Reader(whole)
    policy = next(a["content"] for a in reader.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and "unsafe" not in policy and "http" not in policy
    code = re.findall(r"<script>(.*?)</script>", whole, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", whole, re.DOTALL)
    assert len(code) == 3 and len(styles) == 1 == len(reader.all("style"))
    for rule, texts in (("script-src", code), ("style-src", styles)):
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert rules[rule].split() == [f"'sha256-{digest}'" for digest in digests]


def test_every_chart_has_a_text_in_its_place(whole, tables):
    reader = Reader(whole)
    charts = [attrs for attrs in reader.all("div") if attrs.get("class") == "chart"]
    specifications = json.loads(re.search(r'id="specifications">(.*?)</script>', whole, re.DOTALL)[1])
    assert sorted(int(chart["data-panel"]) for chart in charts) == list(range(len(specifications)))
    assert all(
        chart["role"] == "img" and chart["tabindex"] == "0" and len(chart["aria-label"]) > 20 for chart in charts
    )
    labels = [chart["aria-label"] for chart in charts]
    assert len(set(labels)) == len(labels), "two charts have the same name"
    assert reader.text.count("This figure in words") == len(reader.all("figure")) == len(report.FIGURES)


def test_every_specification_is_valid_and_as_wide_as_its_place(tables):
    for name in report.FIGURES:
        for panel in panels.take_apart(figures.draw(name, tables).to_dict(validate=False)).panels:
            assert panel.spec["width"] == "container" and isinstance(panel.spec["height"], (int, float)), name
            alt.Chart.from_dict(json.loads(json.dumps(panel.spec)))


def test_the_answer_comes_first_and_sections_follow_in_order(whole):
    text = Reader(whole).text
    found = [text.index(words) for words in ("It took", "Campaign by campaign", "How does the model move?")]
    assert found == sorted(found)
    order = ["answers", "tipping", "defenses", "domains", "utility", "planner"]
    order += ["minority", "papers", "set", "provenance"]
    assert [a["id"] for a in Reader(whole).all("section")] == ["answer", *order]


def test_where_the_page_comes_from(whole):
    text = Reader(whole).text
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    for words in (digest, "2026-01-02 03:04 UTC", "background_size: 1700", "2 min in 3 jobs", "2, cost 2.00"):
        assert words in text, words


def test_the_version_on_the_page_is_the_projects():
    assert f'version = "{provenance.VERSION}"\n' in (ROOT / "pyproject.toml").read_text("utf-8")


# ---- hostile text ----------------------------------------------------------------------------------------------------


def test_text_of_others_stays_text(tables):
    hostile = {name: frame.copy() for name, frame in tables.items()}
    hostile["tipping_curve"]["style"] = hostile["tipping_curve"]["style"].replace("varied", HOSTILE)
    hostile["tipping_points"]["style"] = hostile["tipping_points"]["style"].replace("varied", HOSTILE)
    hostile["domains"]["domain"] = hostile["domains"]["domain"].replace("ecg_analysis", HOSTILE)
    hostile["minority_datasets"]["good_label"] = HOSTILE
    hostile["paper_comparison"]["note"] = HOSTILE
    hostile["provenance"]["source"] = HOSTILE
    text = written(hostile, {"model": {"name": HOSTILE}})
    reader = Reader(text)
    assert reader.open == [] and reader.all("img") == []
    assert len(reader.all("script")) == 5 and "<script>alert" not in text
    assert not any(name.startswith("on") for _, attrs in reader.elements for name in attrs)
    specifications = re.search(r'id="specifications">(.*?)</script>', text, re.DOTALL)[1]
    assert "<" not in specifications and "\u2028" not in specifications
    assert "alert(1)" in str(json.loads(specifications)), "and it is in the charts as it was"
    assert "alert(1)" in reader.text, "it is shown, as text"


def test_a_script_that_would_end_too_early_is_refused():
    with pytest.raises(ValueError, match="end of a script"):
        page.render({**ASSETS, "page.js": "'</script>'"}, "", [])


# ---- made of what the run has ----------------------------------------------------------------------------------------

PARTS = {
    "minority": (lambda tables: minority.minority(tables), ["minority_alpha"]),
    "defenses": (lambda tables: filters.defenses(tables, 1000, "moderate"), ["defenses"]),
    "domains": (lambda tables: bargaining.domains(tables, 1000), ["domains"]),
    "utility": (lambda tables: bargaining.utility(tables, 1000), ["utility"]),
    "papers": (comparison.papers, ["paper_comparison"]),
}


@pytest.mark.parametrize("part", PARTS)
def test_what_a_run_does_not_have_leaves_no_empty_section(tables, part):
    make, needs = PARTS[part]
    assert make({name: frame for name, frame in tables.items() if name not in needs}) == []
    assert make({name: frame.iloc[:0] if name in needs else frame for name, frame in tables.items()}) == []


@pytest.mark.parametrize("name", ["minority_toy", "defense_grid", "baseline_bias"])
def test_a_figure_without_its_table_is_left_out(tables, name):
    figure = next((figure for figure in report.FIGURES if name in figures.FIGURES[figure].tables), None)
    kept = {table: frame for table, frame in tables.items() if table != name}
    if figure:
        assert blocks.chart(figure, kept) == []
    else:
        shown = filters.defenses({"defenses": kept["defenses"]}, 1000, "moderate")[0].blocks
        assert [block.kind for block in shown] == ["table"]


def test_a_run_of_the_minority_study_alone_has_no_answer_about_sentences(tables):
    own = {name: tables[name] for name in ("minority_datasets", "minority_alpha")}
    found = report.sections(own, configuration())
    assert [section.name for section in found] == ["minority", "set"] and report.lead(own, configuration()) == []


def test_no_section_of_the_page_is_empty(whole):
    for section in re.findall(r"<section id=.*?</section>", whole, re.DOTALL):
        assert re.search(r"<(figure|table|li|dl|details)", section)


def test_a_run_without_a_server_tells_nothing_of_requests(tables):
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    kept = {name: frame for name, frame in tables.items() if name != "requests"}
    assert "Requests" in dict(provenance.facts(tables, configuration(), moment))
    assert "Requests" not in dict(provenance.facts(kept, configuration(), moment))
    captions = [table.caption for table in provenance.tables_of(kept, {})]
    assert len(captions) == len(provenance.tables_of(tables, {})) - 1


def test_both_uptakes_have_sections_of_their_own(tables):
    names = ("tipping_curve", "tipping_points")
    both = {"paper_reference": tables["paper_reference"]}
    both |= {name: pd.concat([tables[name], tables[name].assign(uptake="in_context")]) for name in names}
    sections = {section.name: section for section in report.sections(both, configuration())}
    assert list(sections) == ["answers", "tipping", "in-context", "planner", "set"]
    neighbours = configuration()["in_context"]["neighbours"]
    assert f"the {neighbours} sentences nearest to each question" in sections["in-context"].sentences[0]
    for name in ("tipping", "in-context"):
        assert len(sections[name].blocks[0].figure.panels) == 4
    rows = [row[0].text for row in sections["answers"].blocks[0].rows]
    assert rows == [
        "One template, fine-tuning",
        "Varied wording, fine-tuning",
        "One template, in context",
        "Varied wording, in context",
    ]
    alone = {name: frame.assign(uptake="in_context") if "uptake" in frame else frame for name, frame in both.items()}
    alone = {name: frame.drop_duplicates() for name, frame in alone.items()}
    assert "in-context" not in [section.name for section in report.sections(alone, configuration())]


def test_the_tables_of_the_report_are_those_that_the_configuration_has():
    config = configuration()
    paths = conditions.tables_of_report(report.TABLES, config)
    assert "requests" not in paths and paths["minority_signal"] == "results/tables/minority_signal.parquet"
    config["model"]["backend"], config["minority"]["signal"]["dataset"] = "endpoint", ""
    paths = conditions.tables_of_report(report.TABLES, config)
    assert "requests" in paths and "minority_signal" not in paths
    assert set(report.TABLES) <= set(SCHEMAS)


def test_the_tables_are_those_that_the_figures_need():
    needed = {table for name in report.FIGURES for table in figures.FIGURES[name].tables}
    assert needed <= {*report.TABLES, "paper_reference"}
