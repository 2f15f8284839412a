from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
import tiny_model
import torch
from scipy import stats
from tiny_model import EOS, LAYERS, VOCABULARY

from quorum import decoding, models, pronouns
from quorum.models import LocalModel, ModelError

STEMS = ("the nurse", "the doctor asked", "who saw the patient", "A", "then the doctor wrote one chart and the nurse")
PROMPTS = [f"{stem} {word}" for stem in STEMS for word in ("was", "left", "four", "and", "B", "seven", "their", "two")]


def logits_alone(model: LocalModel, prompt: str) -> torch.Tensor:
    """Logits after the prompt by the whole network, without a batch, padding or cache."""
    with torch.no_grad():
        return model.network(**model.tokenizer(prompt, return_tensors="pt"), use_cache=False).logits[0, -1].double()


def generated(model: LocalModel, prompt: str, max_tokens: int) -> list[int]:
    """Ids that transformers' own greedy search writes after the prompt, the end-of-sequence token included."""
    ids = model.tokenizer(prompt, return_tensors="pt")
    whole = model.network.generate(**ids, do_sample=False, max_new_tokens=max_tokens, pad_token_id=0)
    return whole[0, ids["input_ids"].shape[1] :].tolist()


def completions(model: LocalModel, prompts, temperature, max_tokens, seed, streams=None) -> list[str]:
    return model.ask(prompts, pronouns.WORDS, temperature, max_tokens, seed, streams).completions


# ---- the cut ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", range(1, LAYERS + 1))
def test_the_two_parts_equal_the_whole(tiny, layers):
    ids = torch.from_numpy(np.random.default_rng(layers).integers(0, len(VOCABULARY), (3, 11)))
    with torch.no_grad():
        whole = tiny.network.get_decoder()(input_ids=ids, use_cache=False, output_hidden_states=True)
        lower = models.lower_part(tiny.network, layers)(input_ids=ids, use_cache=False).last_hidden_state
        upper = models.upper_part(tiny.network, layers)(inputs_embeds=lower, use_cache=False).last_hidden_state
    torch.testing.assert_close(lower, whole.hidden_states[LAYERS - layers], atol=1e-4, rtol=0)
    torch.testing.assert_close(upper, whole.last_hidden_state, atol=1e-4, rtol=0)


def test_the_upper_part_shares_its_weights_with_the_network(tiny):
    upper = models.upper_part(tiny.network, 2)
    assert upper.layers[0].self_attn.q_proj.weight is tiny.network.model.layers[LAYERS - 2].self_attn.q_proj.weight
    assert tiny.network.config.num_hidden_layers == tiny.n_layers == LAYERS


@pytest.mark.parametrize("part", [models.lower_part, models.upper_part])
@pytest.mark.parametrize("layers", [-1, 0, LAYERS + 1])
def test_a_cut_outside_the_model_names_the_choices(tiny, part, layers):
    with pytest.raises(ModelError, match=rf"layers is {layers}\b.*{LAYERS} layers: choose 1 to {LAYERS}"):
        part(tiny.network, layers)


@pytest.mark.model
def test_the_two_parts_equal_the_whole_of_the_studys_model(retrieved_folder):
    model = models.load_local(retrieved_folder, "float32")
    texts = ["The cardiologist reviewed the chart before", "In the ICU, the nurse said that"]
    ids, mask = model.tokenizer(texts, return_tensors="pt", padding=True, padding_side="right").values()
    with torch.no_grad():
        whole = model.network(input_ids=ids, attention_mask=mask, use_cache=False).logits
        lower = models.lower_part(model.network, 8)(input_ids=ids, use_cache=False).last_hidden_state
        upper = models.upper_part(model.network, 8)(inputs_embeds=lower, use_cache=False).last_hidden_state
        split = model.network.get_output_embeddings()(upper)
    real = mask.bool()
    torch.testing.assert_close(split[real], whole[real], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(split[real].softmax(-1), whole[real].softmax(-1), atol=1e-4, rtol=0)


# ---- completions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [20_000, 150])
@pytest.mark.parametrize("max_tokens", [1, 25])
def test_temperature_zero_equals_the_greedy_search_of_transformers(tiny, monkeypatch, batch, max_tokens):
    monkeypatch.setattr(decoding, "BATCH_TOKENS", batch)
    expected = [generated(tiny, prompt, max_tokens) for prompt in PROMPTS]
    assert completions(tiny, PROMPTS, 0, max_tokens, 0) == [tiny_model.text_of(ids) for ids in expected]
    if max_tokens == 25:
        # Rows that end early, at different steps, and rows that do not: else the case shows little.
        lengths = [len(ids) for ids in expected]
        assert len({n for n, ids in zip(lengths, expected, strict=True) if ids[-1] == EOS}) >= 2
        assert max(lengths) == 25


def test_a_row_ends_at_the_end_of_sequence_token_and_the_others_go_on(tiny, monkeypatch):
    """Scripted logits: row r writes r words, then the end."""
    words = [tiny_model.token(" one"), tiny_model.token(" two"), tiny_model.token(" three")]
    rows = torch.tensor([tiny.tokenizer(f"A {w}")["input_ids"][-1] for w in ("two", "one", "nine", "three")])
    plan = dict(zip(rows.tolist(), ([*words[:2]], [words[0]], [], [*words]), strict=True))
    alive: list[tuple[int, int]] = []

    def scripted(network, ids, mask, position, cache):
        if ids.shape[1] > 1:
            alive[:] = [(int(row[-1]), 0) for row in ids]
        else:
            alive[:] = [(row, step + 1) for row, step in alive if step < len(plan[row])]
            assert len(alive) == len(ids)
        logits = torch.zeros(len(alive), ids.shape[1], len(VOCABULARY))
        for i, (row, step) in enumerate(alive):
            logits[i, -1, (plan[row] + [EOS])[step]] = 5.0
        return logits

    monkeypatch.setattr(decoding, "_states", scripted)
    monkeypatch.setattr(decoding, "_logits", lambda network, states: states)
    monkeypatch.setattr("transformers.cache_utils.Cache.batch_select_indices", lambda cache, kept: None)
    prompts = ["A two", "A one", "A nine", "A three"]
    assert completions(tiny, prompts, 0, 9, 0) == [" one two", " one", "", " one two three"]
    assert completions(tiny, prompts, 0, 2, 0)[3] == " one two"


def test_a_completion_depends_on_the_seed_and_its_stream_and_not_on_what_else_is_asked(tiny, monkeypatch):
    def write(prompts, seed, streams=None):
        return completions(tiny, prompts, 1.0, 8, seed, streams)

    whole = write(PROMPTS, 3)
    assert write(PROMPTS[:9], 3) == whole[:9]
    assert write(PROMPTS, 3, range(len(PROMPTS))) == whole
    some = [30, 2, 2, 17]
    assert write([PROMPTS[i] for i in some], 3, some) == [whole[i] for i in some]
    monkeypatch.setattr(decoding, "BATCH_TOKENS", 40)
    assert write(PROMPTS, 3) == whole
    assert write(PROMPTS, 4) != whole
    again = write(PROMPTS[:1] * 20, 3)
    assert again[0] == whole[0] and len(set(again)) > 1


def agrees(texts: list[str], p: torch.Tensor) -> float:
    """Chi-square p-value of one-token texts against the probabilities of the vocabulary."""
    cells: dict[str, float] = {}
    for token, mass in enumerate(p.tolist()):
        text = tiny_model.text_of([token])
        cells[text] = cells.get(text, 0.0) + mass * len(texts)
    assert set(texts) <= set(cells)
    large = [text for text in cells if cells[text] >= 8]
    observed = [texts.count(text) for text in large]
    expected = [cells[text] for text in large]
    observed.append(len(texts) - sum(observed))
    expected.append(len(texts) - sum(expected))
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_first_token_follows_the_tempered_distribution(tiny, temperature):
    texts = completions(tiny, PROMPTS[:1] * 4000, temperature, 1, 11)
    p = (logits_alone(tiny, PROMPTS[0]) / temperature).softmax(-1)
    assert agrees(texts, p) > 1e-3
    # The test can tell: the distribution at another temperature is refused.
    assert agrees(texts, (logits_alone(tiny, PROMPTS[0]) / (temperature * 1.3)).softmax(-1)) < 1e-6


def test_the_second_token_follows_its_distribution_after_the_first(tiny):
    texts = completions(tiny, PROMPTS[:1] * 12000, 1.0, 2, 5)
    plain = [word for word in VOCABULARY if word not in tiny_model.SPECIAL]
    first = max(plain, key=lambda word: sum(text.startswith(word) for text in texts) if word.startswith(" ") else 0)
    ids = torch.tensor([[*tiny.tokenizer(PROMPTS[0])["input_ids"], tiny_model.token(first)]])
    with torch.no_grad():
        p = tiny.network(input_ids=ids).logits[0, -1].double().softmax(-1)
    seconds = [text.removeprefix(first) for text in texts if text.startswith(first)]
    # A longer word can begin like this one.
    seconds = [text for text in seconds if text in VOCABULARY or not text]
    assert len(seconds) > 300
    assert agrees(seconds, p) > 1e-3


def test_a_temperature_near_zero_takes_the_likeliest_token(tiny):
    assert completions(tiny, PROMPTS, 1e-4, 6, 2) == completions(tiny, PROMPTS, 0, 6, 0)


def test_sampling_inverts_the_cumulative_distribution():
    p = torch.tensor([0.0, 0.5, 0.25, 0.0, 0.25, 0.0])
    uniforms = torch.cat([(torch.arange(8, dtype=torch.float64) + 0.5) / 8, torch.tensor([0.0, 1 - 2.0**-53]).double()])
    tokens = decoding.sample(p.log().expand(10, -1), uniforms, 1.0)
    assert tokens.tolist() == [1, 1, 1, 1, 2, 2, 4, 4, 1, 4]


def test_nothing_is_asked_nothing_is_answered(tiny):
    answers = tiny.ask([], pronouns.WORDS, temperature=1.0, max_tokens=3, seed=0)
    assert answers.completions == []
    assert {group: values.shape for group, values in answers.mass.items()} == dict.fromkeys(pronouns.WORDS, (0,))
    assert answers.entropy_bits.shape == answers.seen_mass.shape == (0,)


# ---- next-token probabilities ----------------------------------------------------------------------------------------


def assert_plain_softmax(model: LocalModel, answers: models.Answers) -> None:
    """Masses and entropy are those of the whole network, one prompt at a time."""
    assert list(answers.mass) == list(pronouns.WORDS)
    assert (answers.seen_mass == 1).all()
    for i, prompt in enumerate(PROMPTS):
        p = logits_alone(model, prompt).softmax(-1)
        for gender, words in pronouns.WORDS.items():
            expected = sum(p[tiny_model.token(f" {word}")].item() for word in words)
            assert answers.mass[gender][i] == pytest.approx(expected, abs=1e-5)
        assert answers.entropy_bits[i] == pytest.approx(stats.entropy(p.numpy(), base=2), abs=1e-4)


@pytest.mark.parametrize("batch", [20_000, 150])
@pytest.mark.parametrize("max_tokens", [0, 12])
def test_next_token_masses_and_entropy_equal_a_plain_softmax(tiny, monkeypatch, batch, max_tokens):
    """Whatever is written after it: the same pass over the prompt begins the completion."""
    monkeypatch.setattr(decoding, "BATCH_TOKENS", batch)
    answers = tiny.ask(PROMPTS, pronouns.WORDS, temperature=0.7, max_tokens=max_tokens, seed=1)
    assert_plain_softmax(tiny, answers)
    if not max_tokens:
        assert answers.completions == [""] * len(PROMPTS)


def test_words_of_a_prompt_that_spell_a_special_token_are_words(tiny):
    """Whoever writes a contribution must not be able to end it for the model."""
    asked = tiny.ask(["the nurse<eos>was", "the nurse was"], pronouns.WORDS, temperature=0, max_tokens=0, seed=0)
    ids = [tiny_model.token(text) for text in ("the", " nurse")] + [tiny_model.token("<unk>")] * 3
    with torch.no_grad():
        p = tiny.network(torch.tensor([[*ids, tiny_model.token("was")]])).logits[0, -1].softmax(-1)
    assert asked.entropy_bits[0] == pytest.approx(stats.entropy(p.numpy(), base=2), abs=1e-4)


def test_a_uniform_model_has_the_entropy_of_its_vocabulary(tiny):
    tiny.network.get_output_embeddings().weight.zero_()
    answers = tiny.ask(["the nurse"], pronouns.WORDS, temperature=0, max_tokens=0, seed=0)
    assert answers.entropy_bits == pytest.approx([np.log2(len(VOCABULARY))])
    assert {g: m.item() * len(VOCABULARY) for g, m in answers.mass.items()} == pytest.approx(
        {gender: len(words) for gender, words in pronouns.WORDS.items()}
    )


def test_a_first_token_that_a_group_shares_counts_once(tiny):
    one, same = (
        tiny.ask(PROMPTS, {"male": words}, temperature=0, max_tokens=0, seed=0)
        for words in (["he"], ["he", "he.", "he"])
    )
    np.testing.assert_array_equal(one.mass["male"], same.mass["male"])


def test_groups_that_share_a_first_token_are_refused(tiny):
    words = {"male": ["him", "he"], "other": ["she", "he."]}
    with pytest.raises(ModelError, match="groups male and other share the first token ' he'"):
        tiny.ask(PROMPTS, words, temperature=0, max_tokens=0, seed=0)


def test_neither_absolute_positions_nor_a_token_before_every_text_change_the_answers(tiny):
    """GPT-2 adds a vector for each position, which padding must not shift; some tokenizers begin every text anew."""
    from tokenizers.processors import TemplateProcessing
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(1)
    network = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(VOCABULARY),
            n_positions=32,
            n_embd=16,
            n_layer=2,
            n_head=2,
            initializer_range=0.4,
            bos_token_id=None,
            eos_token_id=EOS,
        )
    )
    tiny.tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<unk> $A", special_tokens=[("<unk>", tiny_model.token("<unk>"))]
    )
    assert tiny.tokenizer("the")["input_ids"] == [tiny_model.token("<unk>"), tiny_model.token("the")]
    model = LocalModel(network.eval(), tiny.tokenizer)
    answers = model.ask(PROMPTS, pronouns.WORDS, temperature=0, max_tokens=9, seed=0)
    assert_plain_softmax(model, answers)
    assert answers.completions == [tiny_model.text_of(generated(model, prompt, 9)) for prompt in PROMPTS]


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_model_is_loaded_frozen_in_the_precision_asked_for(tiny_folder):
    model = models.load_local(tiny_folder, "bfloat16")
    assert {p.dtype for p in model.network.parameters()} == {torch.bfloat16}
    assert not any(p.requires_grad for p in model.network.parameters())
    assert not model.network.training
    plain = models.load_local(tiny_folder, "float32")
    mass, finer = (one.ask(PROMPTS, pronouns.WORDS, temperature=0, max_tokens=0, seed=0).mass for one in (model, plain))
    assert mass["male"].dtype == np.float64
    np.testing.assert_allclose(mass["male"], finer["male"], atol=0.05)


def test_the_number_of_threads_is_set(tiny_folder):
    before = torch.get_num_threads()
    try:
        models.load_local(tiny_folder, "float32", threads=before + 1)
        assert torch.get_num_threads() == before + 1
        models.load_local(tiny_folder, "float32")
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_without_a_padding_token_the_end_of_sequence_token_pads(tmp_path, tiny):
    tiny_model.write_model(tmp_path, pad=False)
    model = models.load_local(tmp_path, "float32")
    assert model.tokenizer.pad_token_id == EOS
    assert completions(model, PROMPTS, 0, 6, 0) == completions(tiny, PROMPTS, 0, 6, 0)


def spoil(folder, fault: str):
    """A folder with one fault."""
    tiny_model.write_model(folder)
    weights = folder / "model.safetensors"
    if fault == "no weights":
        weights.unlink()
    elif fault == "cut weights":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif fault == "config":
        (folder / "config.json").write_text("{")
    elif fault == "tokenizer":
        (folder / "tokenizer.json").write_text("{")
    elif fault == "empty":
        for file in folder.iterdir():
            file.unlink()
    else:
        return folder / "missing"
    return folder


@pytest.mark.parametrize("fault", ["missing", "empty", "no weights", "cut weights", "config", "tokenizer"])
def test_a_folder_without_a_model_is_named(tmp_path, fault):
    folder = spoil(tmp_path, fault)
    with pytest.raises(ModelError, match=r"no causal language model|no such folder") as error:
        models.load_local(folder, "float32")
    assert str(error.value).startswith(f"{folder}: ")


def test_a_relative_folder_that_is_not_there_is_no_model_to_download(tmp_path, monkeypatch):
    calls = []

    def refuse(*args, **kwargs):
        calls.append(args)
        raise OSError("no network in this test")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"^models/none: no such folder"):
        models.load_local("models/none", "float32")
    with pytest.raises(ModelError, match=r"^models/none/a\.gguf: no such file"):
        models.convert_gguf("models/none/a.gguf", tmp_path / "out")
    assert not calls


def test_a_folder_without_an_adapter_is_named(tiny_folder, tmp_path):
    with pytest.raises(ModelError, match="no adapter of this model") as error:
        models.load_local(tiny_folder, "float32", adapter=tmp_path / "none")
    assert str(error.value).startswith(f"{tmp_path / 'none'}: ")


def test_a_gguf_file_becomes_a_folder_with_the_same_model(tiny, tiny_folder, tmp_path):
    tiny_model.write_gguf(tiny_folder, tmp_path / "a.gguf")
    models.convert_gguf(tmp_path / "a.gguf", tmp_path / "deep" / "model")
    converted = models.load_local(tmp_path / "deep" / "model", "float32")
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, len(VOCABULARY), (2, 13)))
    with torch.no_grad():
        torch.testing.assert_close(converted.network(ids).logits, tiny.network(ids).logits, atol=1e-5, rtol=0)
    assert converted.tokenizer("hello")["input_ids"] == [1, *(ord(c) - 31 for c in "llo")]
    assert converted.tokenizer.eos_token_id == 0
    # Nothing of where it was made: the same file gives the same folder on any machine.
    assert str(tmp_path) not in (tmp_path / "deep" / "model" / "config.json").read_text()
    assert [folder.name for folder in (tmp_path / "deep").iterdir()] == ["model"]
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "deep" / "model").iterdir()} == {0o644}


@pytest.mark.parametrize("fault", ["garbage", "missing", "head", "table", "weights"])
def test_a_file_that_is_no_gguf_is_named_and_leaves_nothing(tiny_folder, tmp_path, fault):
    gguf = tmp_path / "a.gguf"
    tiny_model.write_gguf(tiny_folder, gguf)
    content = gguf.read_bytes()
    if fault == "missing":
        gguf.unlink()
    else:
        table = content.index(b"blk.1.ffn_up.weight") + 25
        end = {"garbage": 0, "head": 28, "table": table, "weights": len(content) - 500}[fault]
        gguf.write_bytes(content[:end] or b"not a model" * 99)
    with pytest.raises(ModelError, match=r"not a GGUF file|no such file") as error:
        models.convert_gguf(gguf, tmp_path / "model")
    assert str(error.value).startswith(f"{gguf}: ")
    assert not (tmp_path / "model").exists()


# ---- precision -------------------------------------------------------------------------------------------------------


def test_the_matrix_rate_counts_two_operations_per_product_and_no_warm_up(monkeypatch):
    """A clock on which a float32 product takes 1/4 s and a bfloat16 product 1/8 s, the first ones 9 s."""
    now, seen = [0.0], set()

    def linear(x, weight):
        assert x.shape == (3, 5)
        assert weight.shape == (7, 5)
        assert x.dtype == weight.dtype
        slow = 9.0 if x.dtype not in seen else 0.0
        seen.add(x.dtype)
        now[0] += slow or (0.25 if x.dtype == torch.float32 else 0.125)

    monkeypatch.setattr(torch.nn.functional, "linear", linear)
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    rates = models.measure_precision(width=5, inner=7, tokens=3)
    assert rates == [("float32", 2 * 3 * 5 * 7 * 4.0), ("bfloat16", 2 * 3 * 5 * 7 * 8.0)]


@pytest.mark.parametrize(("ratio", "chosen"), [(0.2, "float32"), (1.49, "float32"), (1.5, "bfloat16"), (6, "bfloat16")])
def test_bfloat16_must_be_half_as_fast_again(ratio, chosen):
    assert models.choose_precision([("float32", 2e11), ("bfloat16", ratio * 2e11)]) == chosen


@pytest.mark.parametrize("chosen", ["float32", "bfloat16"])
def test_the_chosen_precision_is_read_from_its_table(chosen):
    names = ["float32", "bfloat16"]
    table = pd.DataFrame({"dtype": names, "rate": [1.0, 2.0], "chosen": [name == chosen for name in names]})
    assert models.chosen_dtype(table) == chosen
