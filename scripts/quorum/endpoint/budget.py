"""What asking costs: before anything is sent, at most; and afterwards, what was sent, spared and spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from quorum.endpoint.answers import Answer
from quorum.endpoint.limits import MARGIN
from quorum.endpoint.requests import Manner, numbered

SUMMED = ("uptake", "style", "strategy", "defense", "strength", "pool_size")
_MILLION = 1e6


@dataclass(frozen=True)
class Prices:
    """What a million tokens cost, of prompts and of completions, in the provider's currency."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, prompt_tokens: float, completion_tokens: float) -> float:
        """The price of so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _MILLION


@dataclass
class Sent:
    """What one answer took: requests, and the tokens that it was billed for."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


def counted(
    keys: Sequence[Sequence[bytes]], sent: Mapping[bytes, Sent], kept: Mapping[bytes, Answer]
) -> list[dict[str, int]]:
    """Columns of table asked for each condition, given as the keys of its requests.

    sent: what was sent for them; kept: answers that the cache holds. An answer that several conditions share was sent
    for the first of them, and is a cache hit for the others.
    """
    done: set[bytes] = set()
    rows = []
    for of_condition in keys:
        new = [sent[key] for key in of_condition if key in sent and key not in done]
        spared = [kept[key] for key in of_condition if key in kept and (key in done or key not in sent)]
        done |= set(of_condition)
        requests = sum(one.requests for one in new)
        rows.append(
            {
                "prompts": len(of_condition),
                "requests": requests,
                "cache_hits": len(of_condition) - len(new),
                "retries": requests - len(new),
                "prompt_tokens": sum(one.prompt_tokens for one in new),
                "completion_tokens": sum(one.completion_tokens for one in new),
                "saved_prompt_tokens": sum(one.prompt_tokens or 0 for one in spared),
                "saved_completion_tokens": sum(one.completion_tokens or 0 for one in spared),
            }
        )
    return rows


def in_advance(
    asked: Iterable[tuple[Mapping[str, Any], Manner, Sequence[str]]],
    cached: Mapping[bytes, object],
    prices: Prices,
    requests_per_minute: int | None,
) -> pd.DataFrame:
    """Table estimate: what is to be sent for each condition, given as (its columns, manner, prompts).

    cached: the keys of answers that are there. An answer that several conditions share is sent by the first of them.
    Tokens and cost are at most those; minutes at the rate limit alone, whatever the server takes.
    """
    rows, done = [], set()
    for columns, manner, prompts in asked:
        keys = [manner.key(*each) for each in numbered(prompts)]
        there = sum(key in cached for key in keys)
        new = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in cached and key not in done}
        done |= set(keys)
        tokens = sum(map(manner.prompt_tokens_at_most, new.values()))
        written = manner.max_tokens * len(new)
        rows.append(
            dict(columns)
            | {
                "prompts": len(prompts),
                "cached": there,
                "shared": len(prompts) - there - len(new),
                "requests": len(new),
                "prompt_tokens": tokens,
                "completion_tokens": written,
                "cost": prices.cost(tokens, written),
                "minutes": len(new) * MARGIN / requests_per_minute if requests_per_minute else None,
            }
        )
    return pd.DataFrame(rows).astype({"minutes": float})


def in_words(estimate: pd.DataFrame) -> str:
    """The sums of table estimate, for the terminal."""
    total = estimate[["prompts", "cached", "shared", "requests", "prompt_tokens", "completion_tokens", "cost"]].sum()
    minutes = estimate["minutes"].sum(min_count=1)
    lines = [
        f"prompts          {total.prompts:12,.0f}",
        f"in the cache     {total.cached:12,.0f}",
        f"asked twice      {total.shared:12,.0f}  and sent once",
        f"to be requested  {total.requests:12,.0f}",
        f"prompt tokens    {total.prompt_tokens:12,.0f}  at most",
        f"written tokens   {total.completion_tokens:12,.0f}  at most",
        f"cost             {total.cost:12,.4f}  at most, in the currency of the prices of the configuration",
        "time             " + ("   no rate limit is set" if pd.isna(minutes) else f"{minutes:12,.1f}  minutes or more"),
    ]
    return "\n".join(lines)


def table(asked: pd.DataFrame, prices: Prices) -> pd.DataFrame:
    """Table requests out of rows of table asked: sums over seeds, and those of all conditions in a last row, `all`."""
    keys = [column for column in SUMMED if column in asked]
    counts = [column for column in asked if column not in (*keys, "layers", "overlap", "seed")]
    sums = asked.groupby(keys, as_index=False, sort=False)[counts].sum()
    of_all = dict.fromkeys(keys, "all") | {"pool_size": 0} | asked[counts].sum().to_dict()
    sums = pd.concat([sums, pd.DataFrame([of_all])], ignore_index=True)
    return sums.assign(
        cost=prices.cost(sums["prompt_tokens"], sums["completion_tokens"]),
        saved_cost=prices.cost(sums["saved_prompt_tokens"], sums["saved_completion_tokens"]),
    )
