"""The sizes and tokens that docs/scaling.md counts with are those of files and texts of the study."""

from __future__ import annotations

import pytest
import scaling
from conftest import MODEL, SEED
from safetensors import safe_open

from quorum.uptake import fine_tune, hidden_states


@pytest.fixture(scope="module")
def network():
    from transformers import AutoConfig

    return scaling.shape(AutoConfig.from_pretrained(MODEL).to_dict())


def test_weights_are_those_of_the_real_model(study, network):
    real = study.fresh("bfloat16").network
    assert scaling.weights(network) == sum(parameter.numel() for parameter in real.parameters())


def test_files_have_the_sizes_that_are_counted_with(study, network, tmp_path):
    model, layers = study.fresh("bfloat16"), study.schedule.layers
    few = study.stream.head(8)
    states = hidden_states.encode(model, few["prompt"].tolist(), few["completion"].tolist(), layers)
    hidden_states.save(states, tmp_path / "states.safetensors")
    trained, _ = fine_tune.fine_tune(model, states, study.schedule, SEED)
    fine_tune.save_adapter(trained, tmp_path, "SmolLM2")
    with safe_open(tmp_path / "adapter_model.safetensors", framework="pt") as file:
        adapter = sum(file.get_tensor(name).nbytes for name in file.keys())  # noqa: SIM118
    assert adapter == scaling.adapter_bytes(network, layers, study.schedule.rank)
    stored = (tmp_path / "states.safetensors").stat().st_size
    assert stored == pytest.approx(scaling.states_bytes(network, len(states.tokens)), rel=0.05)


def test_texts_have_the_tokens_that_are_counted_with(study):
    tokenizer = study.fresh().tokenizer
    pieces = {name: tokenizer(study.stream[name].tolist())["input_ids"] for name in ("prompt", "completion")}
    prompt, completion = (sum(map(len, pieces[name])) / len(study.stream) for name in ("prompt", "completion"))
    # The end of the sequence is predicted, too.
    assert completion + 1 == pytest.approx(scaling.PREDICTED, rel=0.1)
    assert prompt + completion + 1 == pytest.approx(scaling.SENTENCE, rel=0.1)
    probes = tokenizer(study.probes["prompt"].tolist())["input_ids"]
    assert sum(map(len, probes)) / len(probes) == pytest.approx(scaling.PROBE, rel=0.1)
