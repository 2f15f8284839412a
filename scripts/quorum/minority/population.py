"""The people of a data set: what the model sees of them, which label they got, and which group they belong to."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

COLUMNS = ("person", "label", "group")
GROUPS = {0: "majority", 1: "minority"}


@dataclass(frozen=True)
class Population:
    """n rows. features: floats, NaN allowed, the sensitive attribute among them; label: 1 is the good label;
    group: 1 is the minority (the disadvantaged people, whatever their number); person: whose row it is."""

    features: pd.DataFrame
    label: np.ndarray
    group: np.ndarray
    person: np.ndarray


def from_table(frame: pd.DataFrame) -> Population:
    """A frame of table `population` as a Population, rows in the same order.

    A column that has the same value (or none) in every row is left out, with a warning in the log. Person ids may occur
    several times. Raises ValueError: no rows, a missing column, an empty or other value than 0 and 1 in label or group,
    an empty person, a feature that is no number or infinite (column and row are named, rows from 1), a group that is
    missing or has one label only, no feature left.
    """
    missing = [c for c in COLUMNS if c not in frame.columns]
    if missing:
        raise ValueError(f"the population has no column {', '.join(missing)}")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise ValueError(f"the population has two columns {twice[0]!r}")
    if frame.empty:
        raise ValueError("the population has no rows")
    person = frame["person"]
    _refuse(person.isna() | (person.astype("str").str.strip() == ""), "person", "is empty")
    label, group = _binary(frame["label"], "label"), _binary(frame["group"], "group")
    _require_both(label, group)
    return Population(_features(frame), label, group, person.astype("str").to_numpy(dtype=object))


def _refuse(rows: pd.Series, column: str, what: str) -> None:
    """Raises ValueError that names the first of the rows (a boolean series), if there is one."""
    if rows.any():
        raise ValueError(f"column {column} {what} in row {int(rows.to_numpy().argmax()) + 1}")


def _binary(values: pd.Series, column: str) -> np.ndarray:
    _refuse(values.isna(), column, "is empty")
    _refuse(~values.isin([0, 1]), column, "is neither 0 nor 1")
    return values.to_numpy(dtype=np.int64)


def _require_both(label: np.ndarray, group: np.ndarray) -> None:
    for number, name in GROUPS.items():
        labels = np.unique(label[group == number])
        if not len(labels):
            raise ValueError(f"nobody is in the {name} (group {number})")
        if len(labels) == 1:
            raise ValueError(f"everybody in the {name} (group {number}) has label {labels[0]}: no rate can be measured")


def _features(frame: pd.DataFrame) -> pd.DataFrame:
    features = frame.drop(columns=list(COLUMNS)).reset_index(drop=True)
    for name in features:
        if not pd.api.types.is_numeric_dtype(features[name]):
            raise ValueError(f"feature {name} holds no numbers (dtype {features[name].dtype})")
        _refuse(features[name].isin([np.inf, -np.inf]), str(name), "is infinite")
    features = features.astype("float64")
    constant = [str(name) for name in features if features[name].nunique(dropna=False) < 2]
    if len(constant) == features.shape[1]:
        raise ValueError("the population has no feature that differs between its rows")
    if constant:
        logging.warning("left out, the same in every row: %s", ", ".join(constant))
    return features.drop(columns=constant)


def split(population: Population, seed: int, audit_share: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers (train, audit), each ascending: a random split of the persons, stratified by group and label.

    All rows of a person are on one side; the stratum is that of the person's first row. From a stratum of k persons
    round(k * audit_share) go to the audit, but at least one, and at least one stays (a lone person is trained on). So
    with one row a person the sizes are the same for every seed.

    Raises ValueError: a share outside of (0, 1), or a side that lacks a label in a group.
    """
    if not 0 < audit_share < 1:
        raise ValueError(f"audit_share is {audit_share}; it must be between 0 and 1")
    persons, first, which = np.unique(population.person.astype("str"), return_index=True, return_inverse=True)
    stratum = 2 * population.group[first] + population.label[first]
    # By first row, not by name: a data set with other ids is split the same way.
    place = np.random.default_rng([seed, 11]).permutation(len(persons))[np.argsort(np.argsort(first))]
    audited = np.zeros(len(persons), dtype=bool)
    for number in range(4):
        members = np.flatnonzero(stratum == number)
        wanted = int(np.floor(len(members) * audit_share + 0.5))
        wanted = min(max(wanted, 1), len(members) - 1)
        audited[members[np.argsort(place[members])][: max(wanted, 0)]] = True
    in_audit = audited[which]
    sides = np.flatnonzero(~in_audit), np.flatnonzero(in_audit)
    for rows, side in zip(sides, ("training", "audit"), strict=True):
        for number, name in GROUPS.items():
            labels = set(population.label[rows][population.group[rows] == number].tolist())
            if labels != {0, 1}:
                raise ValueError(
                    f"seed {seed}: the {side} rows of the {name} have labels {sorted(labels)}, and need 0 and 1; "
                    "there are too few persons of that group"
                )
    return sides
