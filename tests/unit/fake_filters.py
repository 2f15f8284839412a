"""Made-up tables about the filters, of the shape that their figures read."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

FILTERS = ("keyword", "repetition", "tfidf", "minhash", "composite")
STYLES = ("template", "varied", "mimic")
STRENGTHS = {"weak": 0.01, "moderate": 0.05, "strong": 0.2}
SIZES = (10, 100, 1000)
CALIBRATED = (("pubmedqa", "template"), ("pubmedqa", "real"), ("medqa", "template"), ("medqa", "real"))


def passed(style: str, defense: str, rate: float) -> float:
    """Better writing and a weaker filter let more through; the composite is the strictest."""
    skill = {"template": 0.05, "varied": 0.6, "mimic": 0.98}[style]
    return max(0.0, min(1.0, skill + 0.1 * (FILTERS.index(defense) < 4) - rate))


def filter_tables() -> dict[str, pd.DataFrame]:
    """defense_grid, filter_curves, filter_scores, honest_costs and arms_race."""
    return {
        "defense_grid": _grid(),
        "filter_curves": _curves(),
        "filter_scores": _scores(),
        "honest_costs": _honest(),
        "arms_race": _race(),
    }


def _grid() -> pd.DataFrame:
    rows = []
    for style, defense, (strength, rate), size in itertools.product(STYLES, FILTERS, STRENGTHS.items(), SIZES):
        share = passed(style, defense, rate)
        rows.append(
            {
                "style": style,
                "strategy": "parity",
                "defense": defense,
                "strength": strength,
                "false_positive_rate": rate,
                "pool_size": size,
                "n_seeds": 3,
                "passed": share,
                "passed_sd": 0.01,
                "delivered": share * size,
                "background_rejected": rate,
                "data_male_share": 0.6,
                "undoing_size": 1.5 * size if size < max(SIZES) else np.nan,
                "exact_matched": np.nan,
                "exact_held_out": np.nan,
            }
        )
    return pd.DataFrame(rows)


def _curves() -> pd.DataFrame:
    rows = []
    for style, defense, curve in itertools.product(STYLES, FILTERS, ("roc", "pr")):
        bend = passed(style, defense, 0.0) + 0.1
        for x in np.linspace(0, 1, 11):
            y = x**bend if curve == "roc" else max(0.37, 1 - bend * x / 2)
            rows.append(
                {
                    "style": style,
                    "strategy": "parity",
                    "defense": defense,
                    "curve": curve,
                    "x": x,
                    "y": y,
                    "y_low": max(0.0, y - 0.02),
                    "y_high": min(1.0, y + 0.02),
                    "area": 1 / (1 + bend),
                    "pool_share": 0.37,
                    "n_seeds": 3,
                }
            )
    return pd.DataFrame(rows)


def _scores() -> pd.DataFrame:
    rows = []
    edges = np.linspace(0, 2, 11)
    for style, defense, source in itertools.product(STYLES, FILTERS, ("background", "pool", "reference")):
        middle = 0.4 if source != "pool" else 1.6 - passed(style, defense, 0.0)
        weights = np.exp(-((edges[:-1] - middle) ** 2) / 0.1)
        for low, high, weight in zip(edges[:-1], edges[1:], weights / weights.sum(), strict=True):
            rows.append(
                {
                    "style": style,
                    "strategy": "parity",
                    "defense": defense,
                    "source": source,
                    "score_low": low,
                    "score_high": high,
                    "n": round(1000 * weight),
                    "share": weight,
                    "weak": 1.4,
                    "moderate": 1.1,
                    "strong": 0.8,
                }
            )
    return pd.DataFrame(rows)


def _honest() -> pd.DataFrame:
    rows = []
    for (source, calibration), defense, (strength, rate) in itertools.product(
        [*CALIBRATED, ("background", "template")], FILTERS, STRENGTHS.items()
    ):
        rejected = 0.98 if (calibration, defense) == ("template", "tfidf") and source != "background" else rate
        told = source != "pubmedqa"
        rows.append(
            {
                "source": source,
                "calibration": calibration,
                "defense": defense,
                "strength": strength,
                "false_positive_rate": rate,
                "n_people": 500,
                "n_sentences": 4000,
                "rejected": rejected,
                "rejected_low": 0.98 * rejected,
                "rejected_high": min(1.0, 1.02 * rejected),
                "clustered_low": 0.9 * rejected,
                "clustered_high": min(1.0, 1.1 * rejected),
                "people_hit": min(1.0, 3 * rejected),
                "people_silenced": rejected / 2,
                "n_female": 400 if told else 0,
                "n_male": 500 if told else 0,
                "rejected_female": rejected + 0.01 if told else np.nan,
                "rejected_male": rejected if told else np.nan,
                "gap": 0.01 if told else np.nan,
                "gap_low": -0.02 if told else np.nan,
                "gap_high": 0.04 if told else np.nan,
                "gap_clustered_low": -0.03 if told else np.nan,
                "gap_clustered_high": 0.05 if told else np.nan,
                "male_share_before": 0.55 if told else np.nan,
                "male_share_after": 0.56 if told else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _race() -> pd.DataFrame:
    rows = []
    for style, defense, probe_set in itertools.product(STYLES, ("none", *FILTERS), ("matched", "held_out")):
        share = 1.0 if defense == "none" else passed(style, defense, STRENGTHS["moderate"])
        exact = 0.8 - 0.2 * share - 0.1 * (probe_set == "matched")
        rows.append(
            {
                "style": style,
                "strategy": "parity",
                "defense": defense,
                "strength": "none" if defense == "none" else "moderate",
                "pool_size": 1000,
                "probe_set": probe_set,
                "n_seeds": 3,
                "skeletons": {"template": 1.0, "varied": 900.0, "mimic": 10.0}[style],
                "skeletons_per_agent": {"template": 1.0, "varied": 10.0, "mimic": 6.5}[style],
                "words_mean": 20.0,
                "words_sd": 5.0,
                "passed": share,
                "passed_sd": np.nan if defense == "none" else 0.01,
                "recall": 1 - share,
                "false_positive_rate": 0.0 if defense == "none" else 0.05,
                "roc_auc": 0.8,
                "data_male_share": 0.6,
                "male_share": exact,
                "reduction_pp": 100 * (0.8 - exact),
                "reduction_low": 100 * (0.75 - exact),
                "reduction_high": 100 * (0.85 - exact),
                "exact_male_share": exact,
                "exact_low": exact - 0.04,
                "exact_high": exact + 0.04,
                "exact_deployed": 0.8,
                "utility_retention": 0.98,
            }
        )
    return pd.DataFrame(rows)
