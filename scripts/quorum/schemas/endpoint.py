"""What is asked of a model behind a server, what it answers, and what that costs."""

from __future__ import annotations

from quorum.schemas.columns import CONDITION, FILTER, FULL_CONDITION, columns

_COUNTS = (
    "prompts | int | prompts | prompts that were to be answered",
    "requests | int | requests | requests sent for them, retries included",
    "cache_hits | int | prompts | answers that were there, or came in for another condition",
    "retries | int | requests | requests that repeat one that failed",
    "prompt_tokens | int | tokens | tokens of prompts, as billed for the answered requests",
    "completion_tokens | int | tokens | tokens of completions, as billed for the answered requests",
    "saved_prompt_tokens | int | tokens | tokens of prompts that the cache hits had cost before",
    "saved_completion_tokens | int | tokens | tokens of completions that the cache hits had cost before",
)

TABLES = {
    "asked": columns(
        *FULL_CONDITION,
        *_COUNTS,
    ),
    "requests": columns(
        *CONDITION,
        *FILTER,
        "pool_size | int | sentences | contributions of the collective before the filter",
        *_COUNTS,
        "cost | float | | price of the tokens of the answered requests, in the currency of the configured prices",
        "saved_cost | float | | what the cache hits had cost before, at the same prices",
    ),
    "estimate": columns(
        *FULL_CONDITION,
        "prompts | int | prompts | prompts that are to be answered",
        "cached | int | prompts | answers that are in the cache",
        "shared | int | prompts | answers that a condition above asks for too",
        "requests | int | requests | requests to be sent if none fails",
        "prompt_tokens | int | tokens | tokens of their prompts, at most",
        "completion_tokens | int | tokens | tokens of their completions, at most",
        "cost | float | | price of both, in the currency of the configured prices",
        "minutes | float? | min | time that the rate limit alone asks for; empty without one",
    ),
    "recovered_answers": columns(
        "file | string | | a damaged cache that was set aside",
        "answers | int | answers | whole answers in it that the cache did not have",
    ),
    "answers": columns(
        "key | string | | SHA-256 of the request, in hexadecimal digits",
        "server | string | | provider, or address of the server",
        "model | string | | the model's name there",
        "answered_at | string | | time of the answer, ISO 8601, UTC",
        "request | string | | the canonical request: two lines of JSON, the manner and [prompt, sample]",
        "response | string | | the whole body of the response, with usage and server fingerprint",
    ),
}
