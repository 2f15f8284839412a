"""The figures about filters against their tables: what they show is what the table says."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from fake_filters import FILTERS, SIZES, STRENGTHS, STYLES, filter_tables

from quorum import figures
from quorum import tables as schemas
from quorum.figures import arms_race, filter_curves, filter_scores, honest_costs, theme

NAMES = ("defense_grid", "filter_curves", "filter_scores", "honest_costs", "arms_race")


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return filter_tables()


def spec_of(name: str, tables: dict[str, pd.DataFrame], **style: object) -> dict:
    return figures.draw(name, tables, style).to_dict(validate=False)


def drawn(spec: dict, *fields: str) -> list[dict]:
    """The rows of all data sets that have the fields."""
    return [row for rows in spec["datasets"].values() for row in rows if set(fields) <= set(row)]


@pytest.mark.parametrize("name", NAMES)
def test_the_made_up_tables_follow_their_schemas(name, tables):
    schemas.validate(tables[name], name)


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_that_nobody_knew_has_its_place(name, tables):
    table = tables[name]
    own = table[table["defense"] == "tfidf"].assign(defense="shouting")
    spec = json.dumps(spec_of(name, {name: pd.concat([table, own])}))
    assert '"shouting"' in spec


def test_every_cell_of_the_grid_is_shown_once_with_its_share(tables):
    cells = drawn(spec_of("defense_grid", tables), "passed", "size")
    assert len(cells) == len(STYLES) * len(FILTERS) * len(STRENGTHS) * len(SIZES)
    shown = {(c["style"], c["defense"], c["strength"], c["pool_size"]): c["shown"] for c in cells}
    for row in tables["defense_grid"].itertuples():
        assert shown[row.style, row.defense, row.strength, row.pool_size] == f"{row.passed:.0%}"
    assert {c["row"] for c in cells} == {"weak (1%)", "moderate (5%)", "strong (20%)"}


def test_two_strategies_are_columns_of_their_own(tables):
    table = tables["defense_grid"]
    both = pd.concat([table, table.assign(strategy="counter")])
    cells = drawn(spec_of("defense_grid", {"defense_grid": both}), "passed", "size")
    assert len({c["column"] for c in cells}) == 2 * len(STYLES)
    assert "Mimic style, strategy counter" in {c["column"] for c in cells}


def test_every_curve_is_drawn_with_the_line_of_a_guess(tables):
    spec = spec_of("filter_curves", tables)
    points = drawn(spec, "curve", "x", "y")
    assert len(points) == len(tables["filter_curves"])
    guesses = [row for row in drawn(spec, "x", "y") if "curve" not in row]
    assert {(row["x"], row["y"]) for row in guesses} == {(0, 0), (1, 1), (0, 0.37), (1, 0.37)}
    areas = {(row["filter"], row["measure"], row["shown"]) for row in drawn(spec, "measure")}
    for row in tables["filter_curves"].itertuples():
        measure = {"roc": "ROC AUC", "pr": "AP"}[row.curve]
        assert (theme.label(row.defense), measure, f"{row.area:.2f}") in areas


def test_lines_of_filters_differ_in_more_than_colour():
    assert len({tuple(dash) for _, dash in theme.FILTER_LOOKS.values()}) == len(theme.FILTER_LOOKS)
    looks = filter_curves._looks([*theme.FILTER_LOOKS, "one", "two"])
    assert len({tuple(dash) for _, dash in looks.values()}) == 7


def test_scores_show_both_sides_and_the_thresholds_of_each_filter(tables):
    table = tables["filter_scores"]
    table.loc[table["defense"] == "tfidf", "weak"] = 1.7
    spec = spec_of("filter_scores", tables)
    bins = [row for row in drawn(spec, "score_low", "kind") if row["score_low"] < row["score_high"]]
    assert {row["kind"] for row in bins} == {filter_scores.BACKGROUND, filter_scores.POOL}
    assert len(bins) == len(table[table["source"] != "reference"])
    limits = {row["limit"] for row in drawn(spec, "limit")}
    assert limits == {0.8, 1.1, 1.4, 1.7}


def test_honest_costs_show_every_strength_and_the_gap_of_one(tables):
    spec = spec_of("honest_costs", tables)
    rows = drawn(spec, "rejected", "strength")
    shares = {(r["source"], r["calibration"], r["defense"], r["strength"], r["rejected"]) for r in rows}
    expected = tables["honest_costs"][["source", "calibration", "defense", "strength", "rejected"]]
    assert shares == set(map(tuple, expected.to_numpy().tolist()))
    assert {row["promise"] for row in drawn(spec, "promise")} == set(STRENGTHS.values())
    gaps = [child for row in spec["vconcat"] for child in row["hconcat"] if _title(child) == honest_costs.GAP]
    assert all(len(row["hconcat"]) == 3 for row in spec["vconcat"])
    # Nobody is told apart in the abstracts.
    assert len(gaps) == 2
    assert all(row["gap"] == pytest.approx(1.0) for row in rows if row["gap"] is not None)


def _title(panel: dict) -> str:
    titles = [layer["encoding"]["x"].get("title") for layer in panel.get("layer", [])]
    return next((title[-1] for title in titles if title), "")


def test_the_race_shows_what_gets_through_and_what_the_model_says(tables):
    spec = spec_of("arms_race", tables)
    cells = {(c["style"], c["defense"]): c for c in drawn(spec, "shown", "says")}
    assert len(cells) == len(STYLES) * (len(FILTERS) + 1)
    table = tables["arms_race"]
    for row in table[table["probe_set"] == "held_out"].itertuples():
        cell = cells[row.style, row.defense]
        assert cell["shown"] == f"{row.passed:.0%}"
        assert cell["says"] == f"model at {row.exact_male_share:.0%} male"
    assert cells["mimic", "none"]["row"] == arms_race.UNFILTERED


def test_the_race_says_in_words_how_many_filters_each_style_gets_past(tables):
    subtitle = " ".join(spec_of("arms_race", tables)["title"]["subtitle"])
    assert "Filters, of 5, that let more than half of the campaign through: template 0, varied 5, mimic 5." in subtitle
    assert "1,000 sentences" in subtitle and "held-out probes" in subtitle and "80% as deployed" in subtitle
    table = tables["arms_race"]
    tables["arms_race"] = table[table["probe_set"] == "matched"]
    assert "matched probes" in " ".join(spec_of("arms_race", tables)["title"]["subtitle"])


def test_a_style_of_ones_own_is_shown_under_its_name(tables):
    own = tables["arms_race"].replace({"style": {"varied": "submitted"}})
    cells = drawn(spec_of("arms_race", {"arms_race": own}), "shown", "says")
    assert {"submitted"} <= {cell["style"] for cell in cells}
