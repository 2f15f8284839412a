"""The account that all processes of all runs share: whose turn it is to send, and what has been spent.

It lies in an SQLite file beside the cache. A turn is reserved, with a ceiling for its tokens and cost, before a request
is sent; what was really used takes the place of the ceiling afterwards. A process that dies in between leaves the
ceiling standing: the server may have billed the request.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quorum.endpoint import storage
from quorum.endpoint.limits import Limits, next_slot

_VERSION = 1
_SCHEMA = """
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    slot REAL NOT NULL,
    tokens INTEGER NOT NULL,
    cost REAL NOT NULL
);
CREATE INDEX by_slot ON turns (server, slot);
CREATE TABLE servers (
    server TEXT PRIMARY KEY,
    held_until REAL NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0,
    cost REAL NOT NULL DEFAULT 0
)
"""


class BudgetSpentError(RuntimeError):
    """The budget allows no further request; the message says which key of the configuration, and what was spent."""


@dataclass(frozen=True)
class Budget:
    """The most that may be sent and spent over the life of the account; None where there is no bound."""

    requests: int | None = None
    cost: float | None = None


@dataclass(frozen=True)
class Turn:
    """A request's place in the account, and the time at which it may be sent (seconds since 1970)."""

    id: int
    slot: float


class Ledger:
    """The account of one server in the file at `path`. Methods raise storage.StorageError where it cannot be used."""

    def __init__(
        self, path: str | Path, server: str, limits: Limits, budget: Budget, clock: Callable[[], float] = time.time
    ):
        self.path, self.limits = Path(path), limits
        self._server, self._budget, self._clock = server, budget, clock
        self._connection = storage.open_database(self.path, _SCHEMA, _VERSION, durable=False)
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO servers (server) VALUES (?)", [server])

    def close(self) -> None:
        self._connection.close()

    def reserve(self, tokens: int, cost: float) -> Turn:
        """The next turn for a request of at most so many tokens and such a cost.

        Raises BudgetSpentError if it could go beyond the budget; then nothing is reserved.
        """
        with self._transaction() as connection:
            self._check_budget(cost)
            slot = self._next_slot(tokens)
            made = connection.execute(
                "INSERT INTO turns (server, slot, tokens, cost) VALUES (?, ?, ?, ?)", [self._server, slot, tokens, cost]
            )
            connection.execute(
                "UPDATE servers SET requests = requests + 1, cost = cost + ? WHERE server = ?", [cost, self._server]
            )
            return Turn(made.lastrowid, slot)

    def confirm(self, turn: Turn) -> Turn:
        """The turn, if it may be taken now; else a later one: the server asked to wait, or this process is late."""
        with self._transaction() as connection:
            now = self._clock()
            late = now - turn.slot > self.limits.patience and self._is_limited
            if not late and self._held_until() <= now:
                return turn
            tokens = connection.execute("SELECT tokens FROM turns WHERE id = ?", [turn.id]).fetchone()
            connection.execute("UPDATE turns SET slot = 0 WHERE id = ?", [turn.id])
            slot = self._next_slot(tokens[0] if tokens else 0)
            connection.execute("UPDATE turns SET slot = ? WHERE id = ?", [slot, turn.id])
            return Turn(turn.id, slot)

    def until(self, turn: Turn) -> float:
        """Seconds until the turn comes; negative if it has."""
        return turn.slot - self._clock()

    def give_back(self, turn: Turn) -> None:
        """Undoes a reservation whose request was not sent."""
        self.settle(turn, 0, 0.0)
        with self._transaction() as connection:
            connection.execute("UPDATE servers SET requests = requests - 1 WHERE server = ?", [self._server])

    def settle(self, turn: Turn, tokens: int, cost: float) -> None:
        """Puts what a request really used in place of its ceiling."""
        with self._transaction() as connection:
            ceiling = connection.execute("SELECT cost FROM turns WHERE id = ?", [turn.id]).fetchone()
            connection.execute("UPDATE turns SET tokens = ?, cost = ? WHERE id = ?", [tokens, cost, turn.id])
            connection.execute("UPDATE servers SET cost = cost + ? WHERE server = ?", [cost - ceiling[0], self._server])

    def hold(self, seconds: float) -> None:
        """Nobody sends to the server for so many seconds."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE servers SET held_until = max(held_until, ?) WHERE server = ?",
                [self._clock() + seconds, self._server],
            )

    def spent(self) -> tuple[int, float]:
        """(requests, cost) of the server over the life of the account, those under way with their ceilings."""
        with self._transaction() as connection:
            return connection.execute("SELECT requests, cost FROM servers WHERE server = ?", [self._server]).fetchone()

    @property
    def _is_limited(self) -> bool:
        return self.limits.requests is not None or self.limits.tokens is not None

    def _check_budget(self, cost: float) -> None:
        requests, spent = self._connection.execute("SELECT sum(requests), sum(cost) FROM servers").fetchone()
        if self._budget.requests is not None and requests + 1 > self._budget.requests:
            raise BudgetSpentError(
                f"endpoint.max_requests is {self._budget.requests}, and {requests} requests have been sent, those of "
                f"earlier runs included. All answers so far are kept; to go on, raise it and run again"
            )
        if self._budget.cost is not None and spent + cost > self._budget.cost:
            raise BudgetSpentError(
                f"endpoint.max_cost is {self._budget.cost:g}, {spent:.4f} have been spent, those of earlier runs and "
                f"requests under way included, and the next request can cost {cost:.4f}. All answers so far are kept; "
                f"to go on, raise it and run again"
            )

    def _next_slot(self, tokens: int) -> float:
        now = self._clock()
        if not self._is_limited:
            return max(now, self._held_until())
        since = now - self.limits.window
        sent = self._connection.execute(
            "SELECT slot, tokens FROM turns WHERE server = ? AND slot > ? ORDER BY slot", [self._server, since]
        ).fetchall()
        return next_slot(now, self._held_until(), sent, tokens, self.limits)

    def _held_until(self) -> float:
        return self._connection.execute("SELECT held_until FROM servers WHERE server = ?", [self._server]).fetchone()[0]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which no other process can come between."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise storage.failure(self.path, error) from error
