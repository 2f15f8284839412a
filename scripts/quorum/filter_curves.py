"""How well a filter's score tells pool from background, at every threshold, and how the scores lie.

Only here, after all scoring, is it known which side a contribution is on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorum.defenses.calibration import threshold
from quorum.population import BACKGROUND, POOL
from quorum.statistics import Floats, roc_auc
from quorum.summaries import Row, as_table, require

Bools = NDArray[np.bool_]

CAMPAIGN = ["style", "strategy"]
GRID = np.unique(np.concatenate([np.linspace(0, 0.2, 81), np.linspace(0.2, 1, 81)]))
"""Where curves are read: finer where a firm would work, at false-positive rates up to 20%."""
BINS = 40
REFERENCE = "reference"


def roc_at(in_pool: Bools, scores: Floats, rates: Floats) -> Floats:
    """True-positive rate at each false-positive rate (0..1, ascending), linear between the points of the ROC curve.

    in_pool (bool), scores: (n,), both classes present. At a rate where the curve rises straight up, its upper end.
    """
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(in_pool, scores)
    at, last = np.unique(false[::-1], return_index=True)
    return np.interp(rates, at, true[::-1][last])


def precision_at(in_pool: Bools, scores: Floats, recalls: Floats) -> Floats:
    """Precision at each recall (above 0 to 1), from the ROC curve, so that it is right between its points as well.

    Linear interpolation of precision itself would promise too much (Davis and Goadrich 2006, section 4).
    """
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(in_pool, scores)
    at, first = np.unique(true, return_index=True)
    hits = recalls * np.sum(in_pool)
    return hits / (hits + np.interp(recalls, at, false[first]) * np.sum(~in_pool))


def both_sides(background: pd.DataFrame, pool: pd.DataFrame, condition: Row) -> pd.DataFrame:
    """The contributions of a condition's stream, in no particular order: the background and its part of the pool."""
    return pd.concat([background, pool.head(condition["pool_size"])], ignore_index=True)


def _joined(judged: Iterable[tuple[Row, pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """style, strategy, seed, defense, source and score of all contributions of all streams."""
    parts = []
    for condition, stream, scores in judged:
        own = scores.merge(stream[["contribution_id", "source"]], on="contribution_id", validate="many_to_one")
        if len(own) != len(scores):
            raise ValueError(f"scores: {len(scores) - len(own)} are of contributions that are not in the stream")
        parts.append(own[["defense", "source", "score"]].assign(**{key: condition[key] for key in [*CAMPAIGN, "seed"]}))
    frame = pd.concat(parts, ignore_index=True)
    require(frame, ["source"], "scores")
    return frame


def filter_curves(judged: Iterable[tuple[Row, pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """Table filter_curves: ROC and precision-recall curve of every filter against every campaign, over seeds.

    judged: (condition, stream, scores) of each seed and campaign; condition has style, strategy and seed, stream is a
    frame of table `contributions` that holds both sources, scores the table of that name. Curves of the seeds are read
    at the same places and averaged there (vertical averaging, Fawcett 2006, section 9.1); low and high are the lowest
    and highest of them. A filter's own exceptions (a first copy that is kept) are no part of a curve of scores.
    """
    rows: list[Row] = []
    for key, group in _joined(judged).groupby([*CAMPAIGN, "defense"], sort=False):
        seeds = [own for _, own in group.groupby("seed")]
        sides = [((own["source"] == POOL).to_numpy(), own["score"].to_numpy()) for own in seeds]
        named = dict(zip([*CAMPAIGN, "defense"], key, strict=True)) | {
            "n_seeds": len(seeds),
            "pool_share": float(np.mean([in_pool.mean() for in_pool, _ in sides])),
        }
        recalls = GRID[GRID > 0]
        for curve, places, read, area in (
            ("roc", GRID, roc_at, roc_auc),
            ("pr", recalls, precision_at, _average_precision),
        ):
            values = np.array([read(in_pool, scores, places) for in_pool, scores in sides])
            mean_area = float(np.mean([area(in_pool, scores) for in_pool, scores in sides]))
            rows += [
                named | {"curve": curve, "area": mean_area, "x": x, "y": y, "y_low": low, "y_high": high}
                for x, y, low, high in zip(
                    places, values.mean(axis=0), values.min(axis=0), values.max(axis=0), strict=True
                )
            ]
    return as_table(rows, "filter_curves")


def _average_precision(in_pool: Bools, scores: Floats) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(in_pool, scores))


def filter_scores(
    judged: Iterable[tuple[Row, pd.DataFrame, pd.DataFrame]],
    references: Iterable[tuple[Row, pd.DataFrame]],
    strengths: Mapping[str, float],
) -> pd.DataFrame:
    """Table filter_scores: how the scores of background, pool and clean reference lie, all seeds together.

    judged: as in filter_curves; references: (condition, reference_scores) of the same. Each filter has its own scale,
    cut into BINS bins of equal width between its smallest and largest score; the last one includes its upper end. The
    columns weak, moderate and strong are the thresholds of these strengths, means over seeds.
    """
    of_reference = pd.concat(
        [
            scores.assign(source=REFERENCE, **{key: condition[key] for key in [*CAMPAIGN, "seed"]})
            for condition, scores in references
        ]
    )
    frame = pd.concat([_joined(judged), of_reference], ignore_index=True)
    rows: list[Row] = []
    for defense, scores in frame.groupby("defense", sort=False):
        low, high = float(scores["score"].min()), float(scores["score"].max())
        edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
        for campaign, own in scores.groupby(CAMPAIGN, sort=False):
            clean = [part["score"].to_numpy() for _, part in own[own["source"] == REFERENCE].groupby("seed")]
            limits = {
                name: float(np.mean([threshold(values, rate) for values in clean])) for name, rate in strengths.items()
            }
            for source in (BACKGROUND, POOL, REFERENCE):
                mine = own.loc[own["source"] == source, "score"]
                counts, _ = np.histogram(mine, bins=edges)
                named = dict(zip(CAMPAIGN, campaign, strict=True)) | {"defense": defense, "source": source} | limits
                rows += [
                    named | {"score_low": left, "score_high": right, "n": int(n), "share": n / max(1, len(mine))}
                    for left, right, n in zip(edges[:-1], edges[1:], counts, strict=True)
                ]
    return as_table(rows, "filter_scores")
