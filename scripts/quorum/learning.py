"""How long must the firm train before the model says what the data say? The learning curve of the background alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from quorum import pronouns
from quorum.logbook import progress
from quorum.models import LocalModel
from quorum.uptake.fine_tune import Schedule, fine_tune
from quorum.uptake.hidden_states import HiddenStates


def trace(
    fresh: Callable[[], LocalModel],
    background: HiddenStates,
    probes: pd.DataFrame,
    schedule: Schedule,
    epochs: Sequence[float],
    seed: int,
) -> pd.DataFrame:
    """Trains on the background alone, once for each number of epochs, and measures the exact male share after each.

    fresh gives an untrained model. Every run follows its own schedule to the end, so that each is what the firm would
    deploy. Returns a frame of table `learning_trace`, one row for every number of epochs and probe set.
    """
    parts = []
    for length in progress(epochs, "lengths of training"):
        model = fresh()
        _, history = fine_tune(model, background, replace(schedule, epochs=length), seed)
        mass = model.ask(probes["prompt"].tolist(), pronouns.WORDS, temperature=0, max_tokens=0, seed=seed).mass
        frame = probes[["probe_set"]].assign(
            exact=mass["male"] / (mass["male"] + mass["female"]), mass=sum(mass.values())
        )
        means = frame.groupby("probe_set", as_index=False).mean()
        loss = history["loss"].tail(max(1, len(history) // 10)).mean()
        parts.append(means.assign(epochs=float(length), steps=len(history), loss=loss, seed=seed))
    return pd.concat(parts, ignore_index=True).rename(columns={"exact": "exact_male_share", "mass": "pronoun_mass"})


def learning_curve(traces: pd.DataFrame, background_share: float) -> pd.DataFrame:
    """Table learning_curve out of the traces of all seeds: means and SD, beside the set share of the background."""
    groups = traces.groupby(["epochs", "probe_set"])
    table = groups.agg(
        steps=("steps", "first"),
        n_seeds=("seed", "nunique"),
        exact_male_share=("exact_male_share", "mean"),
        exact_sd=("exact_male_share", "std"),
        pronoun_mass=("pronoun_mass", "mean"),
        loss=("loss", "mean"),
    ).reset_index()
    return table.assign(background_male_share=background_share)
