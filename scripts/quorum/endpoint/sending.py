"""Asking for what the cache lacks: several requests at once, each in its turn, tried again where that can help."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from quorum import logbook
from quorum.endpoint.answers import Answer
from quorum.endpoint.budget import Prices, Sent
from quorum.endpoint.cache import Cache, Kept
from quorum.endpoint.claims import Claims
from quorum.endpoint.client import Client, EndpointError, FaultError
from quorum.endpoint.ledger import Ledger, Turn
from quorum.endpoint.requests import Manner

Asked = tuple[str, int]
"""A prompt and its sample index."""

# Seconds: before the second try, and at most before any; a server's own wish is obeyed up to an hour.
_FIRST, _LONGEST, _PATIENCE = 0.5, 60.0, 3600.0
# Seconds between two looks whether another process has the answer that it was asking for.
_LOOK = 0.25
_REPORT = 5.0


@dataclass
class Sender:
    """Sends what is asked, at most `concurrency` requests at once; `sent` notes what each answer takes, by its key.

    cache and claims are None where no answer is kept.
    """

    client: Client
    ledger: Ledger
    cache: Cache | None
    claims: Claims | None
    prices: Prices
    concurrency: int
    retries: int
    sent: dict[bytes, Sent]
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _answers: dict[bytes, Answer] = field(default_factory=dict)

    async def send(self, manner: Manner, asked: Sequence[Asked]) -> dict[bytes, Answer]:
        """The answers by key; each is in the cache before the next request of its worker goes out.

        After the first error nothing new is sent, what is under way is waited for and kept, and the error is raised. So
        it is after a signal to end; a second signal ends the process at once.
        """
        waiting = deque(asked)
        with _told_to_end(self._stop):
            workers = [
                asyncio.create_task(self._work(manner, waiting)) for _ in range(min(self.concurrency, len(asked)))
            ]
            report = asyncio.create_task(self._report(len(asked)))
            outcomes = await asyncio.gather(*workers, return_exceptions=True)
            report.cancel()
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        if len(self._answers) < len(asked):
            raise InterruptedError(f"told to end; the {len(self._answers)} answers of {len(asked)} so far are kept")
        return self._answers

    async def _work(self, manner: Manner, waiting: deque[Asked]) -> None:
        try:
            while waiting and not self._stop.is_set():
                each = waiting.popleft()
                key = manner.key(*each)
                if self.claims and not self.claims.take(key):
                    # Another process is asking for it: look again after the others.
                    waiting.append(each)
                    await self._pause(_LOOK)
                    continue
                try:
                    await self._answer(manner, each, key)
                finally:
                    if self.claims:
                        self.claims.release(key)
        except BaseException:
            self._stop.set()
            raise

    async def _answer(self, manner: Manner, each: Asked, key: bytes) -> None:
        # It may have come from another process since the cache was asked.
        found = self.cache.look_up([key]) if self.cache else {}
        if found:
            self._answers |= found
            return
        taken = Sent()
        got = await self._tried(manner, each[0], taken)
        if got is None:
            return
        answer, body, turn = got
        if self.cache:
            self.cache.store([Kept(key, manner.canonical(*each), body, answer, time.time())])
        ceiling = manner.prompt_tokens_at_most(each[0]), manner.max_tokens
        taken.prompt_tokens, taken.completion_tokens = (
            most if said is None else said
            for said, most in zip((answer.prompt_tokens, answer.completion_tokens), ceiling, strict=True)
        )
        cost = self.prices.cost(taken.prompt_tokens, taken.completion_tokens)
        self.ledger.settle(turn, taken.prompt_tokens + taken.completion_tokens, cost)
        self._answers[key], self.sent[key] = answer, taken

    async def _tried(self, manner: Manner, prompt: str, taken: Sent) -> tuple[Answer, str, Turn] | None:
        """An answer, its body and its turn, after as many tries as it takes; None if told to end before.

        Counts the tries in `taken`.
        """
        why = ""
        for attempt in range(self.retries + 1):
            turn = await self._turn(manner, prompt)
            if turn is None:
                return None
            taken.requests += 1
            try:
                return *(await self.client.ask(manner, prompt)), turn
            except FaultError as fault:
                why = fault.why
                if not fault.billed:
                    self.ledger.settle(turn, 0, 0.0)
                logging.warning("try %d of %d failed: %s", attempt + 1, self.retries + 1, fault)
                if attempt < self.retries:
                    await self._back_off(attempt, fault)
            except EndpointError:
                self.ledger.settle(turn, 0, 0.0)
                raise
        raise EndpointError(
            f"no answer after {self.retries + 1} tries (endpoint.retries), the last one: {why}\n"
            "All answers so far are kept; when the server is well again, run again."
        )

    async def _back_off(self, attempt: int, fault: FaultError) -> None:
        if fault.after is None:
            await self._pause(min(_LONGEST, _FIRST * 2**attempt) * random.uniform(0.5, 1.5))
        elif fault.after > _PATIENCE:
            raise EndpointError(
                f"{fault.why}\nThe server asks to wait {fault.after:.0f} s. All answers are kept; run again then."
            )
        else:
            # Everybody waits: the next turn comes after it.
            self.ledger.hold(fault.after)

    async def _turn(self, manner: Manner, prompt: str) -> Turn | None:
        """A turn that may be taken now; None if told to end before it came."""
        tokens = manner.prompt_tokens_at_most(prompt)
        turn = self.ledger.reserve(tokens + manner.max_tokens, self.prices.cost(tokens, manner.max_tokens))
        while True:
            await self._pause(self.ledger.until(turn))
            if self._stop.is_set():
                self.ledger.give_back(turn)
                return None
            later = self.ledger.confirm(turn)
            if later == turn:
                return turn
            turn = later

    async def _pause(self, seconds: float) -> None:
        """Sleeps, but not past the moment when all is to end."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self._stop.wait(), seconds)
            except TimeoutError:
                return

    async def _report(self, total: int) -> None:
        tell = logbook.teller(total, "answers")
        while True:
            await asyncio.sleep(_REPORT)
            tell(len(self._answers))


@contextmanager
def _told_to_end(stop: asyncio.Event) -> Iterator[None]:
    """Within it the first signal to end only sets `stop`."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def end() -> None:
        logging.warning("told to end: waiting for the answers under way")
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
