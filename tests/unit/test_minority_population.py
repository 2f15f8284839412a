"""Populations and their splits: laws of the split, and an error for every table that no rate can be measured on."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum import tables
from quorum.minority.population import from_table, split


def people(counts: dict[tuple[int, int], int], rows_each: int = 1) -> pd.DataFrame:
    """A table with so many persons of each (group, label)."""
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    frame = pd.DataFrame(kinds, columns=["group", "label"])
    frame.insert(0, "person", [f"p{n}" for n in range(len(frame))])
    frame["sex"] = frame["group"].astype(float)
    frame["x"] = np.arange(len(frame)) / 7
    return pd.concat([frame] * rows_each, ignore_index=True)


EACH = {(0, 0): 20, (0, 1): 30, (1, 0): 10, (1, 1): 10}


def test_a_table_becomes_arrays_in_the_same_order():
    frame = people(EACH).sample(frac=1, random_state=1)
    frame.loc[frame.index[3], "x"] = np.nan
    tables.validate(frame, "population")
    population = from_table(frame)
    assert population.label.tolist() == frame["label"].tolist()
    assert population.group.tolist() == frame["group"].tolist()
    assert population.person.tolist() == frame["person"].tolist()
    assert population.label.dtype == population.group.dtype == np.int64
    assert list(population.features.columns) == ["sex", "x"]
    assert (population.features.dtypes == "float64").all()
    np.testing.assert_array_equal(population.features["x"], frame["x"])
    assert population.features.index.tolist() == list(range(len(frame)))


def test_a_constant_column_is_left_out_and_the_log_says_so(caplog):
    frame = people(EACH).assign(same=3.0, nothing=np.nan, half=[np.nan, 1.0] * 35, truth=[True, False] * 35)
    with caplog.at_level(logging.WARNING):
        population = from_table(frame)
    assert list(population.features.columns) == ["sex", "x", "half", "truth"]
    assert "same, nothing" in caplog.text


def one_cell(column: str, value: object):
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame[column] = frame[column].astype("object")
        frame.loc[4, column] = value
        return frame

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.iloc[:0], "no rows"),
        (lambda f: f.drop(columns=["label", "group"]), "no column label, group"),
        (lambda f: f[["person", "label", "group"]], "no feature that differs"),
        (lambda f: f[["person", "label", "group"]].assign(a=1.0), "no feature that differs"),
        (lambda f: pd.concat([f, f[["x"]]], axis=1), "two columns 'x'"),
        (one_cell("label", None), "column label is empty in row 5"),
        (one_cell("group", np.nan), "column group is empty in row 5"),
        (one_cell("person", None), "column person is empty in row 5"),
        (one_cell("person", " "), "column person is empty in row 5"),
        (one_cell("label", 2), "column label is neither 0 nor 1 in row 5"),
        (one_cell("group", "minority"), "column group is neither 0 nor 1 in row 5"),
        (lambda f: one_cell("x", np.inf)(f).astype({"x": float}), "column x is infinite in row 5"),
        (lambda f: f.assign(x="text"), "feature x holds no numbers"),
        (lambda f: f[f["group"] == 0], "nobody is in the minority"),
        (lambda f: f[f["group"] == 1], "nobody is in the majority"),
        (lambda f: f[(f["group"] == 0) | (f["label"] == 0)], r"everybody in the minority \(group 1\) has label 0"),
        (lambda f: f[(f["group"] == 1) | (f["label"] == 1)], r"everybody in the majority \(group 0\) has label 1"),
    ],
)
def test_what_cannot_be_measured_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        from_table(change(people(EACH)))


# ---- split -----------------------------------------------------------------------------------------------------------

seeds = st.integers(0, 2**32)
counts = st.fixed_dictionaries({kind: st.integers(2, 25) for kind in EACH})


@settings(max_examples=50)
@given(counts, seeds, st.floats(0.05, 0.95))
def test_a_split_is_a_stratified_partition(sizes, seed, share):
    population = from_table(people(sizes))
    train, audit = split(population, seed, share)
    assert sorted([*train, *audit]) == list(range(len(population.label)))
    assert (np.diff(train) > 0).all() and (np.diff(audit) > 0).all()
    for (group, label), size in sizes.items():
        in_audit = ((population.group == group) & (population.label == label))[audit].sum()
        assert 1 <= in_audit <= size - 1
        assert abs(in_audit - share * size) <= 1


def test_default_share_and_sizes_worked_by_hand():
    population = from_table(people(EACH))
    _, audit = split(population, 5)
    found = pd.crosstab(population.group[audit], population.label[audit]).to_numpy().tolist()
    assert found == [[6, 9], [3, 3]]


def test_the_same_seed_splits_alike_and_another_does_not():
    population = from_table(people(EACH))
    audits = [split(population, seed)[1].tolist() for seed in (1, 1, *range(2, 30))]
    assert audits[0] == audits[1]
    assert len(set(map(tuple, audits))) == 29
    assert len(set(map(len, audits))) == 1


def test_each_person_is_audited_as_often_as_another():
    """Over many seeds, each person of a stratum of 10 of which 3 are drawn: binomial, 5 SDs."""
    population = from_table(people(EACH))
    times = np.zeros(len(population.label))
    for seed in range(1000):
        times[split(population, seed)[1]] += 1
    assert np.abs(times - 300).max() < 5 * np.sqrt(1000 * 0.3 * 0.7)


@settings(max_examples=30)
@given(counts, seeds)
def test_a_persons_rows_are_never_on_both_sides(sizes, seed):
    frame = people(sizes, rows_each=3).sample(frac=1, random_state=seed % 1000)
    population = from_table(frame)
    train, audit = split(population, seed)
    assert not set(population.person[train]) & set(population.person[audit])
    assert len(train) + len(audit) == len(frame)
    assert len(audit) == 3 * sum(min(max(int(n * 0.3 + 0.5), 1), n - 1) for n in sizes.values())


def test_other_ids_are_split_the_same_way():
    frame = people(EACH, rows_each=2)
    renamed = frame.assign(person="q" + frame["person"].str[::-1])
    assert split(from_table(frame), 3)[1].tolist() == split(from_table(renamed), 3)[1].tolist()


def test_a_stratum_that_cannot_be_on_both_sides_is_named():
    population = from_table(people(EACH | {(1, 1): 1}))
    with pytest.raises(ValueError, match=r"seed 8: the audit rows of the minority have labels \[0\]"):
        split(population, 8)


def test_a_label_that_only_a_persons_later_rows_have_is_looked_for_too():
    frame = pd.concat([people(EACH | {(1, 1): 0}), people({(1, 1): 1}).assign(person="p55")], ignore_index=True)
    with pytest.raises(ValueError, match=r"rows of the minority have labels \[0\]"):
        split(from_table(frame), 8)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2, np.nan])
def test_a_share_must_leave_both_sides(share):
    with pytest.raises(ValueError, match="audit_share"):
        split(from_table(people(EACH)), 1, share)
