"""What is asked of a server: the body of one request, and the key under which its answer is kept.

A request is a manner (the server, the model, every sampling parameter), a prompt, and the index of the sample. Its
canonical form is two lines of JSON, the manner and [prompt, sample]; its key is the SHA-256 of them. No secret takes
part: the key to the server is no field of it, and an address holds none (`settings` refuses one that does).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

COMPLETIONS = "completions"
CHAT = "chat"
INSTRUCTION = "Continue the following text. Answer with the words that come next, and nothing else.\n\n"

# Bytes of text to a token. English prose has more than four; tables of numbers may have fewer.
_BYTES = 3
# What a chat template puts around a message.
_AROUND = 40

_quoted = json.encoder.encode_basestring_ascii


@dataclass(frozen=True)
class Manner:
    """How a set of prompts is asked. server: what tells servers apart that give the same name to different models."""

    server: str
    model: str
    mode: str
    temperature: float
    max_tokens: int
    seed: int
    logprobs: int

    @cached_property
    def line(self) -> str:
        """The first line of a canonical request: all fields, and the instruction that a chat wraps around a prompt."""
        fields = asdict(self) | {"temperature": float(self.temperature)}
        if self.mode == CHAT:
            fields["instruction"] = INSTRUCTION
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))

    @cached_property
    def _hashed(self) -> Any:
        return hashlib.sha256(f"{self.line}\n".encode())

    def canonical(self, prompt: str, sample: int) -> str:
        """The request as two lines of JSON."""
        return f"{self.line}\n{_asked(prompt, sample)}"

    def key(self, prompt: str, sample: int) -> bytes:
        """SHA-256 of the canonical request, 32 bytes."""
        hashed = self._hashed.copy()
        hashed.update(_asked(prompt, sample).encode())
        return hashed.digest()

    def body(self, prompt: str) -> dict[str, Any]:
        """The arguments of the client's `create`: what the server is sent."""
        body: dict[str, Any] = {
            "model": self.model,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
        }
        if self.mode == CHAT:
            asked = {"logprobs": True, "top_logprobs": self.logprobs} if self.logprobs else {}
            return body | asked | {"messages": messages(prompt)}
        return body | ({"logprobs": self.logprobs} if self.logprobs else {}) | {"prompt": prompt}

    def prompt_tokens_at_most(self, prompt: str) -> int:
        """Tokens of the prompt before any tokenizer has seen it: one for three bytes; English prose has fewer."""
        around = len(INSTRUCTION) // _BYTES + _AROUND if self.mode == CHAT else 1
        return -(-len(prompt.encode(errors="replace")) // _BYTES) + around


def messages(prompt: str) -> list[dict[str, str]]:
    """The one message of a chat that asks for the continuation of the prompt."""
    return [{"role": "user", "content": INSTRUCTION + prompt}]


def numbered(prompts: Sequence[str]) -> list[tuple[str, int]]:
    """Each prompt with its sample index: how often the same prompt stood before it."""
    seen: Counter[str] = Counter()
    asked = []
    for prompt in prompts:
        asked.append((prompt, seen[prompt]))
        seen[prompt] += 1
    return asked


def _asked(prompt: str, sample: int) -> str:
    return f"[{_quoted(prompt)},{sample}]"
