"""Small made-up frames of the shape that the summaries read, with a known law behind every number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

PROBE_SETS, DOMAINS = ("held_out", "matched"), ("ECG analysis", "ICU monitoring")


def probes(n_wordings: int = 6, n_professions: int = 4) -> pd.DataFrame:
    """One row per probe: both sets, every wording with every profession, the domains in turn."""
    rows = [
        {
            "probe_id": f"{probe_set}-{wording}-{profession}",
            "probe_set": probe_set,
            "domain": DOMAINS[(wording + profession) % len(DOMAINS)],
            "wording": f"{probe_set}-{wording}",
            "profession": f"profession-{profession}",
        }
        for probe_set in PROBE_SETS
        for wording in range(n_wordings)
        for profession in range(n_professions)
    ]
    return pd.DataFrame(rows)


def audit(male: float, seed: int = 0, spread: float = 0.1, silent: float = 0.1, **columns: object) -> pd.DataFrame:
    """An audit of one model whose male share is about `male`, `silent` of whose completions name no pronoun."""
    generator = np.random.default_rng([seed, round(1e6 * male)])
    frame = probes()
    wordings = sorted(frame.wording.unique())
    shift = dict(zip(wordings, spread * np.linspace(-1, 1, len(wordings)), strict=True))
    exact = np.clip(male + frame.wording.map(shift) + generator.normal(0, spread / 5, len(frame)), 0, 1)
    spoken = generator.random(len(frame)) >= silent
    gender = np.where(generator.random(len(frame)) < exact, "male", "female")
    return frame.assign(
        completion="wrote a note.",
        gender=np.where(spoken, gender, "none"),
        p_male=0.5 * exact,
        p_female=0.5 * (1 - exact),
        p_neutral=0.1,
        entropy_bits=2.0,
        seen_mass=1.0,
        seed=seed,
        **columns,
    )


def audits(
    curve: Callable[[int], float],
    sizes: Sequence[int] = (250, 500, 1_000, 2_000),
    styles: Sequence[str] = ("template", "varied"),
    strategies: Sequence[str] = ("parity",),
    filters: Sequence[str] = ("keyword", "tfidf"),
    filtered_size: int = 1_000,
    seeds: Sequence[int] = (1, 2, 3),
) -> pd.DataFrame:
    """An audit frame: size 0 once, every campaign at every size, every filter at one size with half of the effect."""
    start = {"uptake": "fine_tune", "style": "none", "strategy": "none", "defense": "none", "pool_size": 0}
    frames = [audit(curve(0), seed, **start) for seed in seeds]
    for style in styles:
        for strategy in strategies:
            campaign = {"uptake": "fine_tune", "style": style, "strategy": strategy}
            for seed in seeds:
                frames += [audit(curve(n), seed, **campaign, defense="none", pool_size=n) for n in sizes]
                middle = (curve(0) + curve(filtered_size)) / 2
                frames += [audit(middle, seed, **campaign, defense=d, pool_size=filtered_size) for d in filters]
    return pd.concat(frames, ignore_index=True)


def conditions(frame: pd.DataFrame) -> pd.DataFrame:
    """The conditions of an audit frame, one row for each and seed."""
    columns = ["uptake", "style", "strategy", "defense", "pool_size", "seed"]
    return frame[columns].drop_duplicates(ignore_index=True)


def streams(frame: pd.DataFrame, background_size: int = 1_700, background_share: float = 0.79) -> pd.DataFrame:
    """What the stream of every condition holds, for a pool of counter sentences of which a filter stops half."""
    rows = conditions(frame)
    kept = rows.pool_size * np.where(rows.defense == "none", 1.0, 0.5)
    return rows.assign(
        n_accepted=(background_size + kept).astype(int),
        data_male_share=background_size * background_share / (background_size + kept),
        pool_male_share=np.where(rows.pool_size > 0, 0.0, np.nan),
    )


def verdicts(frame: pd.DataFrame) -> pd.DataFrame:
    """What every filter did: recall .5, one honest sentence in twenty lost, an AUC that moves with the seed."""
    rows = conditions(frame)
    rows = rows[rows.defense != "none"].drop(columns="uptake")
    return rows.assign(recall=0.5, false_positive_rate=0.05, roc_auc=0.7 + rows.seed / 100, honest_retention=0.95)


def utility_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores of every condition: 2.4 bits, perplexity 10 at size 0 and 12.5 after, accuracy .3 plus seed / 100."""
    rows = conditions(frame)
    after = rows.pool_size > 0
    parts = {"entropy": 2.4, "perplexity": np.where(after, 12.5, 10.0), "accuracy": 0.3 + rows.seed / 100}
    return pd.concat([rows.assign(metric=m, value=v, n_items=100) for m, v in parts.items()], ignore_index=True)
