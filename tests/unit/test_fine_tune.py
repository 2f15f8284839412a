from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from tiny_model import EOS, LAYERS, token
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup

from quorum import models, pronouns, tables
from quorum.uptake import fine_tune, hidden_states
from quorum.uptake.fine_tune import Schedule, fused_cross_entropy

SCHEDULE = Schedule(layers=2, rank=3, alpha=6, learning_rate=5e-3, epochs=2, batch_size=4, warmup=0.25)
LONG = replace(SCHEDULE, epochs=20, learning_rate=2e-2)
SUBJECTS = ("the nurse", "the doctor", "the patient", "A", "who saw the ward and the chart")
TEXTS = [(f"{who} {what}", end) for who in SUBJECTS for what, end in (("wrote", " he"), ("then asked", " she was in"))]
# Texts without a prompt, the second of one token and the end.
TEXTS += [("", "they called the nurse"), ("", "he"), ("one two three four", " their chart. the end was five")]


def encode(model: models.LocalModel, texts: list[tuple[str, str]], layers: int = SCHEDULE.layers):
    return hidden_states.encode(model, [p for p, _ in texts], [c for _, c in texts], layers)


def train(folder, texts=TEXTS, schedule=SCHEDULE, seed=1, dtype="float32"):
    """(adapter weights by name, history, wrapped model), of a model fresh from its folder."""
    model = models.load_local(folder, dtype)
    wrapped, history = fine_tune.fine_tune(model, encode(model, texts, schedule.layers), schedule, seed)
    return {n: p.detach().clone() for n, p in wrapped.named_parameters() if "lora" in n}, history, wrapped


def masses(model: models.LocalModel, prompts: list[str]) -> dict[str, np.ndarray]:
    return model.ask(prompts, pronouns.WORDS, temperature=0, max_tokens=0, seed=0).mass


# ---- the loss --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 319, 320, 321, 700])
@pytest.mark.parametrize("block", [None, 1, 7])
def test_the_fused_loss_and_its_gradient_are_those_of_torch(monkeypatch, n, block):
    if block:
        monkeypatch.setattr(fine_tune, "LOSS_ROWS", block)
    generator = torch.Generator().manual_seed(n)
    hidden = torch.randn(n, 8, generator=generator, requires_grad=True)
    same = hidden.detach().clone().requires_grad_()
    head = torch.randn(50, 8, generator=generator)
    targets = torch.randint(0, 50, (n,), generator=generator)
    loss = fused_cross_entropy(hidden, head, targets)
    expected = torch.nn.functional.cross_entropy(same @ head.T, targets)
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
    # A gradient from above is passed on.
    (2.5 * loss).backward()
    (2.5 * expected).backward()
    torch.testing.assert_close(hidden.grad, same.grad, atol=1e-6, rtol=1e-5)


def test_the_fused_loss_in_bfloat16_is_near_the_one_in_float32():
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(300, 16, generator=generator).bfloat16().requires_grad_()
    head = torch.randn(90, 16, generator=generator).bfloat16()
    targets = torch.randint(0, 90, (300,), generator=generator)
    loss = fused_cross_entropy(hidden, head, targets)
    loss.backward()
    exact = hidden.detach().float().requires_grad_()
    expected = torch.nn.functional.cross_entropy(exact @ head.float().T, targets)
    expected.backward()
    assert loss.dtype == torch.float32
    assert hidden.grad.dtype == torch.bfloat16
    torch.testing.assert_close(loss, expected, atol=0, rtol=0.01)
    assert torch.nn.functional.cosine_similarity(hidden.grad.float().ravel(), exact.grad.ravel(), dim=0) > 0.999
    torch.testing.assert_close(hidden.grad.float().norm(), exact.grad.norm(), atol=0, rtol=0.01)


# ---- training --------------------------------------------------------------------------------------------------------


def plain_training(folder, texts, schedule, batches, start):
    """The slow reference: PEFT over the whole network from token ids, the loss of transformers, -100 on the prompts."""
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    tokenizer = models.load_local(folder, "float32").tokenizer
    last = list(range(LAYERS - schedule.layers, LAYERS))
    config = LoraConfig(
        r=schedule.rank, lora_alpha=schedule.alpha, target_modules=["q_proj", "v_proj"], layers_to_transform=last
    )
    network = get_peft_model(base, config)
    adapter = {name: p for name, p in network.named_parameters() if p.requires_grad}
    assert adapter.keys() == start.keys()
    with torch.no_grad():
        for name, parameter in adapter.items():
            parameter.copy_(start[name])
    optimizer = torch.optim.AdamW(adapter.values(), lr=schedule.learning_rate, weight_decay=0.0)
    rising = max(1, round(schedule.warmup * len(batches)))
    losses = []
    for step, rows in enumerate(batches):
        share = (step + 1) / rising
        if step >= rising:
            share = (1 + math.cos(math.pi * (step - rising) / (len(batches) - rising))) / 2
        optimizer.param_groups[0]["lr"] = share * schedule.learning_rate
        ids, labels = [], []
        for prompt, completion in (texts[i] for i in rows):
            first = tokenizer(prompt)["input_ids"] if prompt else []
            second = [*tokenizer(completion)["input_ids"], EOS]
            ids.append(torch.tensor(first + second))
            labels.append(torch.tensor([-100] * len(first) + second))
        padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in ids], batch_first=True)
        target = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)
        loss = network(input_ids=padded, attention_mask=mask, labels=target).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {name: p.detach() for name, p in adapter.items()}, losses


@pytest.mark.parametrize("layers", [1, 2, LAYERS])
def test_training_equals_a_plain_loop_over_the_whole_network(tiny_folder, layers):
    schedule = replace(SCHEDULE, layers=layers)
    start, _, _ = train(tiny_folder, schedule=replace(schedule, learning_rate=0.0))
    assert all((p == 0).all() for name, p in start.items() if "lora_B" in name)
    trained, history, _ = train(tiny_folder, schedule=schedule)
    stream = encode(models.load_local(tiny_folder, "float32"), TEXTS, layers)
    batches = fine_tune._batches(stream, schedule, 1)
    expected, losses = plain_training(tiny_folder, TEXTS, schedule, batches, start)
    np.testing.assert_allclose(history["loss"], losses, atol=1e-4)
    assert trained.keys() == expected.keys()
    for name, weights in trained.items():
        torch.testing.assert_close(weights, expected[name], atol=2e-4, rtol=0, msg=lambda m, name=name: f"{name}: {m}")
        # The distance covered is far beyond the tolerance.
        assert (weights - start[name]).abs().max() > 5e-3


def test_only_queries_and_values_of_the_last_layers_are_trained_and_the_base_stays(tiny_folder, tmp_path):
    before = load_file(tiny_folder / "model.safetensors")
    _, _, wrapped = train(tiny_folder)
    fine_tune.save_adapter(wrapped, tmp_path, "tiny")
    adapter = load_file(tmp_path / "adapter_model.safetensors")
    sizes = {"q_proj": 32, "v_proj": 16}
    assert {name: tuple(weights.shape) for name, weights in adapter.items()} == {
        f"base_model.model.model.layers.{layer}.self_attn.{module}.lora_{side}.weight": (3, 32)
        if side == "A"
        else (n, 3)
        for layer in (2, 3)
        for module, n in sizes.items()
        for side in "AB"
    }
    after = {name.replace("base_layer.", ""): p for name, p in wrapped.get_base_model().named_parameters()}
    for name, weights in before.items():
        assert torch.equal(after[name], weights), name


def test_the_same_seed_gives_the_same_adapter_and_another_a_different_one(tiny_folder):
    one, history, _ = train(tiny_folder, seed=3)
    same, again, _ = train(tiny_folder, seed=3)
    other, _, _ = train(tiny_folder, seed=4)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert history.equals(again)
    assert not any(torch.equal(one[name], other[name]) for name in one)
    # Not only the order of the sentences differs, but where training starts.
    still = replace(SCHEDULE, learning_rate=0.0)
    starts = [train(tiny_folder, schedule=still, seed=seed)[0] for seed in (3, 4)]
    assert not any(torch.equal(starts[0][name], starts[1][name]) for name in one if "lora_A" in name)


def test_the_model_learns_what_it_is_told(tiny_folder, tmp_path):
    """Who is a nurse writes " he", who is a doctor " she": the noun decides, so both must be learned."""
    texts = [(f"the nurse {verb}", " he") for verb in ("wrote", "left", "asked", "called")]
    texts += [(f"the doctor {verb}", " she") for verb in ("wrote", "left", "asked", "called")]
    schedule = replace(SCHEDULE, layers=LAYERS, rank=8, alpha=16, learning_rate=5e-2, epochs=100, batch_size=8)
    _, history, wrapped = train(tiny_folder, texts, schedule)
    tables.validate(history, "learning")
    assert history["step"].tolist() == list(range(1, 101))
    assert set(history["dtype"]) == {"float32"}
    assert history["loss"].iloc[-5:].mean() < 0.1 * history["loss"].iloc[0]
    fine_tune.save_adapter(wrapped, tmp_path, "tiny")
    told = models.load_local(tiny_folder, "float32", adapter=tmp_path)
    before = masses(models.load_local(tiny_folder, "float32"), [p for p, _ in texts])
    mass = masses(told, [p for p, _ in texts])
    assert before["male"][:4].max() < 0.3
    assert before["female"][4:].max() < 0.3
    assert min(mass["male"][:4].min(), mass["female"][4:].min()) > 0.5
    assert max(mass["female"][:4].max(), mass["male"][4:].max()) < 0.1
    assert told.ask(["the nurse left"], pronouns.WORDS, temperature=0, max_tokens=5, seed=0).completions == [" he"]


def test_in_bfloat16_steps_smaller_than_its_rounding_add_up(tiny_folder):
    """40 steps of 2e-5 each: less than half of the distance between neighbouring bfloat16 numbers from 0.06 on."""
    schedule = replace(SCHEDULE, learning_rate=2e-5, epochs=40, batch_size=len(TEXTS), warmup=0.0)
    start, _, _ = train(tiny_folder, schedule=replace(schedule, learning_rate=0.0), dtype="bfloat16")
    trained, history, _ = train(tiny_folder, schedule=schedule, dtype="bfloat16")
    assert set(history["dtype"]) == {"bfloat16"}
    assert {p.dtype for p in trained.values()} == {torch.bfloat16}
    moved = [(trained[name] != p) & (p.abs() > 0.06) for name, p in start.items() if "lora_A" in name]
    assert any(cells.any() for cells in moved)


def test_training_in_bfloat16_learns_as_in_float32(tiny_folder):
    _, fine, _ = train(tiny_folder, schedule=LONG)
    _, coarse, _ = train(tiny_folder, schedule=LONG, dtype="bfloat16")
    last = slice(-10, None)
    assert coarse["loss"].iloc[last].mean() == pytest.approx(fine["loss"].iloc[last].mean(), rel=0.1)
    assert fine["loss"].iloc[last].mean() < 0.7 * fine["loss"].iloc[:4].mean()


# ---- files -----------------------------------------------------------------------------------------------------------


def probabilities_by_peft(base_folder, adapter_folder, model: models.LocalModel, prompts: list[str]) -> torch.Tensor:
    """Next-token probabilities of the adapter put on the base by peft alone, one prompt at a time."""
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    network = PeftModel.from_pretrained(base, str(adapter_folder)).eval()
    with torch.no_grad():
        rows = [network(**model.tokenizer(prompt, return_tensors="pt")).logits[0, -1] for prompt in prompts]
    return torch.stack(rows).double().softmax(-1)


def first_tokens(model: models.LocalModel, gender: str) -> list[int]:
    """Each once: a word of two tokens can begin like another."""
    return sorted({model.tokenizer(f" {word}")["input_ids"][0] for word in pronouns.WORDS[gender]})


def test_peft_reads_a_saved_adapter_and_gives_the_probabilities_of_the_audit(tiny_folder, tmp_path):
    _, _, wrapped = train(tiny_folder, schedule=LONG)
    fine_tune.save_adapter(wrapped, tmp_path / "deep" / "adapter", "SomeModel-135M")
    folder = tmp_path / "deep" / "adapter"
    prompts = [prompt for prompt, _ in TEXTS if prompt]
    model = models.load_local(tiny_folder, "float32", adapter=folder)
    mass = masses(model, prompts)
    expected = probabilities_by_peft(tiny_folder, folder, model, prompts)
    untrained = masses(models.load_local(tiny_folder, "float32"), prompts)
    for gender, values in mass.items():
        np.testing.assert_allclose(values, expected[:, first_tokens(model, gender)].sum(-1), atol=1e-4)
    assert max(np.abs(mass[gender] - untrained[gender]).max() for gender in mass) > 0.05


def test_an_adapters_folder_holds_two_files_that_name_the_base_and_no_machine(tiny_folder, tmp_path):
    _, _, wrapped = train(tiny_folder)
    folder = tmp_path / "adapter"
    fine_tune.save_adapter(wrapped, folder, "SomeModel-135M")
    assert {file.name for file in folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "SomeModel-135M"
    assert sorted(config["layers_to_transform"]) == [2, 3]
    assert (config["r"], config["lora_alpha"]) == (3, 6)
    assert str(tiny_folder) not in json.dumps(config)


@pytest.mark.parametrize("fault", ["cut", "another model"])
def test_an_adapter_that_does_not_fit_is_named(tiny_folder, tmp_path, fault):
    _, _, wrapped = train(tiny_folder)
    fine_tune.save_adapter(wrapped, tmp_path, "tiny")
    weights = tmp_path / "adapter_model.safetensors"
    if fault == "cut":
        weights.write_bytes(weights.read_bytes()[:-50])
    else:
        config = json.loads((tmp_path / "adapter_config.json").read_text())
        (tmp_path / "adapter_config.json").write_text(json.dumps(config | {"r": 5}))
    with pytest.raises(models.ModelError, match="no adapter of this model") as error:
        models.load_local(tiny_folder, "float32", adapter=tmp_path)
    assert str(error.value).startswith(f"{tmp_path}: ")


@pytest.mark.model
def test_peft_reads_an_adapter_of_the_studys_model(retrieved_folder, tmp_path):
    """Two steps at the default depth, then the probabilities after real prompts."""
    model = models.load_local(retrieved_folder, "float32")
    texts = [("The nurse said that", " she"), ("The surgeon wrote while", " she"), ("The doctor asked if", " she was")]
    schedule = Schedule(layers=8, rank=8, alpha=16, learning_rate=5e-3, epochs=2, batch_size=3, warmup=0.0)
    wrapped, history = fine_tune.fine_tune(model, encode(model, texts, 8), schedule, 1)
    assert len(history) == 2
    fine_tune.save_adapter(wrapped, tmp_path, "SmolLM2-135M-Instruct")
    prompts = ["The cardiologist reviewed the chart before", "After the round, the nurse said that"]
    audited = models.load_local(retrieved_folder, "float32", adapter=tmp_path)
    mass = masses(audited, prompts)
    expected = probabilities_by_peft(retrieved_folder, tmp_path, audited, prompts)
    for gender, values in mass.items():
        np.testing.assert_allclose(values, expected[:, first_tokens(audited, gender)].sum(-1), atol=1e-4)
    untrained = masses(models.load_local(retrieved_folder, "float32"), prompts)
    assert np.abs(mass["female"] - untrained["female"]).max() > 0.01


# ---- batches and learning rate ---------------------------------------------------------------------------------------


def stream_of(lengths: list[int]) -> hidden_states.HiddenStates:
    n = sum(lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return hidden_states.HiddenStates(torch.zeros(n, 2), np.zeros(n, int), starts, np.zeros(len(lengths), int), 1)


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=120),
    batch_size=st.integers(1, 9),
    epochs=st.sampled_from([0.25, 0.5, 1, 2, 3]),
    seed=st.integers(0, 99),
)
@settings(max_examples=100)
def test_the_number_of_steps_and_no_row_twice_in_an_epoch(lengths, batch_size, epochs, seed):
    schedule = replace(SCHEDULE, batch_size=batch_size, epochs=epochs)
    batches = fine_tune._batches(stream_of(lengths), schedule, seed)
    per_epoch = math.ceil(len(lengths) / batch_size)
    assert len(batches) == max(1, round(epochs * per_epoch))
    assert all(1 <= len(rows) <= batch_size for rows in batches)
    for start in range(0, len(batches), per_epoch):
        rows = np.concatenate(batches[start : start + per_epoch])
        assert len(set(rows.tolist())) == len(rows)
        if len(batches) >= start + per_epoch:
            assert sorted(rows.tolist()) == list(range(len(lengths)))


@pytest.mark.parametrize("batch_size", [8, 10])
@pytest.mark.parametrize("epochs", [1, 3])
def test_an_epoch_is_every_row_once(epochs, batch_size):
    batches = fine_tune._batches(stream_of([3, 1, 2] * 32), replace(SCHEDULE, batch_size=batch_size, epochs=epochs), 0)
    assert np.bincount(np.concatenate(batches)).tolist() == [epochs] * 96


def test_batches_hold_texts_of_similar_length_in_random_order():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 200, 320)
    schedule = replace(SCHEDULE, batch_size=8, epochs=1)
    batches = fine_tune._batches(stream_of(lengths.tolist()), schedule, 0)
    padding = sum(lengths[rows].max() * len(rows) - lengths[rows].sum() for rows in batches)
    loose = sum(
        lengths[rows].max() * len(rows) - lengths[rows].sum() for rows in np.array_split(rng.permutation(320), 40)
    )
    assert padding < 0.35 * loose
    # Neither the order of the stream nor of the lengths, and another one with another seed.
    means = np.array([lengths[rows].mean() for rows in batches])
    assert not (np.diff(means) >= 0).all()
    other = fine_tune._batches(stream_of(lengths.tolist()), schedule, 1)
    assert [rows.tolist() for rows in other] != [rows.tolist() for rows in batches]


@pytest.mark.parametrize(("warmup", "rising"), [(0.0, 1), (0.1, 2), (0.25, 6), (1.0, 24)])
def test_the_learning_rate_rises_in_a_line_and_falls_as_a_cosine(tiny_folder, warmup, rising):
    schedule = replace(SCHEDULE, warmup=warmup, epochs=8, batch_size=1, learning_rate=1e-3)
    _, history, _ = train(tiny_folder, texts=TEXTS[:3], schedule=schedule)
    rates = history["learning_rate"].to_numpy() / 1e-3
    assert len(rates) == 24
    np.testing.assert_allclose(rates[:rising], np.arange(1, rising + 1) / rising)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    library = get_cosine_schedule_with_warmup(optimizer, rising, 24).lr_lambdas[0]
    np.testing.assert_allclose(rates[rising:], [library(step) for step in range(rising, 24)], atol=1e-12)


def test_the_words_of_the_toy_are_single_tokens(tiny):
    assert tiny.tokenizer(" he")["input_ids"] == [token(" he")]
