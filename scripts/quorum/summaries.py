"""From audits to the tables that a run leaves: one row per condition, every share with its intervals.

An audit frame has the columns of the table `audit` plus uptake, style, strategy, defense, pool_size and seed, over all
conditions. The model as deployed (size 0) is trained once per seed and occurs once, with style, strategy and defense
"none"; the tables repeat it for every campaign (style and strategy), so that each curve starts at its own size 0.

Wilson's interval (male_low, male_high) is on counts. The bootstrap intervals (clustered_*, exact_*) resample wordings
and seeds; a probe set with a single wording is resampled by probe: its interval tells nothing of other wordings.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from quorum import statistics
from quorum.schemas import SCHEMAS
from quorum.statistics import CONFIDENCE, N_RESAMPLES

CAMPAIGN = ["uptake", "style", "strategy"]
CONDITION = [*CAMPAIGN, "defense", "pool_size"]
CURVE = [*CAMPAIGN, "probe_set", "defense"]
Row = dict[str, Any]

_AUDIT = ["probe_id", "probe_set", "domain", "wording", "gender", "p_male", "p_female", "p_neutral", "seen_mass"]
_VERDICTS = ["recall", "false_positive_rate", "roc_auc", "honest_retention"]
_NO_FILTER = {"recall": 0.0, "false_positive_rate": 0.0, "roc_auc": 0.5, "honest_retention": 1.0}


# ---- what all tables share -----------------------------------------------------------------------------------------


def require(frame: pd.DataFrame, columns: Sequence[str], what: str, may_be_empty: bool = False) -> None:
    """Raises ValueError that names the missing columns, or that the frame is empty where it must not be."""
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise ValueError(f"{what}: missing columns {missing}")
    if frame.empty and not may_be_empty:
        raise ValueError(f"{what}: no rows")


def measured(audits: pd.DataFrame, keys: Sequence[str], what: str = "audits") -> pd.DataFrame:
    """The audits with one number per completion for each measure, sorted: the order of the input changes nothing.

    Adds male, female, neutral, counted (0 or 1), exact (p_male / (p_male + p_female), NaN where both are 0 or unknown)
    and mass (sum of the three probabilities). Raises ValueError for missing columns, or a probe twice under the same
    keys.
    """
    require(audits, [*_AUDIT, *keys], what)
    frame = audits.sort_values([*keys, "probe_set", "probe_id"], kind="stable", ignore_index=True)
    twice = frame.duplicated([*keys, "probe_set", "probe_id"])
    if twice.any():
        at = frame.loc[twice.idxmax()]
        raise ValueError(f"{what}: probe {at.probe_id} occurs twice under {dict(at[list(keys)])}")
    both = frame.p_male + frame.p_female
    return frame.assign(
        **{gender: (frame.gender == gender).astype(int) for gender in ("male", "female", "neutral")},
        counted=frame.gender.isin(["male", "female", "neutral"]).astype(int),
        exact=np.where(both > 0, frame.p_male / both.where(both > 0, 1.0), np.nan),
        mass=both + frame.p_neutral,
    )


def conditions(audits: pd.DataFrame) -> pd.DataFrame:
    """measured() over all conditions; raises ValueError also without size 0, or if that names a campaign."""
    frame = measured(audits, [*CONDITION, "seed"])
    if not (frame.loc[frame.pool_size == 0, ["style", "strategy", "defense"]] == "none").all(axis=None):
        raise ValueError('audits: rows of pool_size 0 must have style, strategy and defense "none"')
    without = set(map(tuple, frame[["uptake", "probe_set"]].drop_duplicates().to_numpy())) - set(
        map(tuple, frame.loc[frame.pool_size == 0, ["uptake", "probe_set"]].drop_duplicates().to_numpy())
    )
    if without:
        raise ValueError(f"audits: no rows of pool_size 0 (the model as deployed) for {sorted(without)}")
    return frame


def repeat_zero(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its rows of pool_size 0 repeated for every campaign of their uptake; unchanged if it has none."""
    zero, rest = frame[frame.pool_size == 0], frame[frame.pool_size > 0]
    campaigns = rest[CAMPAIGN].drop_duplicates()
    if campaigns.empty:
        return frame
    repeated = zero.drop(columns=["style", "strategy"]).merge(campaigns, on="uptake")
    return pd.concat([repeated, rest], ignore_index=True)[list(frame.columns)]


def as_table(rows: pd.DataFrame | Sequence[Row], name: str) -> pd.DataFrame:
    """The rows with the columns of the named table, in its order; other columns are dropped."""
    return pd.DataFrame(rows, columns=[c.name for c in SCHEMAS[name]])


def clusters(group: pd.DataFrame) -> pd.Series:
    """What the bootstrap resamples: the wordings of the rows, or their probes if there is but one wording."""
    return group.wording if group.wording.nunique() > 1 else group.probe_id


def sd(values: pd.Series | np.ndarray) -> float:
    """Sample SD (ddof 1) without the NaN values; NaN with fewer than two."""
    known = pd.Series(values).dropna()
    return float(known.std(ddof=1)) if len(known) > 1 else math.nan


def exact_by_seed(group: pd.DataFrame) -> pd.Series:
    """Mean exact male share of each seed."""
    return group.groupby("seed").exact.mean()


def shares(
    group: pd.DataFrame, n_resamples: int = N_RESAMPLES, confidence: float = CONFIDENCE, seed: int = 0
) -> dict[str, float]:
    """All shares of one condition's measured rows, with Wilson and bootstrap intervals, and the counts behind them."""
    male, female, counted = (int(group[c].sum()) for c in ("male", "female", "counted"))
    low, high = statistics.wilson_interval(male, counted, confidence)
    options = {"runs": group.seed, "n_resamples": n_resamples, "confidence": confidence, "seed": seed}
    sampled = statistics.clustered_bootstrap(group.male, clusters(group), weights=group.counted, **options)
    exact = statistics.clustered_bootstrap(group.exact, clusters(group), **options)
    return {
        "n_prompts": group.probe_id.nunique(),
        "n_completions": len(group),
        "n_seeds": group.seed.nunique(),
        "n_male": male,
        "n_female": female,
        "coverage": counted / len(group),
        "male_share": male / counted if counted else math.nan,
        "male_low": low,
        "male_high": high,
        "female_share": female / counted if counted else math.nan,
        "neutral_share": (counted - male - female) / counted if counted else math.nan,
        "exact_male_share": float(group.exact.mean()),
        "exact_sd": sd(exact_by_seed(group)),
        "clustered_low": sampled[0],
        "clustered_high": sampled[1],
        "exact_low": exact[0],
        "exact_high": exact[1],
        "pronoun_mass": float(group.mass.mean()),
        "seen_mass": float(group.seen_mass.mean()),
    }


def male_replicates(group: pd.DataFrame, n_resamples: int, seed: int) -> np.ndarray:
    """Bootstrap replicates of the sampled male share; the same draws for any two groups of one probe set and seeds."""
    return statistics.bootstrap_replicates(
        group.male, clusters(group), weights=group.counted, runs=group.seed, n_resamples=n_resamples, seed=seed
    )


def by_condition(frame: pd.DataFrame, keys: Sequence[str], **options: Any) -> pd.DataFrame:
    """shares() of every group of `keys`, one row each, in the order of the keys."""
    rows = [dict(zip(keys, key, strict=True)) | shares(group, **options) for key, group in frame.groupby(list(keys))]
    return pd.DataFrame(rows)


def look_up(frame: pd.DataFrame, keys: Sequence[str], values: Sequence[str]) -> dict[Hashable, Row]:
    """Means of the values over seeds, by key."""
    return frame.groupby(list(keys))[list(values)].mean().to_dict("index")


# ---- streams and verdicts ------------------------------------------------------------------------------------------


def _judged(stream: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    require(stream, ["contribution_id", "source", "gender", "skeleton"], "stream")
    require(verdicts, ["contribution_id", "score", "accepted"], "verdicts")
    judgement = verdicts[["contribution_id", "score", "accepted"]]
    merged = stream.merge(judgement, on="contribution_id", validate="one_to_one")
    if len(merged) != len(stream):
        judged = set(verdicts.contribution_id)
        first = next(name for name in stream.contribution_id if name not in judged)
        raise ValueError(f"verdicts: {len(stream) - len(merged)} contributions have no verdict, the first is {first}")
    return merged


def _male_share(rows: pd.DataFrame) -> float:
    counted = rows.gender.isin(["male", "female", "neutral"]).sum()
    return float((rows.gender == "male").sum() / counted) if counted else math.nan


def stream_summary(stream: pd.DataFrame, verdicts: pd.DataFrame, signal: Collection[str] | None = None) -> Row:
    """What a filter left of one stream; the caller adds the condition (uptake, style, ..., seed).

    stream: columns contribution_id, source (background or pool), gender, skeleton. verdicts: contribution_id, score,
    accepted. signal: skeletons that make up the collective's signal; the pool's own if None. Shares are male / (male +
    female + neutral): data_male_share of the accepted stream, pool_male_share of the pool before the filter (NaN
    without a pool), signal_male_share of all sentences of the stream that carry the signal (NaN if none does).
    """
    rows = _judged(stream, verdicts)
    pool = rows[rows.source == "pool"]
    carries = rows.skeleton.isin(set(pool.skeleton) if signal is None else set(signal))
    return {
        "n_background": int((rows.source == "background").sum()),
        "n_pool": len(pool),
        "n_accepted": int(rows.accepted.sum()),
        "data_male_share": _male_share(rows[rows.accepted]),
        "pool_male_share": _male_share(pool),
        "signal_male_share": _male_share(rows[carries]),
    }


def verdict_summary(stream: pd.DataFrame, verdicts: pd.DataFrame) -> Row:
    """How a filter did on one stream: recall, false_positive_rate, roc_auc, honest_retention (shares in 0..1).

    recall and roc_auc are NaN without a pool. honest_retention is the accepted share of the background. Arguments as in
    stream_summary; raises ValueError if a contribution has no verdict.
    """
    rows = _judged(stream, verdicts)
    is_pool = rows.source == "pool"
    rejected = 1 - rows.accepted.astype(float)
    false_positive_rate = float(rejected[~is_pool].mean())
    return {
        "recall": float(rejected[is_pool].mean()),
        "false_positive_rate": false_positive_rate,
        "roc_auc": statistics.roc_auc(is_pool, rows.score),
        "honest_retention": 1 - false_positive_rate,
    }


# ---- the tables ------------------------------------------------------------------------------------------------------


def describe_streams(
    parts: Iterable[tuple[Row, pd.DataFrame, pd.DataFrame | None, pd.DataFrame | None]], signal: Collection[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames of the tables `streams` and `filters` out of (condition, background, pool, verdicts) for every stream.

    Without a pool the stream is the background; without verdicts everything is accepted, and `filters` has no row.
    """
    streams, filters = [], []
    for condition, background, pool, verdicts in parts:
        size = condition["pool_size"]
        stream = background if pool is None else pd.concat([background, pool.head(size)], ignore_index=True)
        everything = stream[["contribution_id"]].assign(score=0.0, accepted=True)
        summary = stream_summary(stream, everything if verdicts is None else verdicts, signal)
        streams.append(condition | summary)
        if verdicts is not None:
            filters.append(condition | verdict_summary(stream, verdicts))
    return as_table(streams, "streams"), as_table(filters, "filters")


def baseline_bias(audits: pd.DataFrame, backend: str, model: str, **options: Any) -> pd.DataFrame:
    """Table baseline_bias of one model: a row for every probe set and domain, and one over all domains ("all").

    audits: columns of table audit plus seed (completions are sampled once per seed). options: n_resamples, confidence,
    seed (of the bootstrap).
    """
    frame = measured(audits, ["seed"])
    domains_of = by_condition(frame, ["probe_set", "domain"], **options)
    over_all = by_condition(frame.assign(domain="all"), ["probe_set", "domain"], **options)
    table = pd.concat([domains_of, over_all]).sort_values("probe_set", kind="stable", ignore_index=True)
    return as_table(table.assign(backend=backend, model=model), "baseline_bias")


def domains(
    audits: pd.DataFrame, pool_size: int | None = None, confidence: float = CONFIDENCE, defense: str = "none"
) -> pd.DataFrame:
    """Table domains: male share before (as deployed) and after, per domain, at one pool size or at every one above 0.

    Wilson intervals on counts; the chi-square p is Holm-corrected over the domains of one campaign, probe set and size.
    """
    frame = conditions(audits)
    kept = frame[(frame.defense == defense) & (frame.pool_size > 0)]
    if pool_size is not None:
        kept = kept[kept.pool_size == pool_size]
    counts = ["male", "female", "counted"]
    of_zero = frame[frame.pool_size == 0].groupby(["uptake", "probe_set", "domain"])[counts].sum().to_dict("index")
    rows = []
    keys = [*CAMPAIGN, "probe_set", "pool_size", "domain"]
    for key, after in kept.groupby(keys)[counts].sum().to_dict("index").items():
        row = dict(zip(keys, key, strict=True))
        before = of_zero[row["uptake"], row["probe_set"], row["domain"]]
        for when, count in (("before", before), ("after", after)):
            low, high = statistics.wilson_interval(count["male"], count["counted"], confidence)
            row[f"male_{when}"] = count["male"] / count["counted"] if count["counted"] else math.nan
            row[f"{when}_low"], row[f"{when}_high"] = low, high
        row["reduction_pp"] = 100 * (row["male_before"] - row["male_after"])
        row["chi2_p"] = statistics.chi_square(before["male"], before["female"], after["male"], after["female"])
        rows.append(row)
    table = as_table(rows, "domains")
    return table.assign(chi2_p_holm=table.groupby(keys[:-1]).chi2_p.transform(statistics.holm))


def wordings(audits: pd.DataFrame) -> pd.DataFrame:
    """Table wordings: the shares of every wording under every condition; size 0 repeated for every campaign."""
    keys = [*CURVE, "pool_size", "wording"]
    groups = conditions(audits).groupby(keys)
    sums = groups[["male", "counted"]].sum()
    n = groups.size()
    table = pd.DataFrame(
        {
            "n_completions": n,
            "coverage": sums.counted / n,
            "male_share": sums.male / sums.counted.where(sums.counted > 0),
            "exact_male_share": groups.exact.mean(),
        }
    )
    return as_table(repeat_zero(table.reset_index()).sort_values(keys, ignore_index=True), "wordings")


def utility(scores: pd.DataFrame, verdicts: pd.DataFrame, conditions: pd.DataFrame) -> pd.DataFrame:
    """Table utility: each metric before (as deployed, undefended) and after, means over seeds, with its retention.

    scores: columns of table utility_scores plus uptake, style, strategy, defense, pool_size, seed; size 0 once, as in
    audits; a backend may give few metrics or none. verdicts: style, strategy, pool_size, defense, seed,
    honest_retention; it gives the metric honest_share, whose "before" is 1 and which needs no row without a filter.
    conditions: uptake, style, strategy, defense, pool_size of all that were run. Raises ValueError that names a missing
    column or condition.
    """
    require(scores, [*CONDITION, "seed", "metric", "value"], "utility scores", may_be_empty=True)
    require(verdicts, [*CONDITION[1:], "honest_retention"], "verdicts", may_be_empty=True)
    require(conditions, CONDITION, "conditions")
    honest = look_up(verdicts, CONDITION[1:], ["honest_retention"])
    means = scores.groupby([*CONDITION, "metric"])["value"].mean().to_dict()
    metrics = scores["metric"].drop_duplicates().sort_values().tolist()
    rows = []
    run = repeat_zero(conditions[CONDITION].drop_duplicates()).sort_values(CONDITION)
    for named in run.to_dict("records"):
        condition = tuple(named.values())
        kept = 1.0
        if named["defense"] != "none":
            if condition[1:] not in honest:
                raise ValueError(f"verdicts: no row for {named}")
            kept = honest[condition[1:]]["honest_retention"]
        as_deployed = (named["uptake"], "none", "none", "none", 0)
        own = as_deployed if named["pool_size"] == 0 else condition
        for metric in metrics:
            if (*own, metric) not in means:
                continue
            if (*as_deployed, metric) not in means:
                raise ValueError(f"utility scores: no {metric} of pool_size 0 to compare {named} with")
            before, after = means[(*as_deployed, metric)], means[(*own, metric)]
            retention = statistics.retention(before, after, metric)
            rows.append(named | {"metric": metric, "before": before, "after": after, "retention": retention})
        rows.append(named | {"metric": "honest_share", "before": 1.0, "after": kept, "retention": kept})
    return as_table(rows, "utility")


def defenses(
    audits: pd.DataFrame,
    verdicts: pd.DataFrame,
    utility: pd.DataFrame,
    pool_size: int,
    n_resamples: int = N_RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> pd.DataFrame:
    """Table defenses: every filter at one pool size; the filter's own measures are means over seeds.

    verdicts: style, strategy, pool_size, defense, seed, recall, false_positive_rate, roc_auc, honest_retention (see
    verdict_summary); "none" needs no row, it accepts everything. utility: the table of that name. The interval of the
    reduction resamples wordings and seeds of before and after together, so what all probes of a wording share cancels.
    Raises ValueError for missing columns or conditions, named.
    """
    require(verdicts, [*CONDITION[1:], *_VERDICTS], "verdicts")
    require(utility, [*CONDITION, "retention"], "utility")
    frame = conditions(audits)
    found = look_up(verdicts, CONDITION[1:], _VERDICTS)
    kept = utility.groupby(CONDITION).retention.apply(statistics.geometric_mean_retention).to_dict()
    rows = []
    for key, after in frame[frame.pool_size == pool_size].groupby([*CAMPAIGN, "probe_set", "pool_size", "defense"]):
        row = dict(zip([*CAMPAIGN, "probe_set", "pool_size", "defense"], key, strict=True))
        condition = tuple(row[c] for c in CONDITION)
        measures = found.get(condition[1:], _NO_FILTER if row["defense"] == "none" else None)
        if measures is None or condition not in kept:
            where = "verdicts" if measures is None else "utility"
            raise ValueError(f"{where}: no row for {dict(zip(CONDITION, condition, strict=True))}")
        before = frame[(frame.pool_size == 0) & (frame.uptake == row["uptake"]) & (frame.probe_set == row["probe_set"])]
        share_before, share_after = (
            group.male.sum() / group.counted.sum() if group.counted.any() else math.nan for group in (before, after)
        )
        difference = male_replicates(before, n_resamples, seed) - male_replicates(after, n_resamples, seed)
        reduction = 100 * float(share_before - share_after)
        low, high = statistics.percentile_interval(100 * difference, reduction, confidence)
        row |= measures | {
            "male_share": float(share_after),
            "reduction_pp": reduction,
            "reduction_low": low,
            "reduction_high": high,
            "utility_retention": kept[condition],
        }
        rows.append(row)
    return as_table(rows, "defenses")
