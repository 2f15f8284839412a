"""What the campaign and the filters cost: is the model still good at what it is for?"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from quorum.models import LocalModel, upper_part
from quorum.uptake.hidden_states import HiddenStates, encode

LETTERS = "ABCDEFGHIJ"
BATCH = 16


def sample_questions(questions: pd.DataFrame, n: int) -> pd.DataFrame:
    """n questions (all, if there are fewer), alike from every source as far as it has them, in a fixed order."""
    turn = questions.groupby("source").cumcount()
    return questions.iloc[np.argsort(turn, kind="stable")[:n]].reset_index(drop=True)


def encode_passages(model: LocalModel, texts: Sequence[str], tokens: int, layers: int) -> HiddenStates:
    """Hidden states of the first `tokens` tokens of each passage, for `perplexity`."""
    tokenizer = model.tokenizer
    cut = [tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"][:tokens]) for text in texts]
    return encode(model, cut, [""] * len(cut), layers)


def encode_questions(model: LocalModel, questions: pd.DataFrame, layers: int) -> HiddenStates:
    """Hidden states of a frame of table `questions`, each written out with lettered options, for `accuracy`."""
    prompts = []
    for question, options in zip(questions["question"], questions["options"], strict=True):
        lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, json.loads(options), strict=False)]
        prompts.append("\n".join([f"Question: {question}", *lines, "Answer:"]))
    return encode(model, prompts, [""] * len(prompts), layers)


def perplexity(model: LocalModel, passages: HiddenStates) -> tuple[float, int]:
    """(exp of the mean negative log-likelihood per token, number of tokens predicted) over all passages."""
    import torch

    total, count = 0.0, 0
    for rows, hidden in _upper_states(model, passages):
        for row, i in enumerate(rows):
            targets = torch.from_numpy(passages.tokens[passages.starts[i] + 1 : passages.starts[i + 1]])
            logits = model.network.get_output_embeddings()(hidden[row, : len(targets)]).float()
            total += float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
            count += len(targets)
    return float(np.exp(total / count)), count


def accuracy(model: LocalModel, questions: HiddenStates, options: Sequence[int], answers: Sequence[int]) -> float:
    """Share of questions whose right letter is the likeliest among the letters of its options.

    options and answers: number of options and index of the right one, per question.
    """
    import torch

    letters = [model.tokenizer(f" {letter}", add_special_tokens=False)["input_ids"][-1] for letter in LETTERS]
    right = 0
    for rows, hidden in _upper_states(model, questions):
        lengths = torch.from_numpy(np.diff(questions.starts)[rows])
        logits = model.network.get_output_embeddings()(hidden[torch.arange(len(rows)), lengths - 1]).float()
        for row, i in enumerate(rows):
            right += int(logits[row, letters[: options[i]]].argmax()) == answers[i]
    return right / len(questions)


def coherence(model: LocalModel, prompts: Sequence[str], completions: Sequence[str]) -> tuple[float, int]:
    """(mean cosine similarity of prompt and completion embeddings, pairs compared); empty completions are left out.

    The embedding of a text is the mean of its input-token vectors, centred on the mean vector of the vocabulary.
    Training leaves these vectors as they are, so every model of a study is measured with the same ruler.
    """
    import torch

    vectors = model.network.get_input_embeddings().weight.float()
    centre = vectors.mean(0)

    def embed(text: str) -> torch.Tensor:
        ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        return (vectors[ids] - centre).mean(0)

    pairs = [(p, c) for p, c in zip(prompts, completions, strict=True) if c.strip()]
    if not pairs:
        return float("nan"), 0
    cosines = [float(torch.nn.functional.cosine_similarity(embed(p), embed(c), dim=0)) for p, c in pairs]
    return float(np.mean(cosines)), len(cosines)


def utility_scores(
    model: LocalModel,
    audit: pd.DataFrame,
    probes: pd.DataFrame,
    passages: HiddenStates,
    questions: HiddenStates,
    asked: pd.DataFrame,
) -> pd.DataFrame:
    """Entropy (bits), perplexity, coherence and accuracy of a model; a frame of table `utility_scores`.

    audit: the model's own, in the order of probes; passages and questions: encoded at the depth that was trained;
    asked: the questions' frame.
    """
    n_options = [len(json.loads(options)) for options in asked["options"]]
    similar, pairs = coherence(model, probes["prompt"].tolist(), audit["completion"].tolist())
    surprise, tokens = perplexity(model, passages)
    rows = [
        ("entropy", float(audit["entropy_bits"].mean()), len(audit)),
        ("perplexity", surprise, tokens),
        ("coherence", similar, pairs),
        ("accuracy", accuracy(model, questions, n_options, asked["answer"].tolist()), len(asked)),
    ]
    return pd.DataFrame(rows, columns=["metric", "value", "n_items"])


def _upper_states(model: LocalModel, hidden: HiddenStates):
    """(rows, states after the last layer of shape (rows, tokens, width)) in batches of texts of similar length."""
    import torch

    upper = upper_part(model.network, hidden.layers)
    order = np.argsort(np.diff(hidden.starts), kind="stable")
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        padded = torch.nn.utils.rnn.pad_sequence(
            [hidden.states[hidden.starts[i] : hidden.starts[i + 1]] for i in rows], batch_first=True
        )
        with torch.inference_mode():
            yield rows, upper(inputs_embeds=padded, use_cache=False).last_hidden_state
