"""How the male share moves with the size of the collective: the curve of the sweep, and the size at which it tips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from quorum import statistics
from quorum.intervals import has_width
from quorum.statistics import CONFIDENCE
from quorum.summaries import (
    CAMPAIGN,
    CONDITION,
    CURVE,
    as_table,
    by_condition,
    conditions,
    look_up,
    male_replicates,
    repeat_zero,
    require,
)

N_FITS = 500


def tipping_curve(
    audits: pd.DataFrame, streams: pd.DataFrame, background_size: int, background_share: float, **options: Any
) -> pd.DataFrame:
    """Table tipping_curve: a row for every campaign, probe set, filter and size; size 0 repeated with defense "none".

    streams: uptake, style, strategy, defense, pool_size, seed, data_male_share, pool_male_share (see stream_summary).
    background_share: the set male share of the background. options: n_resamples, confidence, seed (of the bootstrap).
    Raises ValueError for missing columns or conditions, named.
    """
    require(streams, [*CONDITION, "data_male_share", "pool_male_share"], "streams")
    curve = repeat_zero(by_condition(conditions(audits), [*CURVE, "pool_size"], **options))
    data = look_up(repeat_zero(streams), CONDITION, ["data_male_share", "pool_male_share"])
    start = curve[curve.pool_size == 0].set_index([*CAMPAIGN, "probe_set"])
    rows = []
    for row in curve.to_dict("records"):
        condition = tuple(row[c] for c in CONDITION)
        if condition not in data:
            raise ValueError(f"streams: no row for {dict(zip(CONDITION, condition, strict=True))}")
        before = start.loc[tuple(row[c] for c in [*CAMPAIGN, "probe_set"])]
        size, pool_share = row["pool_size"], data[condition]["pool_male_share"]
        p = statistics.chi_square(before.n_male, before.n_female, row["n_male"], row["n_female"]) if size else math.nan
        row |= {
            "alpha": size / (background_size + size),
            "data_male_share": data[condition]["data_male_share"],
            "expected_male_share": float(
                statistics.expected_male_share(background_size, background_share, size, pool_share)
            ),
            "parity_gap": abs(row["male_share"] - 0.5),
            "reduction_pp": 100 * (before.male_share - row["male_share"]),
            "chi2_p": p,
        }
        rows.append(row)
    table = pd.DataFrame(rows).sort_values([*CURVE, "pool_size"], ignore_index=True)
    return as_table(table, "tipping_curve")


def tipping_points(
    curve: pd.DataFrame,
    audits: pd.DataFrame,
    background_size: int,
    background_share: float,
    n_fits: int = N_FITS,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> pd.DataFrame:
    """Table tipping_points: a row for every campaign, probe set and filter of the table tipping_curve.

    tipping_size uses the clustered interval of every swept size, 0 included, and Wilson's where all answers agree, so
    that the clustered one has no width; a share that jumps over 0.5 between two sizes has none, and then only the
    fitted curve says where it crossed. The curve is fitted to the sampled male share, and again to `n_fits` resamples
    of wordings and seeds; a crossing past twice the largest size counts as none.
    tipping_low and tipping_high are taken over the resamples that cross, and are empty where fewer than half do: read
    crossing_share beside them. The fit is empty with fewer than three sizes above 0 (as under filters, which see one).
    """
    frame = conditions(audits)
    counter = 0.0 if background_share > 0.5 else 1.0
    expected = statistics.critical_size(background_size, background_share, counter)
    rows = []
    for key, swept in curve[curve.pool_size > 0].groupby(CURVE):
        uptake, style, strategy, probe_set, defense = key
        of_campaign = (curve[["uptake", "style", "strategy", "probe_set"]] == list(key[:4])).all(axis=1)
        points = pd.concat([curve[of_campaign & (curve.pool_size == 0)], swept]).sort_values("pool_size")
        sizes = points.pool_size.to_numpy()
        wide = has_width(points.clustered_low, points.clustered_high)
        limit = 2.0 * sizes.max()
        fitted = statistics.fit_curve(sizes, points.male_share)
        low = high = crossing_share = math.nan
        if fitted is not None:
            asked = frame[(frame.uptake == uptake) & (frame.probe_set == probe_set)]
            mine = (asked[["style", "strategy", "defense"]] == [style, strategy, defense]).all(axis=1)
            groups = [asked[(asked.pool_size == size) & (mine | (size == 0))] for size in sizes]
            replicates = np.stack([male_replicates(group, n_fits, seed) for group in groups], axis=1)
            crossings = np.array(
                [statistics.crossing(statistics.fit_curve(sizes, resampled), limit=limit) for resampled in replicates]
            )
            crossing_share = float(np.isfinite(crossings).mean())
            if crossing_share >= 0.5:
                low, high = statistics.percentile_interval(crossings, confidence=confidence)
        rows.append(
            dict(zip(CURVE, key, strict=True))
            | {
                "tipping_size": statistics.tipping_point(
                    sizes,
                    points.clustered_low.where(wide, points.male_low),
                    points.clustered_high.where(wide, points.male_high),
                ),
                "tipping_low": low,
                "tipping_high": high,
                "critical_size_expected": expected,
                "diminishing_size": statistics.diminishing_size(sizes, points.reduction_pp),
                "fitted_size": statistics.crossing(fitted, limit=limit),
                "crossing_share": crossing_share,
            }
        )
    return as_table(rows, "tipping_points")


def join(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tables of several studies as one; a condition that occurs in more than one counts by its first."""
    keys = [c for c in [*CURVE, "pool_size"] if c in parts[0].columns]
    return pd.concat(parts, ignore_index=True).drop_duplicates(keys).sort_values(keys, ignore_index=True)
