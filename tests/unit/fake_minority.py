"""Made-up tables of the minority study that follow the schemas, without a model being trained."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from quorum.schemas import SCHEMAS

METHODS = ("rb_prob", "rb_label", "rb_dist", "random")
ALPHAS = (0.01, 0.1, 0.2, 0.3, 0.4)
ALL_DATASETS = ("compas", "rhc", "nafld", "health", "adult", "law", "credit")
# Rows of the minority with the other label, error and EqOd violation before any action, and their spread over runs.
BASES = {
    "compas": (1514, 0.334, 0.204, 0.021),
    "rhc": (420, 0.273, 0.071, 0.024),
    "nafld": (3600, 0.071, 0.041, 0.02),
    "health": (15000, 0.184, 0.31, 0.008),
    "adult": (13026, 0.129, 0.078, 0.011),
    "law": (520, 0.102, 0.42, 0.03),
    "credit": (9000, 0.181, 0.012, 0.006),
}
_PULL = {"rb_prob": 0.9, "rb_label": 0.85, "rb_dist": 1.0, "random": 0.7}
MITIGATIONS = {
    "none": (0.0, 1.0),
    "exponentiated_gradient": (0.018, 0.18),
    "threshold_optimizer": (0.031, 0.11),
    "reweighing": (0.004, 0.45),
    "massaging": (0.011, 0.3),
    "massaging_promote": (0.009, 0.55),
    "massaging_demote": (0.012, 0.6),
}


def _frame(name: str, rows: list[dict]) -> pd.DataFrame:
    columns = [column.name for column in SCHEMAS[name]]
    return pd.DataFrame(rows, columns=columns)


def _over_runs(eqod: float, sp: float, error: float, spread: float, n_runs: int) -> dict:
    one = n_runs == 1
    return {
        "eqod_mean": eqod,
        "eqod_sd": np.nan if one else spread,
        "sp_mean": sp,
        "sp_sd": np.nan if one else 0.8 * spread,
        "error_mean": error,
        "error_sd": np.nan if one else 0.3 * spread,
        "n_runs": n_runs,
    }


def minority_tables(
    datasets: Sequence[str] = ("compas", "rhc", "adult"),
    learners: Sequence[str] = ("boosted_trees",),
    methods: Sequence[str] = METHODS,
    n_runs: int = 5,
    steps: int = 6,
    knowledge: Sequence[str] = ("all", "10"),
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """The tables of the figures of the minority study, with plausible numbers; steps = 1: no row is relabelled."""
    random = np.random.default_rng(seed)
    rows: dict[str, list[dict]] = {"minority_alpha": [], "minority_flips": [], "minority_baselines": []}
    for dataset, learner in itertools.product(datasets, learners):
        negatives, base_error, base, spread = BASES.get(dataset, (60, 0.25, 0.15, 0.03))
        shift = 0.01 if learner == "logistic_regression" else 0.0
        place = {"dataset": dataset, "learner": learner}
        for mitigation, (cost, left) in MITIGATIONS.items():
            violations = (left * base, left * 1.1 * base, base_error + shift + cost, spread)
            rows["minority_baselines"].append({**place, "mitigation": mitigation, **_over_runs(*violations, n_runs)})
        for method, alpha, known in itertools.product(methods, (0.0, *ALPHAS), knowledge):
            if known != "all" and (alpha != 0.3 or method == "random"):
                continue
            sweep = []
            for step in range(steps if alpha else 1):
                flips = round(step / max(steps - 1, 1) * alpha * 0.7 * negatives)
                reach = _PULL.get(method, 0.6) * (1.0 if known == "all" else 0.75) * flips / (0.2 * negatives)
                wobble = 0.0 if flips == 0 else float(random.normal(0, 0.15 * spread))
                eqod = abs(base * (1 - reach)) + 0.4 * spread + wobble if flips else base
                sp = abs(1.1 * base * (1 - 0.9 * reach)) + 0.3 * spread + wobble if flips else 1.1 * base
                error = base_error + shift + 0.05 * (flips / negatives) ** 1.2 + 0.2 * abs(wobble)
                numbers = _over_runs(max(0.0, eqod), max(0.0, sp), error, spread, n_runs)
                sweep.append({**place, "method": method, "knowledge": known, "alpha": alpha, "flips": flips, **numbers})
            rows["minority_flips"] += sweep if alpha else []
            if known == "all":
                best = min(sweep, key=lambda row: row["eqod_mean"])
                best_sp = min(sweep, key=lambda row: row["sp_mean"])
                chosen = {
                    "flips_at_best": best["flips"],
                    "flips_at_best_sp": best_sp["flips"],
                    "best_sp_mean": best_sp["sp_mean"],
                    "best_sp_sd": best_sp["sp_sd"],
                }
                kept = {key: value for key, value in best.items() if key not in ("knowledge", "flips")}
                rows["minority_alpha"].append({**kept, **chosen})
    frames = {name: _frame(name, found) for name, found in rows.items()}
    frames["minority_signal"] = _signal(n_runs)
    frames["minority_toy"] = _toy()
    frames["minority_scoring"] = _scoring()
    return frames


def _signal(n_runs: int) -> pd.DataFrame:
    """Two signals, a rare and a common one; alphas from where the bound says nothing to where it says much."""
    rows = []
    signals = (("age over 60 and two or more priors", 0.031, 0.55), ("charge degree M", 0.36, 0.21))
    for (signal, xi, delta), learner in itertools.product(signals, ("bayes", "boosted_trees")):
        for alpha in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
            bound = 1 - (1 - alpha) / alpha * delta * xi
            success = 1 / (1 + np.exp(-(alpha - 0.6 * delta * xi) / 0.004)) * (1.0 if learner == "bayes" else 0.96)
            rows.append(
                {
                    "dataset": "compas",
                    "learner": learner,
                    "signal": signal,
                    "alpha": alpha,
                    "xi": xi,
                    "delta": delta,
                    "success_mean": success,
                    "success_sd": np.nan if n_runs == 1 else 0.05 * (1 - success) + 0.004,
                    "bound": bound,
                    "n_runs": n_runs,
                }
            )
    return _frame("minority_signal", rows)


def _toy() -> pd.DataFrame:
    """120 points of the majority and 40 of the minority, six of which are relabelled."""
    random = np.random.default_rng(4)
    points = []
    for group, half, shift in (("majority", 60, 0.0), ("minority", 20, -0.9)):
        for label, size in ((1, half), (0, half)):
            middle = (1.1 if label else -1.1) + shift
            for x1, x2 in random.normal((middle, 0.6 * middle - shift), 1.0, (size, 2)):
                points.append({"kind": "point", "x1": x1, "x2": x2, "group": group, "label": label})
    flipped = [at for at, point in enumerate(points) if point["group"] == "minority" and point["label"] == 0][:6]
    rows = []
    for moment, eqod, error in (("before", 0.13, 0.15), ("after", 0.03, 0.15)):
        numbers = {"moment": moment, "eqod": eqod, "error": error}
        for at, point in enumerate(points):
            acts = moment == "after" and at in flipped
            rows.append({**point, **numbers, "flipped": acts, "label": 1 if acts else point["label"]})
        offset = 0.1 if moment == "before" else -0.5
        for x1 in (-6.0, 6.0):
            rows.append({**numbers, "kind": "boundary", "x1": x1, "x2": offset - 1.4 * x1})
    return _frame("minority_toy", rows)


def _scoring(k: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(11)
    majority, labels = random.uniform(0, 4, (22, 2)), random.integers(0, 2, 22)
    candidates = random.uniform(0.6, 3.4, (4, 2))
    rows = []
    for method in ("rb_label", "rb_dist"):
        rows += [
            {"method": method, "kind": "majority", "x1": x1, "x2": x2, "label": int(label)}
            for (x1, x2), label in zip(majority, labels, strict=True)
        ]
        seen = majority if method == "rb_label" else majority[labels == 1]
        scores = []
        for x1, x2 in candidates:
            distance = np.hypot(*(seen - (x1, x2)).T)
            near = np.argsort(distance)[:k]
            is_good = labels[near].sum() if method == "rb_label" else -distance[near].mean()
            scores.append(float(is_good))
            rows += [
                {"method": method, "kind": "link", "x1": x1, "x2": x2, "x1_to": seen[at, 0], "x2_to": seen[at, 1]}
                for at in near
            ]
        ranks = np.argsort(np.argsort(-np.array(scores), kind="stable")) + 1
        for (x1, x2), score, rank in zip(candidates, scores, ranks, strict=True):
            rows.append(
                {"method": method, "kind": "candidate", "x1": x1, "x2": x2, "label": 0, "score": score, "rank": rank}
            )
    return _frame("minority_scoring", rows)
