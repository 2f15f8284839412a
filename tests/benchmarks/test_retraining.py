"""One retraining of the study against the Trainer of transformers: same sentences, batches, schedule and threads."""

from __future__ import annotations

import floor
import numpy as np
import ordinary
from conftest import MODEL, SEED, timed

from quorum import pronouns
from quorum.models import LocalModel
from quorum.uptake import fine_tune as uptake
from quorum.uptake import hidden_states

SAME_LAYERS, ALL_LAYERS = 2.5, 6.0
POINTS = 0.02


def shares(model: LocalModel, probes):
    """Mean exact male share of each probe set."""
    model.network.eval()
    mass = model.ask(probes["prompt"].tolist(), pronouns.WORDS, temperature=0, max_tokens=0, seed=SEED).mass
    exact = mass["male"] / (mass["male"] + mass["female"])
    return probes.assign(exact=exact).groupby("probe_set")["exact"].mean()


def test_one_retraining(benchmark, study, record, tmp_path):
    prompts, completions = study.stream["prompt"].tolist(), study.stream["completion"].tolist()
    schedule, model = study.schedule, study.fresh()
    depth = model.n_layers

    # What a first call alone pays (compiled kernels, imports) is paid by neither side.
    warm = hidden_states.encode(model, prompts[:64], completions[:64], schedule.layers)
    uptake.fine_tune(study.fresh(), warm, schedule, SEED)
    few = [np.arange(32), np.arange(32, 64)]
    network, tokenizer = ordinary.load(MODEL, study.dtype)
    ordinary.trainer(
        network, tokenizer, prompts[:64], completions[:64], few, schedule, schedule.layers, SEED, tmp_path
    ).train()

    states, encoding = timed(lambda: hidden_states.encode(model, prompts, completions, schedule.layers))
    benchmark.pedantic(uptake.fine_tune, args=(model, states, schedule, SEED), rounds=1, iterations=1)
    training = benchmark.stats.stats.mean
    here = shares(model, study.probes)

    batches = uptake._batches(states, schedule, SEED)
    seconds, there = {}, {}
    for layers in (schedule.layers, depth):
        network, tokenizer = ordinary.load(MODEL, study.dtype)
        trainer = ordinary.trainer(network, tokenizer, prompts, completions, batches, schedule, layers, SEED, tmp_path)
        _, seconds[layers] = timed(trainer.train)
        there[layers] = shares(LocalModel(network, model.tokenizer), study.probes)

    lengths = np.diff(states.starts)
    trained = np.concatenate(batches)
    tokens = int(lengths[trained].sum())
    predicted = int((lengths - np.maximum(states.prompts, 1))[trained].sum())
    rate = study.rates[study.dtype]
    least = floor.training_flops(model.network, schedule.layers, tokens, predicted) / rate
    least_encoding = floor.encode_flops(model.network, schedule.layers, int(lengths.sum())) / rate
    # In a run, a sentence is encoded once for all the conditions that train on it.
    usual = training + study.encoded_share * encoding
    same, everything = seconds[schedule.layers], seconds[depth]
    what = f"retraining on {len(prompts):,} sentences, {study.dtype}"
    record(f"{what}, last {schedule.layers} layers, with its share of the encoding", usual, same, same / usual, "2.5")
    record("the same, encoded before", training, same, same / training)
    record("the same, with all of the encoding", training + encoding, same, same / (training + encoding))
    record(f"{what}, against all {depth} layers", usual, everything, everything / usual, "6")
    record("the same, encoded before", training, everything, everything / training)
    record("the same, with all of the encoding", training + encoding, everything, everything / (training + encoding))
    for layers, other in there.items():
        for name in here.index:
            wanted = "0.02" if layers == schedule.layers else ""
            record(f"exact male share, {name}, Trainer on {layers} layers", float(here[name]), float(other[name]),
                   f"{other[name] - here[name]:+.3f}", wanted)  # fmt: skip
    record(f"floor of the training at {rate / 1e9:,.0f} GFLOP/s", least, "", f"{least / training:.0%} reached")
    record("floor of the encoding", least_encoding, "", f"{least_encoding / encoding:.0%} reached")

    if not study.quick:
        assert same / usual >= SAME_LAYERS
        assert everything / usual >= ALL_LAYERS
        assert (there[schedule.layers] - here).abs().max() <= POINTS
