"""The figures of the minority study against their tables, with runs that are awkward to draw."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_minority import ALL_DATASETS, METHODS, minority_tables
from hypothesis import given, settings
from hypothesis import strategies as st
from test_figures import _marks, _set, _svg, _table, _values

from quorum import figures
from quorum.figures import (
    label_places,
    minority_alpha,
    minority_flips,
    minority_knowledge,
    minority_pareto,
    minority_scoring,
    minority_signal,
    minority_toy,
    people,
    theme,
)
from quorum.schemas import SCHEMAS
from quorum.tables import validate

ROOT = Path(__file__).parents[2]
NAMES = [name for name in figures.FIGURES if name.startswith("minority_")]
REFERENCE = pd.read_csv(ROOT / "resources" / "paper_reference.csv")
LABELS = {"rb_prob": "RB-prob", "rb_label": "RB-label", "rb_dist": "RB-dist", "random": "random"}


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return _tables()


def _tables(**options: object) -> dict[str, pd.DataFrame]:
    return {**minority_tables(**options), "paper_reference": REFERENCE}


def _draw(name: str, tables: dict[str, pd.DataFrame], **style: object) -> dict:
    return figures.draw(name, tables, style).to_dict(validate=False)


def _kinds(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(kind=frame["method"].map(LABELS))


def _of(rows: list[dict], *kinds: str) -> list[dict]:
    return [row for row in rows if row.get("kind") in kinds]


def test_the_fake_tables_follow_the_schemas(tables):
    for name, frame in tables.items():
        if name in SCHEMAS:
            validate(frame, name)


# ---- what is drawn is what the tables hold ---------------------------------------------------------------------------


def test_alpha_draws_every_row_once_for_each_violation_with_one_sd(tables):
    spec = _draw("minority_alpha", tables)
    rows, table = _values(spec), _kinds(tables["minority_alpha"])
    keys = ("dataset", "learner", "kind", "alpha")
    for measure, (mean, sd, flips) in minority_alpha._COLUMNS.items():
        drawn = [row for row in _of(rows, *LABELS.values()) if row["measure"] == measure]
        assert _set(drawn, *keys, "value", "flips") == _table(table, *keys, mean, flips)
        spreads = dict(zip(table[list(keys)].itertuples(index=False, name=None), table[sd], strict=True))
        for row in drawn:
            own = spreads[tuple(row[key] for key in keys)]
            assert row["high"] - row["value"] == pytest.approx(own)
            assert row["low"] == pytest.approx(max(0, row["value"] - own))
            # Side by side, but nearer to its own alpha than to any other one.
            assert abs(row["x"] - row["alpha"]) < 0.02
    base = tables["minority_baselines"].query("mitigation == 'none'")
    for measure in people.VIOLATIONS:
        drawn = [row for row in _of(rows, people.UNMITIGATED) if row["measure"] == measure]
        assert _set(drawn, "dataset", "learner", "value") == _table(base, "dataset", "learner", f"{measure}_mean")
    paper = _set(_of(rows, minority_alpha.PAPER), "dataset", "x", "value")
    assert paper == {("compas", 0, 0.214), ("compas", 0.3, 0.065), ("adult", 0, 0.086), ("adult", 0.3, 0.02)}
    assert len(_marks(_svg(spec), "point")) == 2 * len(table) + len(paper)


def test_the_papers_point_is_not_drawn_outside_the_sweep(tables):
    tables["minority_alpha"] = tables["minority_alpha"].query("alpha < .3")
    assert {row["x"] for row in _of(_values(_draw("minority_alpha", tables)), minority_alpha.PAPER)} == {0}


def test_flips_draws_all_methods_at_the_alpha_of_limited_knowledge_and_no_other_row(tables):
    spec = _draw("minority_flips", tables)
    rows = _values(spec)
    table = _kinds(tables["minority_flips"].query("alpha == .3 and knowledge == 'all'"))
    keys = ("dataset", "learner", "kind", "flips")
    for measure in people.VIOLATIONS:
        drawn = [row for row in rows if row["measure"] == measure and row["kind"] in LABELS.values()]
        assert _set(drawn, *keys, "value", "error") == _table(table, *keys, f"{measure}_mean", "error_mean")
        start = [row for row in _of(rows, minority_flips.BASE) if row["measure"] == measure]
        zero = table.query("flips == 0 and method == 'random'")
        assert _set(start, "dataset", "learner", "value") == _table(zero, "dataset", "learner", f"{measure}_mean")
    assert len(_marks(_svg(spec), "point")) == 2 * len(table)


@pytest.mark.parametrize(
    ("known", "alphas", "expected"),
    [
        ({0.1: "10", 0.4: "10", 0.45: "all"}, (0.1, 0.4, 0.45), 0.4),
        ({}, (0.1, 0.3, 0.4), 0.3),
        ({}, (0.05, 0.2, 0.4), 0.2),
        ({}, (0.4,), 0.4),
    ],
)
def test_the_alpha_that_is_shown(known, alphas, expected):
    rows = [{"alpha": alpha, "knowledge": name} for alpha in alphas for name in {"all", known.get(alpha, "all")}]
    assert people.main_alpha(pd.DataFrame(rows)) == pytest.approx(expected)


def test_flips_names_the_data_sets_that_were_not_measured_at_its_alpha(tables):
    flips = tables["minority_flips"]
    tables["minority_flips"] = flips[(flips["dataset"] != "rhc") | (flips["alpha"] < 0.3)]
    assert "Not measured at this share: RHC." in " ".join(_draw("minority_flips", tables)["title"]["subtitle"])
    assert "RHC" not in _draw("minority_pareto", tables)["description"]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=25))
def test_the_front_is_what_no_other_point_beats(points):
    chosen = minority_pareto.front(points)
    beaten = [any(o != p and o[0] <= p[0] and o[1] <= p[1] for o in points) for p in points]
    assert {points[at] for at in chosen} == {point for point, lost in zip(points, beaten, strict=True) if not lost}
    assert len({points[at] for at in chosen}) == len(chosen)
    assert [points[at] for at in chosen] == sorted(points[at] for at in chosen)


def test_pareto_draws_fronts_of_the_sweep_and_every_mitigation_with_its_cross(tables):
    spec = _draw("minority_pareto", tables)
    rows = _values(spec)
    table = _kinds(tables["minority_flips"].query("alpha == .3 and knowledge == 'all'"))
    base = tables["minority_baselines"]
    words = {name: entry[1] for name, entry in minority_pareto.MITIGATIONS.items()} | {"none": people.UNMITIGATED}
    base = base.assign(kind=base["mitigation"].map(words))
    marks = 0
    for measure in people.VIOLATIONS:
        drawn = [row for row in rows if row.get("measure") == measure]
        fronts = _of(drawn, *LABELS.values())
        columns = ("dataset", "learner", "kind", "flips", "error_mean", f"{measure}_mean")
        points = _set(fronts, "dataset", "learner", "kind", "flips", "error", "value")
        assert points <= _table(table, *columns)
        for (dataset, kind), own in table.groupby(["dataset", "kind"]):
            lowest = min(row["value"] for row in fronts if (row["dataset"], row["kind"]) == (dataset, kind))
            assert lowest == own[f"{measure}_mean"].min(), "the fairest point is on the front"
        firm = _of(drawn, *words.values())
        columns = ("dataset", "learner", "kind", "error_mean", "error_sd", f"{measure}_mean", f"{measure}_sd")
        keys = ("dataset", "learner", "kind", "error", "error_sd", "value", "value_sd")
        assert _set(firm, *keys) == _table(base, *columns)
        for row in firm:
            assert row["error_high"] - row["error_low"] == pytest.approx(2 * row["error_sd"])
            assert row["high"] == pytest.approx(row["value"] + row["value_sd"])
        marks += len(fronts) + len(firm)
    paper = _of(rows, minority_pareto.BEFORE, minority_pareto.AFTER)
    assert _set(paper, "dataset", "kind", "error", "value") == {
        ("compas", minority_pareto.BEFORE, 0.332, 0.214),
        ("compas", minority_pareto.AFTER, 0.344, 0.065),
        ("adult", minority_pareto.BEFORE, 0.137, 0.086),
        ("adult", minority_pareto.AFTER, 0.137, 0.02),
    }
    root = _svg(spec)
    assert len(_marks(root, "point")) == marks + len(paper)
    # Every letter is there in every panel, once as a halo and once as ink.
    written = ["".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")]
    for code, _, _ in minority_pareto.MITIGATIONS.values():
        assert written.count(code) == 2 * 2 * base["dataset"].nunique()


def test_pareto_draws_the_letters_of_an_unknown_mitigation_under_its_own_name(tables):
    base = tables["minority_baselines"]
    tables["minority_baselines"] = pd.concat([base, base.tail(1).assign(mitigation="quota_rule")])
    kinds = {row["kind"]: row.get("code") for row in _values(_draw("minority_pareto", tables)) if row.get("kind")}
    assert kinds["quota rule"] == "quota rule"


def test_knowledge_draws_both_for_every_method_that_looks_at_the_majority(tables):
    rows = _values(_draw("minority_knowledge", tables))
    table = tables["minority_flips"].query("alpha == .3")
    names = {"all": minority_knowledge._ALL, "10": "10 majority rows known"}
    chosen = table.query("method != 'random'").assign(kind=lambda frame: frame["knowledge"].map(names))
    keys = ("dataset", "learner", "method", "kind", "flips")
    assert _set(_of(rows, *names.values()), *keys, "value") == _table(chosen, *keys, "eqod_mean")
    random = _of(rows, minority_knowledge.RANDOM)
    expected = _table(table.query("method == 'random'"), "dataset", "learner", "flips", "eqod_mean")
    # The same line in each of the three panels.
    assert {(row["dataset"], row["learner"], row["flips"], row["value"]) for row in random} == expected
    assert len(random) == 3 * len(expected)


def test_knowledge_says_so_where_nobody_had_limited_knowledge():
    spec = _draw("minority_knowledge", _tables(knowledge=("all",)))
    assert "no collective that knows only a part" in " ".join(spec["title"]["subtitle"])
    assert {row["kind"] for row in _values(spec)} == {minority_knowledge._ALL, minority_knowledge.RANDOM}


def test_signal_draws_success_of_every_learner_and_the_bound_once_where_it_says_something(tables):
    spec = _draw("minority_signal", tables)
    rows, table = _values(spec), tables["minority_signal"]
    table = table.assign(
        kind=table["learner"].map({"bayes": "bayes", "boosted_trees": "boosted trees"}) + " (measured)"
    )
    keys = ("dataset", "signal", "kind", "alpha")
    measured = [row for row in rows if row["kind"] != minority_signal.BOUND]
    assert _set(measured, *keys, "success") == _table(table, *keys, "success_mean")
    for row in measured:
        assert 0 <= row["low"] <= row["success"] <= row["high"] <= 1
    bounds = table.drop_duplicates(["dataset", "signal", "alpha"])
    told = bounds[bounds["bound"] >= 0]
    assert 0 < len(told) < len(bounds), "some bounds say something and some do not"
    drawn = _of(rows, minority_signal.BOUND)
    assert _set(drawn, "dataset", "signal", "alpha", "success") == _table(told, "dataset", "signal", "alpha", "bound")
    assert "\u03be = 36%, \u0394 = 0.21" in " ".join(_svg(spec).itertext())


def test_toy_draws_every_person_and_a_ring_around_those_who_relabel_themselves(tables):
    spec = _draw("minority_toy", tables)
    rows, table = _values(spec), tables["minority_toy"]
    points = table[table["kind"] == "point"]
    for kind in minority_toy.LOOKS:
        group, label = kind.split(", ")
        own = points[(points["group"] == group) & (points["label"] == int(label.startswith("good")))]
        assert sorted((row["x1"], row["x2"]) for row in _of(rows, kind)) == sorted(
            zip(own["x1"], own["x2"], strict=True)
        )
    acts = points[points["flipped"].eq(True)]
    assert _set(_of(rows, minority_toy.FLIPPED), "x1", "x2") == _table(acts, "x1", "x2")
    assert len(_of(rows, minority_toy.BOUNDARY)) == 4
    text = " ".join(_svg(spec).itertext())
    assert "EqOd violation 13.0%, error 15.0%" in text and "EqOd violation 3.0%, error 15.0%" in text
    assert "After 6 relabelled" in text and "120 of the majority and 40 of the minority" in text


def test_toy_draws_one_line_for_each_group_that_has_a_boundary_of_its_own(tables):
    table = tables["minority_toy"]
    lines = table[table["kind"] == "boundary"]
    both = [lines.assign(group=group) for group in ("majority", "minority")]
    tables["minority_toy"] = pd.concat([table[table["kind"] == "point"], *both])
    assert len(_marks(_svg(_draw("minority_toy", tables)), "line mark")) == 4


def test_scoring_writes_score_and_rank_beside_every_candidate_and_joins_it_to_k_rows(tables):
    spec = _draw("minority_scoring", tables)
    rows, table = _values(spec), tables["minority_scoring"]
    links = table[table["kind"] == "link"]
    columns = ("method", "x1", "x2", "x1_to", "x2_to")
    assert _set(_of(rows, minority_scoring.LINK), *columns) == _table(links, *columns)
    candidates = table[table["kind"] == "candidate"]
    expected = [
        f"rank {int(row.rank)}\nscore "
        + (f"{row.score:.0f}" if row.method == "rb_label" else f"\u2212{-row.score:.2f}")
        for row in candidates.itertuples()
    ]
    assert sorted(row["words"] for row in rows if "words" in row) == sorted(expected)
    text = " ".join(_svg(spec).itertext())
    assert "good labels among the 3 nearest majority rows" in text


@settings(max_examples=40)
@given(
    marks=st.lists(st.tuples(st.floats(0, 1), st.floats(5, 9)), min_size=1, max_size=7, unique=True),
    others=st.lists(st.tuples(st.floats(0, 1), st.floats(5, 9)), max_size=20),
)
def test_labels_stay_within_their_panel_and_near_their_mark(marks, others):
    style = {"width": 300, "height": 200, "font_size": 12}
    labels = [(x, y, f"M{at}") for at, (x, y) in enumerate(marks)]
    places = label_places.beside(labels, others, [], ([0, 1], [5, 9]), style)
    assert len(places) == len(labels)
    for (x, y), (mark_x, mark_y, _) in zip(places, labels, strict=True):
        assert 0 < x < 1 and 5 < y < 9
        assert abs(x - mark_x) * 300 < 60 and abs(y - mark_y) * 50 < 60


def test_labels_of_marks_that_lie_together_do_not_cover_each_other():
    style = {"width": 300, "height": 200, "font_size": 12}
    labels = [(0.5, 0.5, "EG"), (0.51, 0.5, "TO"), (0.5, 0.52, "M+"), (0.52, 0.53, "RW")]
    places = label_places.beside(labels, [], [], ([0, 1], [0, 1]), style)
    for (x, y), (other_x, other_y) in itertools.combinations(places, 2):
        assert abs(x - other_x) * 300 > 12 or abs(y - other_y) * 200 > 12


# ---- any run can be drawn --------------------------------------------------------------------------------------------

RUNS = {
    "one run": {"n_runs": 1},
    "one data set": {"datasets": ("my_clinic",)},
    "seven data sets, two learners": {"datasets": ALL_DATASETS, "learners": ("boosted_trees", "logistic_regression")},
    "a method missing": {"methods": METHODS[1:]},
    "one method": {"methods": ("random",)},
    "own method": {"methods": (*METHODS, "by_lot")},
    "all known": {"knowledge": ("all",)},
    "two sizes known": {"knowledge": ("all", "10", "100")},
    "no row relabelled": {"steps": 1},
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", ["minority_alpha", "minority_flips", "minority_pareto", "minority_knowledge"])
def test_awkward_runs_draw(name, run):
    text = " ".join(_svg(_draw(name, _tables(**RUNS[run]))).itertext())
    assert "NaN" not in text and "nan" not in text.split() and "undefined" not in text
    if run == "one run":
        assert "one run, so there is no SD" in text
    assert ("Nothing to draw." in text) == (run == "one method" and name == "minority_knowledge")


def _emptied(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    optional = [column.name for column in SCHEMAS.get(name, ()) if column.optional]
    return frame.assign(**dict.fromkeys(optional, np.nan))


SPARSE = {
    "no rows": lambda name, frame: frame.iloc[:0],
    "empty cells": _emptied,
    "no mitigation": lambda name, frame: frame.iloc[:0] if name in ("minority_baselines", "paper_reference") else frame,
    "before alone": lambda name, frame: frame[frame["moment"] == "before"] if "moment" in frame else frame,
    "no link": lambda name, frame: frame[~frame["kind"].isin(["link", "boundary"])] if "kind" in frame else frame,
}


@pytest.mark.parametrize("change", SPARSE)
@pytest.mark.parametrize("name", NAMES)
def test_sparse_tables_draw(name, change, tables):
    spec = _draw(name, {table: SPARSE[change](table, frame) for table, frame in tables.items()})
    text = " ".join(_svg(spec).itertext())
    assert "NaN" not in text and "nan" not in text.split() and "undefined" not in text
    assert ("Nothing to draw." in text) == (change == "no rows" or (change, name) == ("empty cells", "minority_toy"))


def test_no_line_or_mark_differs_from_another_in_colour_alone():
    looks = [*people._METHOD_LOOKS.values(), *people._SPARE_LOOKS]
    assert len({shape for _, shape, _ in looks}) == len({tuple(dash) for _, _, dash in looks}) == len(looks)
    looks = [(theme.BLUE, "circle", [1, 0]), *minority_knowledge._LIMITED]
    assert len({shape for _, shape, _ in looks}) == len({tuple(dash) for _, _, dash in looks}) == len(looks)
    shapes = [shape for _, _, shape in minority_pareto.MITIGATIONS.values()]
    assert len(set(shapes) | {look[1] for look in people._METHOD_LOOKS.values()}) == len(shapes) + len(METHODS)


@given(st.integers(0, 30), st.integers(1, 6))
def test_lines_of_panels_hold_everything_and_are_no_longer_than_asked(count, most):
    lines = people.in_lines(list(range(count)), most)
    assert [item for line in lines for item in line] == list(range(count))
    assert all(0 < len(line) <= most for line in lines) and len(lines) == -(-count // most)
