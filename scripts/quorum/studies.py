"""Summaries beside the main sweep: how deep to train, what a signal of its own does, and the papers' numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from quorum import statistics
from quorum.summaries import Row, as_table, by_condition, look_up, measured, require, sd


def depth_study(audits: pd.DataFrame, timings: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """Table depth_study: exact male share by number of trained layers, its spread, and what it costs.

    audits: columns of table audit plus layers, style ("none" at size 0), pool_size, seed. timings: layers, style,
    pool_size, seed, seconds (of one retraining), sentences_per_second; means over seeds, NaN for conditions without.
    options: n_resamples, confidence, seed.
    """
    keys = ["layers", "style", "pool_size"]
    require(timings, [*keys, "seconds", "sentences_per_second"], "timings")
    frame = measured(audits, [*keys, "seed"])
    table = by_condition(frame, [*keys, "probe_set"], **options)
    of_wording = frame.groupby([*keys, "probe_set", "wording"]).exact.mean()
    spread = of_wording.groupby([*keys, "probe_set"]).agg(sd).rename("wording_sd").reset_index()
    cost = timings.groupby(keys, as_index=False)[["seconds", "sentences_per_second"]].mean()
    return as_table(table.merge(spread, on=[*keys, "probe_set"]).merge(cost, on=keys, how="left"), "depth_study")


def overlap_study(
    audits: pd.DataFrame, streams: pd.DataFrame, background_size: int, background_share: float, **options: Any
) -> pd.DataFrame:
    """Table overlap_study: what the collective reaches as its template becomes common in the background.

    audits: columns of table audit plus overlap (xi), pool_size, seed. streams: overlap, pool_size, seed,
    data_male_share, signal_male_share, pool_male_share (see stream_summary). The collective's gender y* is the one that
    is rarer in the background (male share b). success is the share of matched probes, over seeds, whose exact male
    share is on its side of 0.5; a probe at 0.5 is no success.

    hardt_bound: the theorem (statistics.hardt_bound) is about f(g(x)) = y* for x from the base distribution, where g
    plants the signal. Here g puts a profession and an action into the collective's template, so that success on
    *matched* probes is what it bounds; held-out wordings carry no signal and have no bound, nor has size 0.
    Its assumptions, and how far they hold:
    - The base distribution P0 is the background: the signal set has mass xi = overlap, and since a sentence's gender is
      drawn independently of its words, the gap is the same on the whole set: delta = |b - (1 - b)|.
    - Every member plants y*. In a pool of mixed gender (strategy parity past the critical size) the sentences of the
      other gender, and as many of y*, go to P0: they enlarge xi and shrink delta, and the bound comes out as that of
      n * (share of y* - share of the other) members beside the background alone. None where that is not positive.
    - The firm is Bayes-optimal (epsilon = 0). A fine-tuned model is not: it smooths over similar prompts and starts
      from a prior of its own. Success below the bound measures just that; it is a finding, not an error.
    The theorem holds for every xi, 1 included: there the collective's template is everybody's, and the bound leaves 0
    at the critical size, background_size * delta.
    """
    keys = ["overlap", "pool_size"]
    values = ["data_male_share", "signal_male_share", "pool_male_share"]
    require(streams, [*keys, *values], "streams")
    frame = measured(audits, [*keys, "seed"])
    wants_female = background_share > 0.5
    on_side = frame.exact < 0.5 if wants_female else frame.exact > 0.5
    success = on_side[frame.exact.notna()].groupby([frame[k] for k in [*keys, "probe_set"]]).mean().to_dict()
    data = look_up(streams, keys, values)
    rows = []
    for row in by_condition(frame, [*keys, "probe_set"], **options).to_dict("records"):
        condition = (row["overlap"], row["pool_size"])
        if condition not in data:
            raise ValueError(f"streams: no row for {dict(zip(keys, condition, strict=True))}")
        row |= data[condition] | {
            "alpha": row["pool_size"] / (background_size + row["pool_size"]),
            "success": math.nan,
            "hardt_bound": math.nan,
        }
        if row["probe_set"] == "matched":
            row["success"] = success.get((*condition, "matched"), math.nan)
            surplus = 1 - 2 * row["pool_male_share"] if wants_female else 2 * row["pool_male_share"] - 1
            members = row["pool_size"] * surplus if row["pool_size"] else 0.0
            if members > 0:
                alpha = members / (background_size + members)
                row["hardt_bound"] = statistics.hardt_bound(alpha, abs(2 * background_share - 1), row["overlap"])
        rows.append(row)
    return as_table(rows, "overlap_study")


# which table and columns (value, low, high) answer a quantity of the papers; an empty name means no such interval
_ANSWERS = {
    "male_share": ("tipping_curve", "male_share", "clustered_low", "clustered_high"),
    "reduction_pp": ("defenses", "reduction_pp", "reduction_low", "reduction_high"),
    "utility_retention": ("defenses", "utility_retention", "", ""),
    "tipping_size": ("tipping_points", "tipping_size", "tipping_low", "tipping_high"),
    "diminishing_size": ("tipping_points", "diminishing_size", "", ""),
    "male_share_before": ("domains", "male_before", "before_low", "before_high"),
    "male_share_after": ("domains", "male_after", "after_low", "after_high"),
    "score_before": ("utility", "before", "", ""),
    "score_after": ("utility", "after", "", ""),
    "error": ("minority", "error", "", ""),
    "eqod": ("minority", "eqod", "", ""),
}
_OTHER_LEARNER = "the paper's learner, split and order of ties are not known"
_HERE = ["uptake", "style", "strategy", "probe_set", "learner", "method", "flips"]


def _plain(value: object) -> str:
    return str(value).casefold().replace("_", " ").strip()


def _parse(condition: str) -> dict[str, str]:
    """The parts of a condition written "key=value, key=value"; an empty condition has none."""
    parts = [part.split("=", 1) for part in condition.split(",") if part.strip()]
    if any(len(part) != 2 for part in parts):
        raise ValueError(f'paper reference: condition "{condition}" is not of the form "key=value, key=value"')
    return {key.strip(): _plain(value) for key, value in parts}


def paper_comparison(reference: pd.DataFrame, tables: Mapping[str, pd.DataFrame], model: str) -> pd.DataFrame:
    """Table paper_comparison: the papers' numbers, each beside every campaign and probe set of this run.

    reference: columns paper, quantity, condition ("key=value, key=value" over columns of the table that answers the
    quantity; letter case and underscores do not matter; no defense means "none"), paper_value, unit, note. tables: this
    run's tables by name. model: name of this run's model, for the note. A number that the run did not measure keeps one
    row with an empty value. Intervals are those of the table. Raises ValueError for a condition of another form.
    """
    require(reference, ["paper", "quantity", "condition", "paper_value", "unit", "note"], "paper reference")
    rows: list[Row] = []
    for record in reference.fillna({"condition": "", "note": ""}).to_dict("records"):
        wanted = _parse(record["condition"])
        name, *columns = _ANSWERS.get(record["quantity"], ("", "", "", ""))
        table = tables.get(name, pd.DataFrame())
        found = _answers(table, wanted)
        if wanted.get("pool_size") == "0" or columns[0] in ("male_before", "before"):
            found = _once(found)
        for answer in found.to_dict("records"):
            value, low, high = (float(answer[c]) if c else math.nan for c in columns)
            here = ", ".join(f"{c}={answer[c]}" for c in _HERE if c in answer)
            condition = f"{record['condition']}; here: {here}".removeprefix("; ")
            note = f"{record['note']}; " if record["note"] else ""
            note += _OTHER_LEARNER if name == "minority" else f"the models differ, this run's is {model}"
            rows.append(record | {"condition": condition, "value": value, "low": low, "high": high, "note": note})
        if found.empty:
            here = "here: not measured"
            rows.append(record | {"condition": f"{record['condition']}; {here}".removeprefix("; "), "value": math.nan})
    return as_table(rows, "paper_comparison").astype(
        {"paper_value": float, "value": float, "low": float, "high": float}
    )


def _answers(table: pd.DataFrame, wanted: Mapping[str, str]) -> pd.DataFrame:
    if "defense" in table.columns:
        wanted = {"defense": "none"} | dict(wanted)
    if table.empty or not set(wanted) <= set(table.columns):
        return table.iloc[:0]
    keep = np.ones(len(table), dtype=bool)
    for column, value in wanted.items():
        keep &= (table[column].map(_plain) == value).to_numpy()
    return table[keep]


def _once(found: pd.DataFrame) -> pd.DataFrame:
    """The model as deployed is one model, which the tables repeat for every campaign."""
    of_campaign = [c for c in ("style", "strategy") if c in found.columns]
    return found.drop(columns=of_campaign).drop_duplicates([c for c in ("uptake", "probe_set") if c in found.columns])
