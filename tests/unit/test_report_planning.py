"""The planner's part of the page: its table by hand, what goes to the form, and what a run lacks said in words.

What the form makes of it in a browser is compared with quorum.planner in tests/browser.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from fake_filters import filter_tables
from test_planner import POINT, curve
from test_report_page import configuration

from quorum import planner
from quorum.needs import Filter, Range
from quorum.report import planning


def tables(**changes: object) -> dict[str, pd.DataFrame]:
    """One campaign, varied and parity, whose model needs 2 (1.5 to 2.4) times what its data need; half passes."""
    grid = filter_tables()["defense_grid"]
    return {
        "tipping_points": pd.DataFrame([POINT | changes]),
        "tipping_curve": curve(),
        "defense_grid": grid[grid["style"] == "varied"].assign(passed=0.5, passed_sd=0.0),
    }


def section(frames: dict[str, pd.DataFrame], settings: dict | None = None):
    if settings is None:
        settings = configuration()
        settings["planner"]["scenarios"][0]["group_size"] = 100
    (found,) = planning.plan(frames, settings)
    return found


def test_the_table_by_hand():
    """986 by the data, twice as many by the model; half of it passes; ten sentences each."""
    (table,) = section(tables()).blocks[0].tables
    head, *_ = table.columns
    assert head == "campaign" and table.columns[1] == "no filter" and len(table.columns) == 7
    curve_row, line = table.rows
    assert [curve_row[0].note, line[0].note] == [
        "fine-tuning, asked in words that nobody had written",
        "a model that copies its data",
    ]
    assert (curve_row[1].text, curve_row[1].note) == ("198 (148 to 237)", "too few")
    assert (line[1].text, line[1].note) == ("99", "enough")
    assert {cell.text for cell in line[2:]} == {"198"} and {cell.text for cell in curve_row[2:]} == {"395 (296 to 474)"}
    assert table.caption.endswith("100 people with 10 sentences each, against 1,700 sentences that are 79% male")


@pytest.mark.parametrize(
    ("changes", "text", "verdict"),
    [
        ({"crossing_share": 0.9}, "198 (at least 148)", "too few"),
        ({"fitted_size": np.nan, "tipping_low": np.nan, "crossing_share": 0.0}, "no number (at least 592)", "never"),
        ({"fitted_size": np.nan, "tipping_low": np.nan, "crossing_share": 0.3}, "no number (at least 0)", "unclear"),
    ],
)
def test_an_open_end_and_a_curve_without_a_crossing_are_told(changes, text, verdict):
    cell = section(tables(**changes)).blocks[0].tables[0].rows[0][1]
    assert (cell.text, cell.note) == (text, verdict)


def test_a_filter_that_lets_nothing_pass_has_no_number():
    frames = tables()
    frames["defense_grid"] = frames["defense_grid"].assign(passed=0.0)
    cell = section(frames).blocks[0].tables[0].rows[0][2]
    assert (cell.text, cell.note) == ("no number", "never")


def test_a_campaign_without_a_filter_of_its_own_has_dashes():
    """The style mimic is in the grid alone: its filters are known, but no curve; submitted sentences have no filter."""
    frames = tables()
    mine = {"style": "submitted", "strategy": "submitted"}
    frames["tipping_points"] = pd.concat([frames["tipping_points"], frames["tipping_points"].assign(**mine)])
    frames["tipping_curve"] = pd.concat([frames["tipping_curve"], frames["tipping_curve"].assign(**mine)])
    block = section(frames).blocks[0]
    assert [row[2].text for row in block.tables[0].rows if row[0].text.startswith("The submitted")] == ["\u2013"] * 2
    assert [len(campaign["filters"]) for campaign in block.data["campaigns"]] == [6, 1]


def test_every_configured_scenario_has_a_table_and_the_first_fills_the_form():
    settings = configuration()
    mine = {"name": "my_ward", "baseline_share": 0.625, "background_size": 50, "group_size": 1}
    mine |= {"sentences_per_agent": 3, "baseline_completions": 16}
    settings["planner"]["scenarios"] = [mine, *settings["planner"]["scenarios"]]
    block = section(tables(), settings).blocks[0]
    assert [table.caption.split(":")[0] for table in block.tables] == [
        "People needed, my ward",
        "People needed, this run",
    ]
    assert block.tables[0].caption.endswith("1 person with 3 sentences each, against 50 sentences that are 62.5% male")
    assert block.data["scenario"] == {"share": "62.5", "completions": 16, "background": 50, "group": 1, "each": 3}


def test_what_goes_to_the_form_is_json_and_infinity_is_null():
    data = section(tables(crossing_share=0.9)).blocks[0].data
    (campaign,) = json.loads(json.dumps(data, allow_nan=False))["campaigns"]
    fitted, line = campaign["bases"]
    assert (fitted["times"], line["times"]) == ([2.0, 1.5, None], [1.0, 1.0, 1.0])
    assert campaign["filters"][0]["key"] == "none" and campaign["filters"][0]["sizes"] == []
    assert campaign["filters"][1]["passes"] == [[0.5, 0.5, 0.5]] * 3
    assert data["z"] == pytest.approx(1.959963984540054)


def test_held_out_probes_and_curves_come_first():
    frames = tables()
    frames["tipping_points"] = pd.concat(
        frames["tipping_points"].assign(uptake=uptake, probe_set=probe_set)
        for uptake, probe_set in (("in_context", "matched"), ("fine_tune", "matched"), ("fine_tune", "held_out"))
    )
    (campaign,) = section(frames).blocks[0].data["campaigns"]
    assert [basis["key"] for basis in campaign["bases"]] == [
        "fine_tune/held_out",
        "fine_tune/matched",
        "in_context/matched",
        "none/none",
    ]


# ---- what a run lacks ------------------------------------------------------------------------------------------------


def said(frames: dict[str, pd.DataFrame]) -> str:
    return " ".join(section(frames).sentences)


def test_an_uptake_that_was_not_run_is_named():
    assert "not offered: in context." in said(tables())
    other = {
        name: frame.assign(uptake="in_context") if "uptake" in frame else frame for name, frame in tables().items()
    }
    assert "not offered: fine-tuning." in said(other)


@pytest.mark.parametrize("name", ["tipping_points", "tipping_curve"])
def test_a_run_without_curves_plans_by_its_data_alone(name):
    frames = {key: frame for key, frame in tables().items() if key != name}
    assert "no fitted curve" in said(frames)
    (table,) = section(frames).blocks[0].tables
    assert [row[0].note for row in table.rows] == ["a model that copies its data"]


def test_a_run_with_too_few_sizes_for_a_fit_says_so():
    assert "takes three sizes above 0" in said(tables(fitted_size=np.nan, crossing_share=np.nan))


def test_a_run_whose_filters_were_not_swept_plans_without_them():
    frames = {key: frame for key, frame in tables().items() if key != "defense_grid"}
    assert "at strength moderate: only a campaign that meets none" in said(frames)
    other = tables() | {"defense_grid": tables()["defense_grid"].query("strength == 'weak'")}
    assert "only a campaign that meets none" in said(other)
    assert "only a campaign" not in said(tables())


def test_a_run_without_campaigns_has_no_planner():
    assert planning.plan({}, configuration()) == []
    assert planning.plan({name: frame.iloc[:0] for name, frame in tables().items()}, configuration()) == []


# ---- what the page and the table plan share --------------------------------------------------------------------------


def test_bases_and_filters_are_what_the_plan_is_made_of():
    frames = tables()
    line, fitted = planner.bases(frames["tipping_points"], frames["tipping_curve"], frames["defense_grid"])
    mine = planner.Scenario("ward", 0.79, 1700, group_size=1)
    assert line.needed(mine) == (986, 986, 986) and fitted.needed(mine) == pytest.approx((1972, 1479, 2366.4))
    assert (line.kind, line.uptake, fitted.kind, fitted.times) == (
        "expected_line",
        "none",
        "fitted_curve",
        (2, 1.5, 2.4),
    )
    filters = planner.filters_of(frames["defense_grid"], "varied", "parity", "moderate")
    assert next(iter(filters)) == "none" and filters["none"] == Filter() and len(filters) == 6
    assert filters["tfidf"].passes == (Range(0.5, 0.5, 0.5),) * 3
    assert planner.filters_of(None, "varied", "parity", "moderate") == {"none": Filter()}


def test_without_a_run_there_is_the_line_of_the_rarer_gender():
    (line,) = planner.bases(None, None, None)
    assert (line.style, line.strategy, line.pool_share) == ("any", "counter", None)
    assert math.isinf(
        planner.Basis("x", "", "", "", "", 0.5, Range(1, 1, 1), ()).needed(planner.Scenario("w", 0.7, 9, 1)).value
    )
