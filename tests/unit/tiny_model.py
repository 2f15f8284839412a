"""A random Llama of a few thousand weights with a tokenizer of words: a model's code is tested in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quorum import pronouns

SPECIAL = ("<pad>", "<eos>", "<unk>")
MARKS = (".", ",", ":", "?", "\n")
WORDS = (
    *(word for words in pronouns.WORDS.values() for word in words),
    *"ABCDEFGHIJ",
    *("the", "nurse", "doctor", "patient", "saw", "asked", "wrote", "left", "called", "chart", "ward", "then", "was"),
    *("and", "who", "Question", "Answer", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
)
# As in a byte-level vocabulary, a word and the word after a space are two tokens.
VOCABULARY = (*SPECIAL, *MARKS, *WORDS, *(f" {word}" for word in WORDS))
EOS = VOCABULARY.index("<eos>")
LAYERS = 4


def token(text: str) -> int:
    """Id of the token that spells exactly this text."""
    return VOCABULARY.index(text)


def text_of(ids: Sequence[int]) -> str:
    """The text of some ids, special tokens left out: what the tokenizer should decode them to."""
    return "".join(VOCABULARY[i] for i in ids if VOCABULARY[i] not in SPECIAL)


def write_tokenizer(folder: Path, *, pad: bool = True) -> None:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\w+|\n|[^\w\s]"), behavior="isolated")
    words.decoder = decoders.Fuse()
    special = {"eos_token": "<eos>", "unk_token": "<unk>"} | ({"pad_token": "<pad>"} if pad else {})
    PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(folder)


def write_model(folder: Path, *, seed: int = 0, pad: bool = True) -> None:
    """Random weights, large enough that position matters; heads are grouped and embeddings tied as in SmolLM2."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            initializer_range=0.25,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=EOS,
            pad_token_id=VOCABULARY.index("<pad>"),
        )
    )
    with torch.no_grad():
        for name, weights in network.named_parameters():
            if "norm" in name:
                weights.uniform_(0.5, 1.5)
    network.save_pretrained(folder)
    write_tokenizer(folder, pad=pad)


def write_gguf(folder: Path, path: Path) -> None:
    """The tiny model in `folder` as llama.cpp's converter would write it: float32, rotary halves interleaved.

    The tokenizer is one of bytes, as GGUF has no tokenizer of words.
    """
    import gguf
    import numpy as np
    from safetensors.numpy import load_file
    from transformers import AutoConfig

    config, weights = AutoConfig.from_pretrained(folder), load_file(folder / "model.safetensors")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    tokens = ["<eos>", "he", *(chr(33 + i) for i in range(config.vocab_size - 2))]
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL, *[gguf.TokenType.NORMAL] * (len(tokens) - 1)])
    writer.add_token_merges(["h e"])
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(0)

    def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
        return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)

    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"])
    names = {
        "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for layer in range(config.num_hidden_layers):
        for theirs, name in names.items():
            weight = weights[f"model.layers.{layer}.{theirs}.weight"]
            writer.add_tensor(
                f"blk.{layer}.{name}.weight", interleaved(weight, heads[name]) if name in heads else weight
            )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
