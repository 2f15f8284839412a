"""What a server answered: the text, the likeliest first tokens and the tokens billed; and the exact measure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quorum.endpoint.requests import CHAT

# How a word begins in a vocabulary: with a space, or with SentencePiece's sign for one.
_SPACES = (" ", "\u2581")


class MalformedError(ValueError):
    """A body that is no answer; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. first: the likeliest first tokens and their log-probabilities (natural), as a JSON object; empty
    where the server gave none. Tokens are those that the server billed, None where it did not say."""

    text: str
    first: str
    prompt_tokens: int | None
    completion_tokens: int | None
    fingerprint: str


def read(body: str, mode: str) -> Answer:
    """The answer in the body of a response. Raises MalformedError: not JSON, an error in place of an answer, no choice,
    or a choice without text."""
    content = parsed(body)
    if not isinstance(content, dict):
        raise MalformedError("the body is not a JSON object")
    if content.get("error"):
        raise MalformedError(f"an error came in place of an answer: {words_of(content)}")
    choices = content.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise MalformedError("there is no choice in it")
    usage = content.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Answer(
        text=_text(choices[0], mode),
        first=_first(choices[0].get("logprobs")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        fingerprint=str(content.get("system_fingerprint") or ""),
    )


def parsed(body: str) -> Any:
    """The JSON value in a body. Raises MalformedError if it is none."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise MalformedError(f"the body is not JSON ({error})") from None


def words_of(content: Any) -> str:
    """What a server says in an error body, in whichever of the usual shapes."""
    if isinstance(content, dict):
        for name in ("error", "message", "detail", "msg"):
            if content.get(name):
                return words_of(content[name])
    return content if isinstance(content, str) else json.dumps(content)


def mass(first: str, words: Mapping[str, Sequence[str]], mode: str) -> tuple[dict[str, float], float]:
    """(probability of each group of words as the first token, probability of all tokens shown); NaN where none are.

    A token counts for a word if it spells the whole word. In completions mode the word follows a space, as in
    `models` (there a word counts by its first token after a space; the two agree where that token is a whole word of
    its group, as in the vocabulary of SmolLM2). A server that strips the space is known by the fact that no token it
    shows has one. In chat mode an answer begins a message: the space may be missing, and the word may begin with a
    capital. A token that is only the beginning of a word counts for none, since any word may follow it.
    """
    if not first:
        return dict.fromkeys(words, math.nan), math.nan
    shown: dict[str, float] = json.loads(first)
    spaced = mode != CHAT and any(token.startswith(_SPACES) for token in shown)
    p = dict.fromkeys(words, 0.0)
    group_of = {word: group for group, ws in words.items() for word in ws}
    for token, logprob in shown.items():
        if spaced and not token.startswith(_SPACES):
            continue
        word = token[1:] if token.startswith(_SPACES) else token
        group = group_of.get(word[:1].lower() + word[1:] if mode == CHAT else word)
        if group:
            p[group] += math.exp(logprob)
    return p, sum(map(math.exp, shown.values()))


def _text(choice: Mapping[str, Any], mode: str) -> str:
    if mode == CHAT:
        message = choice.get("message")
        if not isinstance(message, dict) or "content" not in message:
            raise MalformedError("its choice holds no message")
        # Null where the model refused, or spent all tokens on thinking: it wrote nothing.
        text = message["content"] if message["content"] is not None else ""
    else:
        text = choice.get("text")
    if not isinstance(text, str):
        raise MalformedError("its choice holds no text")
    return text


def _first(logprobs: Any) -> str:
    """The tokens of the first position, in the form of chat (llama.cpp's in both modes) or of legacy completions."""
    if not isinstance(logprobs, dict):
        return ""
    try:
        if logprobs.get("content"):
            position = logprobs["content"][0]
            pairs = [(top["token"], top["logprob"]) for top in position.get("top_logprobs") or [position]]
        elif logprobs.get("top_logprobs"):
            pairs = list((logprobs["top_logprobs"][0] or {}).items())
        else:
            return ""
        shown: dict[str, float] = {}
        for token, logprob in pairs:
            # Several tokens can be spelt alike, such as parts of a letter; a server may write minus infinity as null.
            probability = 0.0 if logprob is None else math.exp(logprob)
            shown[str(token)] = shown.get(str(token), 0.0) + probability
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise MalformedError(f"its log-probabilities are of no known form ({type(error).__name__})") from None
    return json.dumps({token: math.log(p) for token, p in shown.items() if p > 0})


def _count(tokens: Any) -> int | None:
    return int(tokens) if isinstance(tokens, int | float) else None
