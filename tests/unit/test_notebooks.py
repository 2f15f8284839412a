"""The notebooks run from top to bottom, on tables of made-up audits that the library sums up within seconds."""

from __future__ import annotations

import re
from pathlib import Path

import fake_audits
import fake_filters
import jupytext
import nbclient
import nbformat
import pytest

from quorum import summaries, tables, tipping

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.py"))
WORLD = (1_700, 0.79)
FEW = {"n_resamples": 50}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A folder of results with the tables that the notebooks open."""
    folder = tmp_path_factory.mktemp("results")
    audits = fake_audits.audits(lambda size: 0.8 - 0.0003 * size)
    released = fake_audits.audit(0.3).assign(uptake="released")
    streams, filters = fake_audits.streams(audits), fake_audits.verdicts(audits)
    utility = summaries.utility(fake_audits.utility_scores(audits), filters, fake_audits.conditions(audits))
    curve = tipping.tipping_curve(audits, streams, *WORLD, **FEW)
    made = {
        "baseline_bias": summaries.baseline_bias(released, "local", "made up", **FEW),
        "tipping_curve": curve,
        "tipping_points": tipping.tipping_points(curve, audits, *WORLD),
        "defenses": summaries.defenses(audits, filters, utility, 1_000, **FEW),
        "defense_grid": fake_filters.filter_tables()["defense_grid"],
    }
    for name, table in made.items():
        tables.write_table(table, folder / "tables" / f"{name}.parquet", name)
    return folder


def executed(name: str, results: Path, monkeypatch) -> nbformat.NotebookNode:
    monkeypatch.setenv("QUORUM_RESULTS", str(results))
    # The notebooks import the library as a user does who has installed it in place.
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent / "scripts"), prepend=":")
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    return nbclient.NotebookClient(notebook, resources={"metadata": {"path": NOTEBOOKS}}).execute()


def outputs(notebook: nbformat.NotebookNode) -> str:
    """All that the cells show, as text."""
    shown = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    return "\n".join(str(out.get("text") or out.get("data", {}).get("text/plain", "")) for out in shown)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_and_python_file_are_the_same(name):
    """`make notebooks` writes the one out of the other. Outputs are not kept, so that a change shows in a review."""
    written = jupytext.read(NOTEBOOKS / f"{name}.py")
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [(cell.cell_type, cell.source) for cell in written.cells]
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == cells, "run `make notebooks`"
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_first_look(results, monkeypatch):
    shown = outputs(executed("first_look", results, monkeypatch))
    for column in ("exact_male_share", "tipping_size", "recall"):
        assert column in shown
    curve = tables.read_table(results / "tables" / "tipping_curve.parquet", "tipping_curve")
    assert str(curve["pool_size"].max()) in shown


def test_a_collective_in_twenty_lines(results, monkeypatch):
    notebook = executed("collective", results, monkeypatch)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code = [line for line in first.source.splitlines() if line and not line.startswith(("import", "#"))]
    assert len(code) <= 20
    shown = outputs(notebook)
    assert all(name in shown for name in ("keyword", "repetition", "tfidf", "minhash", "composite"))
    assert "no health relevance" in shown and "contains markup" in shown


def test_planner(results, monkeypatch):
    notebook = executed("planner", results, monkeypatch)
    # 1,700 sentences at 79% are even with 986 counter sentences (1,343 male; 357 + 986 female): 99 people of ten.
    assert re.search(r"ward +986\.0 +99\.0 +enough", outputs(notebook))
    assert re.search(r"archive +9860\.0 +986\.0 +too few", outputs(notebook))
