"""What the campaign and the filters cost: is the model still good at what it is for?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from quorum.audit import once
from quorum.models import LocalModel, upper_part
from quorum.uptake.hidden_states import HiddenStates, encode
from quorum.uptake.in_context import with_context

METRICS = ("entropy", "perplexity", "coherence", "accuracy")
LETTERS = "ABCDEFGHIJ"
BATCH = 16


def sample_questions(questions: pd.DataFrame, n: int) -> pd.DataFrame:
    """n questions (all, if there are fewer), alike from every source as far as it has them, in a fixed order."""
    turn = questions.groupby("source").cumcount()
    return questions.iloc[np.argsort(turn, kind="stable")[:n]].reset_index(drop=True)


def encode_passages(model: LocalModel, texts: Sequence[str], tokens: int, layers: int) -> HiddenStates:
    """Hidden states of the first `tokens` tokens of each passage, for `perplexity`."""
    return encode(model, beginnings(model, texts, tokens), [""] * len(texts), layers)


def beginnings(model: LocalModel, texts: Sequence[str], tokens: int) -> list[str]:
    """The first `tokens` tokens of each text."""
    tokenizer = model.tokenizer
    return [tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"][:tokens]) for text in texts]


def encode_questions(model: LocalModel, questions: pd.DataFrame, layers: int) -> HiddenStates:
    """Hidden states of a frame of table `questions`, each written out, for `accuracy`."""
    return encode(model, written_out(questions), [""] * len(questions), layers)


def written_out(questions: pd.DataFrame) -> list[str]:
    """Each question of a frame of table `questions` as it is asked, with lettered options, one a line."""
    prompts = []
    for question, options in zip(questions["question"], questions["options"], strict=True):
        lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, json.loads(options), strict=False)]
        prompts.append("\n".join([f"Question: {question}", *lines, "Answer:"]))
    return prompts


def asked(texts: pd.DataFrame, questions: pd.DataFrame) -> pd.DataFrame:
    """Passages (table `texts`) and questions (table `questions`) as they are asked: columns text_id and text."""
    written = pd.DataFrame({"text_id": questions["question_id"], "text": written_out(questions)})
    return pd.concat([texts[["text_id", "text"]], written], ignore_index=True)


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

    The embedding of a text is that of `LocalModel.embed`, so every model of a study is measured with the same ruler.
    """
    pairs = [(p, c) for p, c in zip(prompts, completions, strict=True) if c.strip()]
    if not pairs:
        return float("nan"), 0
    one, other = (model.embed(texts) for texts in zip(*pairs, strict=True))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = np.divide((one * other).sum(axis=1), lengths, out=np.zeros(len(pairs)), where=lengths > 0)
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
    surprise, tokens = perplexity(model, passages)
    right = accuracy(model, questions, n_options, asked["answer"].tolist())
    return _scores(model, audit, probes, {"perplexity": (surprise, tokens), "accuracy": (right, len(asked))})


def readings(
    model: LocalModel,
    found: Sequence[pd.DataFrame],
    known: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
    texts: pd.DataFrame,
    questions: pd.DataFrame,
    tokens: int,
) -> list[pd.DataFrame]:
    """How the model reads passages and questions after their contexts: for each frame of table `contexts` one of table
    `readings`.

    texts, questions: frames of those tables with all that the contexts name; tokens: what is read of a passage. A text
    that has the same context in several frames is read once, and not at all if it is in `known`: pairs of frames of
    contexts and their readings.
    """
    keys = ["text_id", "context"]

    def answer(rows: pd.DataFrame) -> pd.DataFrame:
        passages = rows.merge(texts[["text_id", "text"]], on="text_id")
        nats, n_items = model.surprise(
            passages["context"].tolist(), beginnings(model, passages["text"].tolist(), tokens)
        )
        others = rows.merge(questions.rename(columns={"question_id": "text_id"}), on="text_id")
        return pd.concat(
            [
                passages[keys].assign(metric="perplexity", value=nats, n_items=n_items),
                others[keys].assign(metric="accuracy", value=_right(model, others), n_items=1),
            ]
        )

    before = [reading.assign(context=frame["context"].to_numpy()) for frame, reading in known]
    return [frame.drop(columns="context") for frame in once([frame[keys] for frame in found], before, keys, answer)]


def scores_in_context(
    model: LocalModel, audit: pd.DataFrame, probes: pd.DataFrame, readings: pd.DataFrame
) -> pd.DataFrame:
    """The metrics of `utility_scores` for a model that meets everything after a context; table `utility_scores`.

    audit: its answers to the probes with their contexts, in the order of probes; readings: a frame of that table.
    Coherence is that of the completion and the probe without its context.
    """
    sums = readings.groupby("metric")[["value", "n_items"]].sum()
    measured = {metric: (row["value"] / row["n_items"], int(row["n_items"])) for metric, row in sums.iterrows()}
    if "perplexity" in measured:
        nats, tokens = measured["perplexity"]
        measured["perplexity"] = (float(np.exp(nats)), tokens)
    return _scores(model, audit, probes, measured)


def _scores(
    model: LocalModel, audit: pd.DataFrame, probes: pd.DataFrame, measured: Mapping[str, tuple[float, int]]
) -> pd.DataFrame:
    """What was measured, metric -> (value, items), with entropy and coherence; unknown values are left out."""
    known = audit["entropy_bits"].dropna()
    similar = coherence(model, probes["prompt"].tolist(), audit["completion"].tolist())
    found = {**measured, "entropy": (float(known.mean()), len(known)), "coherence": similar}
    rows = [(metric, *found[metric]) for metric in METRICS if metric in found]
    return pd.DataFrame(rows, columns=["metric", "value", "n_items"]).dropna(ignore_index=True)


def _right(model: LocalModel, questions: pd.DataFrame) -> list[float]:
    """1 where the right letter is the likeliest of the question's letters, else 0.

    questions: a frame of that table with the further columns text_id and context.
    """
    prompts = with_context(questions["context"], written_out(questions))
    mass = model.ask(prompts, {letter: [letter] for letter in LETTERS}, temperature=0, max_tokens=0, seed=0).mass
    by_letter = np.stack([mass[letter] for letter in LETTERS], axis=1)
    options = [len(json.loads(text)) for text in questions["options"]]
    rows = zip(by_letter, options, questions["answer"], strict=True)
    return [float(row[:n].argmax() == answer) for row, n, answer in rows]


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
