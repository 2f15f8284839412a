"""A filter of one's own: the file of the page on it in its folder, its name in the configuration, and nothing else."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import runs

from quorum import tables
from quorum.schemas import SCHEMAS

pytestmark = pytest.mark.workflow

PAGE = (runs.ROOT / "docs" / "own-defense.md").read_text(encoding="utf-8")
UNTRAINED = ("defense_grid", "filter_curves", "filter_scores")
TRAINED = ("defenses", "tipping_curve", "tipping_points", "utility", "honest_costs", "arms_race", "honest_uptake")


def names(*others: str) -> dict:
    return {"defense": {"names": ["none", *others, "shouting"]}}


def add_filter(folder, code: str = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]) -> None:
    (folder / "scripts" / "quorum" / "defenses" / "own" / "shouting.py").write_text(code)


def rows_of(folder, name: str) -> pd.DataFrame:
    table = tables.read_table(folder / "results" / "tables" / f"{name}.parquet", name)
    return table[table["defense"] == "shouting"]


def test_a_file_and_its_name_give_rows_in_the_tables_that_train_nothing(unused):
    add_filter(unused)
    configs = ["config/tiny.yaml", runs.write_config(unused, names("keyword"))]
    done = runs.run(unused, *(f"results/tables/{name}.csv" for name in UNTRAINED), configs=configs)
    assert done.returncode == 0, done.stdout
    for name in UNTRAINED:
        assert len(rows_of(unused, name)), name
    # Nobody shouts here: no score is above that of a clean sentence with the most capital letters.
    assert rows_of(unused, "defense_grid")["passed"].max() > 0.5


def test_models_are_trained_behind_it_at_every_length_of_stream_it_is_tried(unused):
    add_filter(unused)
    configs = ["config/tiny.yaml", runs.write_config(unused, names("minhash"))]
    jobs = runs.planned(unused, "defenses", "arms_race", "scale", configs=configs)
    behind = [job for job in jobs if job.wildcards.get("defense") == "shouting-moderate"]
    assert {job.rule for job in behind} == {"fine_tune"}
    assert any(
        "shouting-moderate" in path for job in jobs if job.rule.startswith("ask_in_context") for path in job.output
    )
    long = [job.rule for job in jobs if job.wildcards.get("defense") == "shouting" and "rows" in job.wildcards]
    assert sorted(set(long)) == ["judge_partition", "score_partition"]


def test_without_its_file_the_name_is_a_mistake(unused):
    configs = ["config/tiny.yaml", runs.write_config(unused, names())]
    stopped = runs.snakemake(unused, "--dry-run", configs=configs)
    assert stopped.returncode != 0 and "defense.names[1]: found shouting" in stopped.stdout


def test_a_name_that_is_taken_is_told(unused):
    (unused / "scripts" / "quorum" / "defenses" / "own" / "tfidf.py").touch()
    stopped = runs.snakemake(unused, "--dry-run", configs=["config/tiny.yaml"])
    assert stopped.returncode != 0 and "own/tfidf.py: a filter's name has small letters" in stopped.stdout


def test_a_filter_that_leaves_out_a_text_is_named(unused):
    add_filter(
        unused,
        "from quorum.defenses.calibration import Scores\nimport numpy as np\n"
        "def score_part(part, reference, shared, *, first_row, lexicon):\n"
        "    zeros = np.zeros(len(part) - 1)\n"
        "    return Scores(zeros, np.zeros(len(reference)), zeros, ('',) * len(zeros))\n",
    )
    configs = ["config/tiny.yaml", runs.write_config(unused, names())]
    stopped = runs.run(unused, "results/tables/defense_grid.csv", configs=configs)
    assert stopped.returncode != 0 and "filter shouting: texts, accepted_from, reasons and reference" in stopped.stdout


@pytest.mark.model
@pytest.mark.apart
def test_it_has_a_row_in_every_table(unused):
    add_filter(unused)
    runs.copy_retrieved(runs.ROOT, unused)
    small = {"collective": {"styles": ["template"], "sizes": [0, 40]}}
    configs = ["config/tiny.yaml", runs.write_config(unused, {**names(), **small})]
    done = runs.run(unused, "defenses", "arms_race", "figures", configs=configs)
    assert done.returncode == 0, done.stdout[-20_000:]
    for name in (*UNTRAINED, *TRAINED):
        assert len(rows_of(unused, name)), name
    declared = {name for name, columns in SCHEMAS.items() if "defense" in [column.name for column in columns]}
    made = {path.stem for path in (unused / "results" / "tables").glob("*.parquet")}
    # Wordings are those of undefended models.
    assert made & declared - {"wordings"} <= {*UNTRAINED, *TRAINED}
