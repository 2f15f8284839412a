"""A model behind a server, with the one question that every model answers: `ask`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quorum.endpoint import answers, budget, exchange, secret
from quorum.endpoint.answers import Answer
from quorum.endpoint.budget import Prices, Sent
from quorum.endpoint.cache import Cache
from quorum.endpoint.claims import Claims
from quorum.endpoint.client import Client, EndpointError
from quorum.endpoint.ledger import Budget, Ledger
from quorum.endpoint.limits import Limits
from quorum.endpoint.requests import Manner, numbered
from quorum.endpoint.sending import Asked, Sender
from quorum.models import Answers

LIVE, REPLAY, OFF = "live", "replay", "off"
_SHOWN = 200


class CacheMissError(RuntimeError):
    """An answer that a replay lacks; the message says for which prompt."""


@dataclass
class EndpointModel:
    """The model `name` behind the server of `settings`, the section `endpoint` of the configuration.

    sent: what every answer took that was not in the cache, by its key.
    """

    name: str
    settings: Mapping[str, Any]
    sent: dict[bytes, Sent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.settings["base_url"]:
            raise EndpointError("endpoint.base_url is empty: no server is asked; model.backend is perhaps local")

    def ask(
        self,
        prompts: Sequence[str],
        words: Mapping[str, Sequence[str]],
        temperature: float,
        max_tokens: int,
        seed: int,
        streams: Sequence[int] | None = None,
    ) -> Answers:
        """One completion of at most `max_tokens` tokens for each prompt, and what was likely to come first.

        Both come from one request; what the cache holds is not sent. The measure is NaN where the server gives no
        log-probabilities; the entropy always, since only the likeliest tokens are seen. How a word is found among them:
        `answers.mass`. A prompt that stands twice is asked twice. streams: of no meaning here, where the server draws.

        Raises EndpointError, BudgetSpentError, SecretError, StorageError, or in a replay CacheMissError.
        """
        manner = manner_of(self.name, self.settings, temperature, max_tokens, seed)
        asked = numbered(prompts)
        keys = keys_of(manner, prompts)
        by_key = dict(zip(keys, asked, strict=True))
        cache = self._cache()
        try:
            if cache and self.settings["answers_file"]:
                exchange.import_once(cache, self.settings["answers_file"])
            found = cache.look_up(keys) if cache else {}
            missing = [each for key, each in by_key.items() if key not in found]
            if missing and self.settings["cache"] == REPLAY:
                raise _miss(missing, len(asked), manner, self.settings["cache_file"])
            if missing:
                found |= asyncio.run(self._sent(manner, missing, cache))
        finally:
            if cache:
                cache.close()
        logging.info("%d prompts, %d of them sent", len(asked), len(missing))
        return _measured([found[key] for key in keys], words, manner.mode)

    def counts(
        self, asked: Sequence[Sequence[str]], temperature: float, max_tokens: int, seed: int
    ) -> list[dict[str, int]]:
        """What the answers to the prompts of each condition took: columns of table asked (see `budget.counted`)."""
        manner = manner_of(self.name, self.settings, temperature, max_tokens, seed)
        keys = [keys_of(manner, prompts) for prompts in asked]
        cache = self._cache()
        kept = cache.look_up(key for of_condition in keys for key in of_condition) if cache else {}
        return budget.counted(keys, self.sent, kept)

    def estimate(
        self, asked: Sequence[tuple[Mapping[str, Any], Sequence[str]]], temperature: float, max_tokens: int
    ) -> pd.DataFrame:
        """Table estimate of conditions, given as (its columns, prompts): what is to be sent for each, and its cost."""
        manners = [
            manner_of(self.name, self.settings, temperature, max_tokens, condition["seed"]) for condition, _ in asked
        ]
        cache = self._cache()
        cached = cache.look_up(self.keys(asked, temperature, max_tokens)) if cache else {}
        rows = [(condition, manner, prompts) for manner, (condition, prompts) in zip(manners, asked, strict=True)]
        return budget.in_advance(rows, cached, prices_of(self.settings), self.settings["requests_per_minute"])

    def keys(
        self, asked: Sequence[tuple[Mapping[str, Any], Sequence[str]]], temperature: float, max_tokens: int
    ) -> list[bytes]:
        """The keys of all answers to the prompts of conditions, given as (its columns, prompts)."""
        return [
            key
            for condition, prompts in asked
            for key in keys_of(manner_of(self.name, self.settings, temperature, max_tokens, condition["seed"]), prompts)
        ]

    def _cache(self) -> Cache | None:
        return None if self.settings["cache"] == OFF else Cache(self.settings["cache_file"])

    async def _sent(self, manner: Manner, missing: Sequence[Asked], cache: Cache | None) -> dict[bytes, Answer]:
        settings = self.settings
        file = Path(settings["cache_file"])
        limits = Limits(settings["requests_per_minute"], settings["tokens_per_minute"])
        ledger = Ledger(
            ledger_file(file), manner.server, limits, Budget(settings["max_requests"], settings["max_cost"])
        )
        claims = Claims(file.with_suffix(".claims")) if cache else None
        client = Client(settings["base_url"], secret.read(settings["key_variable"]), settings["timeout"])
        try:
            sender = Sender(
                client, ledger, cache, claims, prices_of(settings), settings["concurrency"], settings["retries"],
                self.sent,
            )  # fmt: skip
            return await sender.send(manner, missing)
        finally:
            await client.close()
            ledger.close()
            if claims:
                claims.close()


def manner_of(name: str, settings: Mapping[str, Any], temperature: float, max_tokens: int, seed: int) -> Manner:
    """How the model of the section `endpoint` is asked."""
    server = settings["provider"] or settings["base_url"].rstrip("/")
    return Manner(server, name, settings["mode"], temperature, max_tokens, seed, settings["logprobs"])


def keys_of(manner: Manner, prompts: Sequence[str]) -> list[bytes]:
    """The keys of the requests for the prompts."""
    return [manner.key(*each) for each in numbered(prompts)]


def prices_of(settings: Mapping[str, Any]) -> Prices:
    """The prices of the section `endpoint`."""
    return Prices(settings["prompt_price"], settings["completion_price"])


def ledger_file(cache_file: Path) -> Path:
    """Where the account beside a cache lies."""
    return cache_file.with_suffix(".ledger.sqlite")


def _measured(found: Sequence[Answer], words: Mapping[str, Sequence[str]], mode: str) -> Answers:
    measured = [answers.mass(answer.first, words, mode) for answer in found]
    return Answers(
        completions=[answer.text for answer in found],
        mass={group: np.array([p[group] for p, _ in measured], dtype=float) for group in words},
        entropy_bits=np.full(len(found), np.nan),
        seen_mass=np.array([seen for _, seen in measured], dtype=float),
    )


def _miss(missing: Sequence[Asked], total: int, manner: Manner, file: str) -> CacheMissError:
    prompt, sample = missing[0]
    text = prompt if len(prompt) <= _SHOWN else f"...{prompt[-_SHOWN:]}"
    return CacheMissError(
        f"endpoint.cache is replay, and {len(missing)} of {total} answers are not in {file}. The first that lacks is "
        f"to {text!r} (sample {sample}), asked as {manner.line}. With cache: live it would be asked for"
    )
