"""The arms race: how good must the writing be, so that a campaign gets through, and what does it take to write so?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from quorum import summaries
from quorum.summaries import Row, as_table, by_condition, measured, require, sd

CAMPAIGN = ["style", "strategy"]
_FILTER = [*CAMPAIGN, "pool_size", "defense"]


def effort(pools: Iterable[tuple[Row, pd.DataFrame]], size: int) -> pd.DataFrame:
    """What it takes to write: a row for each campaign, means over seeds, of the first `size` sentences of its pools.

    pools: (condition with style, strategy and seed, frame of table `contributions`). Columns: skeletons (distinct ones
    in the pool; empty where it has no names for them), skeletons_per_agent (mean over agents of the distinct ones that
    an agent uses), words_mean and words_sd (length of a sentence).
    """
    rows = []
    for condition, pool in pools:
        sentences = pool.head(size)
        named = sentences["skeleton"].replace("", None)
        words = (sentences["prompt"] + sentences["completion"]).str.split().str.len()
        known = bool(named.notna().all())
        rows.append(
            {key: condition[key] for key in CAMPAIGN}
            | {
                "skeletons": float(named.nunique()) if known else math.nan,
                "skeletons_per_agent": named.groupby(sentences["agent"]).nunique().mean() if known else math.nan,
                "words_mean": float(words.mean()),
                "words_sd": sd(words),
            }
        )
    return pd.DataFrame(rows).groupby(CAMPAIGN, as_index=False, sort=False).mean()


def arms_race(
    audits: pd.DataFrame,
    filters: pd.DataFrame,
    utilities: pd.DataFrame,
    streams: pd.DataFrame,
    efforts: pd.DataFrame,
    pool_size: int,
    **options: Any,
) -> pd.DataFrame:
    """Table arms_race: every style against every filter at one size and strength.

    audits, filters, utilities, streams: tables of these names over all conditions of the race. efforts: see `effort`.
    The share of the pool that gets through, and its SD over seeds, stand beside what the model then says and what is
    left of its utility (as in table defenses). options: n_resamples, confidence.
    """
    require(filters, [*_FILTER, "strength", "recall"], "filters")
    utility = summaries.utility(utilities, filters, audits)
    table = summaries.defenses(audits, filters, utility, pool_size, **options)
    frame = measured(audits, [*_FILTER, "seed"])
    exact = by_condition(frame, [*_FILTER, "probe_set"], **options)
    deployed = exact[exact["pool_size"] == 0].set_index("probe_set")["exact_male_share"]
    exact = exact[[*_FILTER, "probe_set", "n_seeds", "exact_male_share", "exact_low", "exact_high"]]
    spread = filters.groupby(_FILTER)["recall"].agg(sd).rename("passed_sd").reset_index()
    data = streams.groupby(_FILTER, as_index=False)["data_male_share"].mean()
    strength = filters[["defense", "strength"]].drop_duplicates()
    for other, keys in ((exact, [*_FILTER, "probe_set"]), (spread, _FILTER), (data, _FILTER), (strength, ["defense"])):
        table = table.merge(other, on=keys, how="left", validate="many_to_one")
    table = table.merge(efforts, on=CAMPAIGN, how="left", validate="many_to_one")
    return as_table(
        table.assign(
            passed=1 - table["recall"],
            strength=table["strength"].fillna("none"),
            exact_deployed=table["probe_set"].map(deployed),
        ),
        "arms_race",
    )


def honest_uptake(audits: pd.DataFrame, streams: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """Table honest_uptake: the model as deployed behind each filter, without any campaign.

    audits, streams: the tables of these names over conditions of pool size 0, one for each filter and seed, "none"
    among the filters.
    """
    keys = ["defense", "strength"]
    table = by_condition(measured(audits, [*keys, "seed"]), [*keys, "probe_set"], **options)
    rows = streams.assign(honest_rows_lost=streams["n_background"] - streams["n_accepted"])
    data = rows.groupby(keys, as_index=False)[["n_background", "honest_rows_lost", "data_male_share"]].mean()
    return as_table(table.merge(data, on=keys, validate="many_to_one"), "honest_uptake")
