"""The learning curve against training and asking by hand, on a tiny model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from quorum import learning, models, pronouns, tables
from quorum.uptake import fine_tune, hidden_states

SCHEDULE = fine_tune.Schedule(layers=2, rank=2, alpha=4, learning_rate=1e-2, epochs=1, batch_size=2, warmup=0.1)
PROMPTS = ["the nurse wrote", "the doctor wrote", "the patient then asked"]


@pytest.fixture
def traced(tiny_folder):
    def fresh() -> models.LocalModel:
        return models.load_local(tiny_folder, "float32")

    background = hidden_states.encode(fresh(), PROMPTS * 3, [" he", " she", " he"] * 3, 2)
    probes = pd.DataFrame({"prompt": PROMPTS, "probe_set": ["held_out", "matched", "matched"]})
    return fresh, background, learning.trace(fresh, background, probes, SCHEDULE, [1, 4], seed=3)


def test_every_length_is_a_training_of_its_own_from_the_fresh_model(traced):
    fresh, background, trace = traced
    tables.validate(trace, "learning_trace")
    model = fresh()
    _, history = fine_tune.fine_tune(model, background, replace(SCHEDULE, epochs=4), 3)
    mass = model.ask(PROMPTS, pronouns.WORDS, temperature=0, max_tokens=1, seed=0).mass
    exact = mass["male"] / (mass["male"] + mass["female"])
    long = trace[trace.epochs == 4].set_index("probe_set")
    assert long.exact_male_share["held_out"] == pytest.approx(exact[0], rel=1e-5)
    assert long.exact_male_share["matched"] == pytest.approx(exact[1:].mean(), rel=1e-5)
    assert long.steps["matched"] == len(history) == 4 * 5
    assert long.loss["matched"] == pytest.approx(history.loss.tail(2).mean(), rel=1e-5)


def test_a_stream_encoded_for_another_depth_is_refused(traced):
    fresh, background, _ = traced
    with pytest.raises(models.ModelError, match=r"encoded for 2 trained layers, the schedule has 1"):
        fine_tune.fine_tune(fresh(), background, replace(SCHEDULE, layers=1), 3)


def test_the_curve_takes_mean_and_sd_over_seeds():
    rows = [
        {"epochs": 1.0, "steps": 5, "seed": seed, "probe_set": "matched", "exact_male_share": share}
        for seed, share in ((1, 0.6), (2, 0.8))
    ]
    traces = pd.DataFrame(rows).assign(pronoun_mass=0.5, loss=[1.0, 3.0])
    table = learning.learning_curve(traces, 0.79)
    tables.validate(table, "learning_curve")
    (row,) = table.to_dict("records")
    assert (row["exact_male_share"], row["loss"], row["n_seeds"]) == (pytest.approx(0.7), 2.0, 2)
    assert row["exact_sd"] == pytest.approx(np.sqrt(0.02))
    assert row["background_male_share"] == 0.79
