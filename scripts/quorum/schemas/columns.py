"""A column, how one is declared, and those that many tables share."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

DTYPES = {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}


@dataclass(frozen=True)
class Column:
    """One column: name, dtype (a key of DTYPES), unit ("" where it has none), meaning, and whether it may be empty."""

    name: str
    dtype: str
    unit: str
    meaning: str
    optional: bool = False


def columns(*rows: str) -> tuple[Column, ...]:
    """Columns out of lines "name | dtype[?] | unit | meaning"; a question mark after the dtype allows empty values."""
    declared = []
    for row in rows:
        name, dtype, unit, meaning = (cell.strip() for cell in row.split("|"))
        declared.append(Column(name, dtype.rstrip("?"), unit, meaning, dtype.endswith("?")))
    return tuple(declared)


CAMPAIGN = (
    "style | string | | its words: template, varied, mimic, paraphrase or submitted; none without a campaign",
    "strategy | string | | which pronouns the collective writes: balanced, counter, parity or submitted",
)
CONDITION = (
    "uptake | string | | how contributions reach the model: fine_tune or in_context",
    *CAMPAIGN,
)
FILTER = (
    "defense | string | | the firm's filter",
    "strength | string | | how strict it is: weak, moderate or strong; none without a filter",
)
FULL_CONDITION = (
    *CONDITION,
    "layers | int | layers | trained last layers K; 0 in context, where none is",
    "overlap | float | share | share of background sentences in the pool's template (xi)",
    "pool_size | int | sentences | contributions of the collective before the filter",
    *FILTER,
    "seed | int | | the independent run",
)
PROBE_SET = ("probe_set | string | | held_out (does it generalise?) or matched (is it recalled?)",)
