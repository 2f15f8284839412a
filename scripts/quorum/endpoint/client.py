"""One try to get one answer, and what its failure means: try again, or stop with the server's words.

The client's own retries are off. It does obey Retry-After, but only up to two minutes and in its own task, while the
other processes go on; and every try must have its turn in the ledger.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from quorum.endpoint import answers, secret
from quorum.endpoint.answers import Answer
from quorum.endpoint.requests import CHAT, Manner

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOO_LONG = re.compile(r"context|too (long|large|many tokens)|maximum.*token|exceed.*token", re.IGNORECASE)
_TRIED_AGAIN = {408, 409, 425, 429}
_LONG = 400


class EndpointError(RuntimeError):
    """A server that will not answer as it is asked; the message has its words, and says what to change."""


@dataclass
class FaultError(Exception):
    """A try that failed and may succeed later. after: seconds that the server asks to wait, None where it asks for
    none. billed: whether the server may have done the work."""

    why: str
    after: float | None = None
    billed: bool = True

    def __str__(self) -> str:
        return self.why


class Client:
    """Sends requests to the server at `base_url`; `timeout` seconds are for a whole try."""

    def __init__(self, base_url: str, key: str, timeout: float):
        from openai import AsyncOpenAI

        self._base_url, self._key, self._timeout = base_url, key, timeout
        self._client = AsyncOpenAI(api_key=key, base_url=base_url, max_retries=0, timeout=timeout)

    async def close(self) -> None:
        await self._client.close()

    async def ask(self, manner: Manner, prompt: str) -> tuple[Answer, str]:
        """(the answer, the whole body of the response), without the key should the server echo it.

        Raises FaultError for what may pass, EndpointError for what will not.
        """
        import openai

        ask = self._client.chat.completions if manner.mode == CHAT else self._client.completions
        try:
            # The client's timeout is for each piece of a body, and begins anew with every one.
            async with asyncio.timeout(self._timeout):
                response = await ask.with_raw_response.create(**manner.body(prompt))
                kind, body = response.headers.get("content-type", ""), response.text
        except openai.APIStatusError as error:
            raise self._refusal(error.status_code, error.response.headers, error.response.text) from None
        except (openai.APITimeoutError, TimeoutError):
            raise FaultError(f"no whole answer within {self._timeout:g} s (endpoint.timeout)") from None
        except openai.APIConnectionError as error:
            raise self._lost(error) from None
        if "json" not in kind.lower():
            raise FaultError(f"an answer of the type {self._clean(kind) or 'nothing'} in place of JSON")
        body = secret.scrub(body, self._key)
        try:
            return answers.read(body, manner.mode), body
        except answers.MalformedError as error:
            raise FaultError(f"a malformed answer: {self._clean(str(error))}") from None

    def _lost(self, error: Exception) -> FaultError:
        cause = error.__cause__ or error
        return FaultError(
            f"no connection to {self._base_url}, or it was lost ({type(cause).__name__}: {self._clean(str(cause))})",
            billed=type(cause).__name__ != "ConnectError",
        )

    def _refusal(self, status: int, headers: Mapping[str, str], body: str) -> Exception:
        """What a status of 400 or more means."""
        words = self._words(body)
        out_of_credit = status == 429 and "insufficient_quota" in body
        if (status in _TRIED_AGAIN or status >= 500) and not out_of_credit:
            return FaultError(f"status {status}: {words}", retry_after(headers), billed=False)
        return EndpointError(f"{self._base_url} answered {status}: {words}\n{_remedy(status, words)}")

    def _words(self, body: str) -> str:
        try:
            return self._clean(answers.words_of(answers.parsed(body)))
        except answers.MalformedError:
            return self._clean(body) or "(nothing)"

    def _clean(self, text: str) -> str:
        """What a server says, without the key, on one line and not too long."""
        text = " ".join(secret.scrub(text, self._key).split())
        return text if len(text) <= _LONG else f"{text[:_LONG]}..."


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After asks to wait, given in seconds or as a date (RFC 9110, 10.2.3); None without it."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _remedy(status: int, words: str) -> str:
    """What to change in the configuration after a refusal."""
    if status in (401, 403):
        return "Check the key in the variable that endpoint.key_variable names, and that it may use this model."
    if status in (402, 429):
        return "The account at the provider has no credit left. All answers so far are kept; fill it up and run again."
    if status == 404:
        return "Check model.name against the server's list (GET /models), and endpoint.base_url against its manual."
    if status == 413 or _TOO_LONG.search(words):
        return (
            "The prompt with its answer is too long for the model: lower in_context.neighbours or audit.max_tokens, or "
            "serve the model with a larger context."
        )
    return (
        "It will not take the request as it is. What is asked is set by endpoint.mode, endpoint.logprobs, "
        "audit.temperature and audit.max_tokens."
    )
