"""Tables that are made of others: joined, gathered, published; and a configuration that ends the program."""

from __future__ import annotations

from pathlib import Path

import fake_audits as fake
import pandas as pd
import pytest

from quorum import settings, tables, tipping
from quorum.tables import TableError

# ---- joined ----------------------------------------------------------------------------------------------------------


def curve(*conditions: tuple[str, int, float], style: str = "varied") -> pd.DataFrame:
    """Rows (defense, pool_size, male_share) of one campaign."""
    frame = pd.DataFrame(conditions, columns=["defense", "pool_size", "male_share"])
    return frame.assign(uptake="fine_tune", style=style, strategy="parity", probe_set="matched")


def test_what_two_studies_share_counts_by_the_first():
    undefended = curve(("none", 0, 0.8), ("none", 40, 0.5))
    defended = curve(("none", 0, 0.1), ("none", 40, 0.2), ("tfidf", 40, 0.7))
    joined = tipping.join([undefended, defended])
    found = joined[["defense", "pool_size", "male_share"]].to_numpy().tolist()
    assert found == [["none", 0, 0.8], ["none", 40, 0.5], ["tfidf", 40, 0.7]]


def test_a_joined_table_is_in_order_whatever_the_order_of_its_parts():
    parts = [curve(("none", 40, 0.5), ("none", 0, 0.8)), curve(("keyword", 40, 0.7), style="template")]
    one, other = tipping.join(parts), tipping.join(parts[::-1])
    pd.testing.assert_frame_equal(one, other)
    assert one["style"].tolist() == ["template", "varied", "varied"]
    assert one["pool_size"].tolist() == [40, 0, 40]


def test_tipping_points_have_no_size_and_are_joined_by_campaign_and_filter():
    parts = [curve(("none", 0, 0.8)), curve(("none", 0, 0.9), ("tfidf", 0, 0.7))]
    joined = tipping.join([part.drop(columns="pool_size") for part in parts])
    assert joined[["defense", "male_share"]].to_numpy().tolist() == [["none", 0.8], ["tfidf", 0.7]]


# ---- gathered and published ------------------------------------------------------------------------------------------

CONDITION = {
    "uptake": "fine_tune",
    "style": "varied",
    "strategy": "parity",
    "layers": 2,
    "overlap": 0.0,
    "pool_size": 40,
    "defense": "none",
    "strength": "none",
}


def write_audits(folder: Path, *seeds: int) -> list[Path]:
    paths = []
    for seed in seeds:
        frame = fake.audit(0.7, seed).drop(columns="seed")
        paths.append(folder / f"seed{seed}.parquet")
        tables.write_table(frame, paths[-1], "audit")
    return paths


def test_gathered_rows_keep_their_order_and_carry_their_condition(tmp_path):
    paths = write_audits(tmp_path, 1, 2)
    gathered = tables.gather(paths, "audit", [CONDITION | {"seed": 7}, CONDITION | {"seed": 3}])
    whole = tables.validate(gathered, "audits").to_pandas()
    assert whole["seed"].drop_duplicates().tolist() == [7, 3]
    for seed, path in zip((7, 3), paths, strict=True):
        part = whole[whole["seed"] == seed].reset_index(drop=True)
        pd.testing.assert_frame_equal(part[list(tables.schema("audit").names)], tables.read_table(path, "audit"))
        assert (part[list(CONDITION)] == list(CONDITION.values())).all(axis=None)


def test_as_many_conditions_as_tables_are_needed(tmp_path):
    with pytest.raises(ValueError, match="zip"):
        tables.gather(write_audits(tmp_path, 1, 2), "audit", [CONDITION | {"seed": 1}])


def test_a_table_that_cannot_be_gathered_is_named(tmp_path):
    paths = write_audits(tmp_path, 1, 2)
    paths[1].write_bytes(paths[1].read_bytes()[:100])
    with pytest.raises(TableError, match=r"seed2\.parquet"):
        tables.gather(paths, "audit", [CONDITION | {"seed": 1}, CONDITION | {"seed": 2}])


COSTS = pd.DataFrame(
    {
        "rule": ["fine_tune", "gather"],
        "jobs": [3, 1],
        "seconds_total": [1 / 3, 2.0],
        "seconds_mean": [1 / 9, 2.0],
        "max_rss_mb": [9.5, None],
    }
)


def test_a_published_table_says_the_same_twice(tmp_path):
    parquet, csv = tmp_path / "deep" / "costs.parquet", tmp_path / "costs.csv"
    tables.publish(COSTS, parquet, csv, "costs")
    pd.testing.assert_frame_equal(pd.read_csv(csv), tables.read_table(parquet, "costs"), check_dtype=False, rtol=1e-9)
    assert csv.read_text().splitlines()[2] == "gather,1,2,2,"


def test_what_does_not_follow_its_schema_is_not_published(tmp_path):
    with pytest.raises(TableError, match="jobs"):
        tables.publish(COSTS.drop(columns="jobs"), tmp_path / "costs.parquet", tmp_path / "costs.csv", "costs")
    assert list(tmp_path.iterdir()) == []


# ---- a configuration that cannot be run ------------------------------------------------------------------------------

SCHEMA = Path(__file__).parents[2] / "config" / "schema.yaml"


def test_a_good_configuration_is_completed():
    assert settings.checked_or_exit({}, SCHEMA) == settings.defaults(settings.read(SCHEMA))
    assert settings.checked_or_exit({"seeds": [9]}, str(SCHEMA))["seeds"] == [9]


def test_a_bad_configuration_ends_the_program_with_its_problems_and_no_more():
    with pytest.raises(SystemExit) as caught:
        settings.checked_or_exit({"seeds": 3, "audit": {"max_token": 5}}, SCHEMA)
    assert caught.value.code.startswith("error: ")
    assert "seeds: found 3" in caught.value.code and "audit.max_token" in caught.value.code
    assert caught.value.__suppress_context__


def test_a_schema_that_is_none_is_named(tmp_path):
    (tmp_path / "schema.yaml").write_text("- a list\n")
    with pytest.raises(SystemExit, match=r"schema\.yaml"):
        settings.checked_or_exit({}, tmp_path / "schema.yaml")
