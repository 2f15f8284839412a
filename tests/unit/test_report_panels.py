"""Figures taken apart: no row of data is lost, and what panels shared with their neighbours each has for itself."""

from __future__ import annotations

import copy

import altair as alt
import pytest
from fake_filters import filter_tables
from fake_minority import minority_tables
from test_figures import fake_tables

from quorum import figures
from quorum.report import key, panels


@pytest.fixture(scope="module")
def specs() -> dict[str, dict]:
    tables = {**fake_tables(), **minority_tables(), **filter_tables()}
    return {name: figures.draw(name, tables).to_dict(validate=False) for name in figures.FIGURES}


def encodings(spec: dict, channel: str) -> list[dict]:
    units = spec.get("layer", [spec])
    return [unit["encoding"][channel] for unit in units if channel in unit.get("encoding", {})]


def rows_of(node: object, datasets: dict) -> list[dict]:
    """Rows of every data set that a specification refers to, each data set once."""
    found: dict[str, list[dict]] = {}

    def walk(part: object) -> None:
        if isinstance(part, dict):
            data = part.get("data")
            if isinstance(data, dict):
                rows = data["values"] if "values" in data else datasets[data["name"]]
                found[data.get("name", str(id(rows)))] = rows
        for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            walk(child)

    walk(node)
    return [row for rows in found.values() for row in rows]


@pytest.mark.parametrize("name", list(figures.FIGURES))
def test_every_row_of_a_figure_is_in_a_panel_and_no_other(specs, name):
    every_row_is_in_a_panel(specs[name])


@pytest.mark.parametrize("name", ["minority_alpha", "minority_flips", "minority_knowledge", "minority_pareto"])
def test_a_run_with_one_data_set_keeps_its_rows(name):
    """Altair puts the data of the only panel of a line outside of it."""
    tables = {**fake_tables(), **minority_tables(datasets=("compas",))}
    every_row_is_in_a_panel(figures.draw(name, tables).to_dict(validate=False))


def every_row_is_in_a_panel(spec: dict) -> None:
    whole = [tuple(sorted(row.items(), key=str)) for row in rows_of(spec, spec["datasets"])]
    apart = [
        tuple(sorted(row.items(), key=str))
        for panel in panels.take_apart(spec).panels
        for row in rows_of({k: v for k, v in panel.spec.items() if k != "datasets"}, panel.spec["datasets"])
    ]
    assert set(apart) == set(whole)


@pytest.mark.parametrize("name", list(figures.FIGURES))
def test_a_figure_is_left_as_it_was_and_its_panels_have_neither_title_nor_legend(specs, name):
    before = copy.deepcopy(specs[name])
    figure = panels.take_apart(specs[name])
    assert specs[name] == before
    assert figure.title == " ".join(alt_text(before["title"]["text"])) and figure.description == before["description"]
    for panel in figure.panels:
        assert "title" not in panel.spec and panel.spec["width"] == "container"
        for channel in ("color", "fill", "shape", "strokeDash"):
            for encoding in encodings(panel.spec, channel):
                assert "field" not in encoding or encoding["legend"] is None


def alt_text(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else text


def test_facets_become_panels_under_the_heading_of_their_row(specs):
    found = [(p.group, p.heading, p.row) for p in panels.take_apart(specs["tipping_curve"]).panels]
    matched, held_out = "Matched probes: is it recalled?", "Held-out probes: does it generalise?"
    assert found == [
        (("Template style",), matched, 0),
        (("Template style",), held_out, 0),
        (("Varied style",), matched, 1),
        (("Varied style",), held_out, 1),
    ]


def test_a_panel_of_a_facet_has_its_own_rows_only(specs):
    for panel in panels.take_apart(specs["tipping_curve"]).panels:
        rows = panel.spec["data"]["values"]
        assert {row["row"] for row in rows} == set(panel.group) and {row["column"] for row in rows} == {panel.heading}


def test_every_panel_has_the_axis_that_only_the_first_of_its_row_showed(specs):
    assert any(encoding["axis"]["labels"] is False for encoding in all_y(specs["defenses"]))
    for panel in panels.take_apart(specs["defenses"]).panels:
        assert all(encoding["axis"]["labels"] for encoding in encodings(panel.spec, "y") if "axis" in encoding)
    titles = {
        encoding.get("title")
        for panel in panels.take_apart(specs["minority_alpha"]).panels
        for encoding in encodings(panel.spec, "y")
    } - {None}
    assert titles == {"lowest EqOd violation", "lowest SP violation"}


def all_y(node: object) -> list[dict]:
    if isinstance(node, dict):
        own = [node["encoding"]["y"]] if isinstance(node.get("encoding"), dict) and "y" in node["encoding"] else []
        return [y for y in own if "labels" in (y.get("axis") or {})] + [
            y for child in node.values() for y in all_y(child)
        ]
    return [y for child in node for y in all_y(child)] if isinstance(node, list) else []


def test_headings_over_a_column_and_the_axis_under_it_are_every_panels(specs):
    found = panels.take_apart(specs["minority_alpha"]).panels
    assert [panel.heading for panel in found] == ["COMPAS", "RHC", "Adult"] * 2
    for panel in found:
        titles = {encoding.get("title") for encoding in encodings(panel.spec, "x")} - {None}
        assert titles == {"share of the minority that joins (\u03b1)"}


def test_text_at_a_fixed_place_is_left_to_the_page(specs):
    texts = [
        layer["mark"]
        for panel in panels.take_apart(specs["tipping_curve"]).panels
        for layer in panel.spec["layer"]
        if layer["mark"]["type"] == "text"
    ]
    assert texts == []


def test_rows_of_a_nominal_axis_are_multiplied_out(specs):
    figure = panels.take_apart(specs["bias_reduction"])
    step = specs["bias_reduction"]["spec"]["height"]["step"]
    models = {row["model"] for row in figure.panels[0].spec["data"]["values"]}
    assert figure.panels[0].spec["height"] == step * len(models)


def test_the_key_has_every_entry_of_the_legends_in_their_order(specs):
    entries = panels.take_apart(specs["domains"]).key
    assert [entry["name"] for entry in entries] == [
        "as deployed (measured)",
        "after the campaign (measured)",
        "paper, before (another model)",
        "paper, after (another model)",
    ]
    assert entries[0] == {"name": entries[0]["name"], "color": "#56B4E9", "fill": "#56B4E9", "shape": "circle"}
    assert panels.take_apart(specs["defense_grid"]).key == []


def test_panels_that_look_alike_have_names_of_their_own(specs):
    spec = copy.deepcopy(specs["honest_costs"])
    doubled = {**spec, "vconcat": [spec["vconcat"][0], copy.deepcopy(spec["vconcat"][0])]}
    labels = [panel.label for panel in panels.take_apart(doubled).panels]
    assert len(set(labels)) == len(labels)


def test_a_word_broken_at_its_hyphen_is_whole_again():
    chart = alt.Chart(alt.InlineData(values=[{"a": 1}]), width=10, height=10).mark_point().encode(x="a:Q")
    spec = chart.properties(
        title=alt.TitleParams(["A false-", "positive rate"], subtitle=[]), description="d"
    ).to_dict()
    assert panels.take_apart(spec).title == "A false-positive rate"


def test_a_picture_of_an_entry_is_its_mark_or_its_line():
    mark = key.symbol({"name": "a", "color": "#111111", "fill": "white", "shape": "square"})
    assert (mark["stroke"], mark["fill"], mark["line"], mark["dash"]) == ("#111111", "white", False, "")
    hollow = key.symbol({"name": "a", "color": "#111111", "fill": "transparent", "shape": "circle"})
    assert hollow["fill"] == "none"
    line = key.symbol({"name": "b", "color": "#111111", "strokeDash": [7.5, 15], "shape": "M-2.1,0L2.1,0"})
    assert (line["path"], line["fill"], line["line"], line["dash"]) == ("M-2.1,0L2.1,0", "none", True, "1.00 2.00")
    plain = key.symbol({"name": "c", "fill": "#222222"})
    assert (plain["stroke"], plain["fill"], plain["line"]) == ("#222222", "#222222", False)
    own = key.symbol({"name": "d", "color": "#333333", "shape": "M-1,0L1,0L0,1Z"})
    assert (own["path"], own["line"]) == ("M-1,0L1,0L0,1Z", False)
