"""The rate limit and the budget, against a clock that only these tests move."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum.endpoint.ledger import Budget, BudgetSpentError, Ledger
from quorum.endpoint.limits import Limits, next_slot

NO_BUDGET = Budget()


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = 1_000_000.0):
        self.now = now

    def __call__(self) -> float:
        return self.now


def busiest(times: list[float], period: float, weights: list[float] | None = None) -> float:
    """The largest sum of weights within any half-open window of that many seconds: by brute force over its starts."""
    t, w = np.array(times), np.ones(len(times)) if weights is None else np.array(weights, dtype=float)
    return max((w[(t >= start) & (t < start + period)].sum() for start in t), default=0.0)


def simulated(limits: Limits, arrivals: list[float], tokens: list[int]) -> list[float]:
    """When each of the requests would be sent, given the pauses between them."""
    sent: list[tuple[float, int]] = []
    now = 0.0
    for pause, each in zip(arrivals, tokens, strict=True):
        now += pause
        recent = [one for one in sent if one[0] > now - limits.window]
        sent.append((next_slot(now, 0.0, recent, each, limits), each))
    return [slot for slot, _ in sent]


pauses = st.lists(st.one_of(st.just(0.0), st.floats(0, 200)), min_size=1, max_size=120)


@given(pauses, st.integers(1, 30))
def test_no_window_holds_more_requests_than_the_limit_whatever_the_arrivals(arrivals, limit):
    times = simulated(Limits(requests=limit), arrivals, [1] * len(arrivals))
    assert busiest(times, 60) <= limit
    assert times == sorted(times)


@given(pauses, st.integers(1, 30), st.data())
def test_delays_on_the_way_within_the_margin_keep_the_limit(arrivals, limit, data):
    """At the server a request comes later than it was sent, each by another delay."""
    limits = Limits(requests=limit)
    delays = data.draw(
        st.lists(st.floats(0, 0.99 * (limits.window - 60)), min_size=len(arrivals), max_size=len(arrivals))
    )
    times = simulated(limits, arrivals, [1] * len(arrivals))
    assert busiest([time + delay for time, delay in zip(times, delays, strict=True)], 60) <= limit


@given(pauses, st.data())
def test_no_window_holds_more_tokens_than_the_limit(arrivals, data):
    tokens = data.draw(st.lists(st.integers(1, 100), min_size=len(arrivals), max_size=len(arrivals)))
    limit = data.draw(st.integers(100, 400))
    times = simulated(Limits(tokens=limit), arrivals, tokens)
    assert busiest(times, 60, tokens) <= limit


@pytest.mark.parametrize("limit", [1, 3, 100, 600])
def test_under_load_the_mean_is_above_nine_tenths_of_the_limit(limit):
    times = simulated(Limits(requests=limit), [0.0] * (10 * min(limit, 100)), [1] * (10 * min(limit, 100)))
    assert 0.9 * limit < (len(times) - 1) / (times[-1] - times[0]) * 60 <= limit


def test_a_request_larger_than_the_limit_goes_alone():
    limits = Limits(tokens=100)
    assert simulated(limits, [0, 0, 0], [50, 500, 50]) == [0, limits.window, 2 * limits.window]


def test_without_limits_nothing_waits_but_for_the_servers_word():
    assert next_slot(5.0, 0.0, [(5.0, 1)] * 9, 1, Limits()) == 5.0
    assert next_slot(5.0, 8.0, [], 1, Limits()) == 8.0


# ---- the ledger ------------------------------------------------------------------------------------------------------


def ledger(tmp_path, clock, limits=Limits(requests=60), budget=NO_BUDGET, server="here") -> Ledger:  # noqa: B008
    return Ledger(tmp_path / "ledger.sqlite", server, limits, budget, clock)


def test_turns_of_several_processes_are_one_line(tmp_path):
    clock = Clock()
    several = [ledger(tmp_path, clock) for _ in range(3)]
    slots = [several[i % 3].reserve(10, 0.0).slot - clock.now for i in range(6)]
    assert slots == pytest.approx([0, 1.04, 2.08, 3.12, 4.16, 5.2])


def test_two_servers_have_a_line_each(tmp_path):
    clock = Clock()
    here, there = (ledger(tmp_path, clock, server=name) for name in ("here", "there"))
    assert here.reserve(1, 0.0).slot == there.reserve(1, 0.0).slot == clock.now


def test_the_line_outlives_its_processes(tmp_path):
    clock = Clock()
    first = ledger(tmp_path, clock)
    first.reserve(10, 0.0)
    first.close()
    clock.now += 0.5
    assert ledger(tmp_path, clock).reserve(10, 0.0).slot == pytest.approx(clock.now + 0.54)


def test_a_turn_that_has_come_is_taken(tmp_path):
    clock = Clock()
    line = ledger(tmp_path, clock)
    turn = line.reserve(10, 0.0)
    assert line.until(turn) == 0
    clock.now += 1.0
    assert line.confirm(turn) == turn


def test_who_comes_too_late_stands_in_line_again(tmp_path):
    """Else a process that was stopped for a while would send all that it had missed at once."""
    clock = Clock()
    line = ledger(tmp_path, clock)
    first, second = line.reserve(10, 0.0), line.reserve(10, 0.0)
    clock.now += 5.0
    again = line.confirm(first)
    assert again.id == first.id and again.slot == clock.now
    assert line.confirm(again) == again
    assert line.confirm(second).slot == pytest.approx(clock.now + 1.04)
    assert line.reserve(10, 0.0).slot == pytest.approx(clock.now + 2.08)


def test_without_a_limit_nobody_is_late(tmp_path):
    clock = Clock()
    line = ledger(tmp_path, clock, Limits())
    turn = line.reserve(10, 0.0)
    clock.now += 500
    assert line.confirm(turn) == turn


def test_everybody_waits_when_the_server_asks_for_it(tmp_path):
    clock = Clock()
    one, other = ledger(tmp_path, clock), ledger(tmp_path, clock)
    before = other.reserve(10, 0.0)
    one.hold(30.0)
    one.hold(10.0)  # a shorter wish takes nothing away from a longer one
    after = other.confirm(before)
    assert after.slot == clock.now + 30
    assert other.reserve(10, 0.0).slot == pytest.approx(clock.now + 31.04)
    clock.now += 30
    assert other.confirm(after) == after


def test_without_a_limit_the_servers_wish_holds_too(tmp_path):
    clock = Clock()
    line = ledger(tmp_path, clock, Limits())
    line.hold(30.0)
    assert line.reserve(10, 0.0).slot == clock.now + 30


def test_what_was_really_used_makes_room(tmp_path):
    clock = Clock()
    line = ledger(tmp_path, clock, Limits(tokens=100))
    turn = line.reserve(90, 0.0)
    line.settle(turn, 20, 0.0)
    assert line.reserve(80, 0.0).slot == clock.now
    assert line.reserve(80, 0.0).slot == pytest.approx(clock.now + 62.4)


def test_the_budget_of_requests_ends_at_the_number(tmp_path):
    line = ledger(tmp_path, Clock(), Limits(), Budget(requests=2))
    line.reserve(1, 0.0)
    kept = line.reserve(1, 0.0)
    with pytest.raises(BudgetSpentError, match=r"endpoint\.max_requests is 2, and 2 requests .* raise it"):
        line.reserve(1, 0.0)
    line.give_back(kept)
    line.reserve(1, 0.0)


def test_the_budget_of_money_counts_what_is_under_way_at_its_ceiling(tmp_path):
    clock = Clock()
    one, other = (ledger(tmp_path, clock, Limits(), Budget(cost=1.0)) for _ in range(2))
    first = one.reserve(1, 0.6)
    with pytest.raises(BudgetSpentError, match=r"max_cost is 1, 0\.6000 have been spent"):
        other.reserve(1, 0.6)
    one.settle(first, 1, 0.3)
    other.reserve(1, 0.6)
    assert one.spent() == (2, pytest.approx(0.9))


def test_a_budget_is_over_all_servers_and_runs(tmp_path):
    ledger(tmp_path, Clock(), Limits(), server="there").reserve(1, 5.0)
    with pytest.raises(BudgetSpentError):
        ledger(tmp_path, Clock(), Limits(), Budget(cost=5.5)).reserve(1, 1.0)


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2), st.sampled_from(["settle", "give back", "die"]))))
@settings(max_examples=30)
def test_the_account_is_never_above_the_budget_and_adds_up(tmp_path_factory, requests):
    line = Ledger(tmp_path_factory.mktemp("l") / "l.sqlite", "s", Limits(), Budget(cost=3.0), Clock())
    expected, sent = 0.0, 0
    for ceiling, share, end in requests:
        try:
            turn = line.reserve(1, ceiling)
        except BudgetSpentError:
            assert expected + ceiling > 3.0 - 1e-9
            continue
        if end == "settle":
            line.settle(turn, 1, ceiling * min(share, 1))
        elif end == "give back":
            line.give_back(turn)
        expected += {"settle": ceiling * min(share, 1), "give back": 0.0, "die": ceiling}[end]
        sent += end != "give back"
        assert line.spent() == (sent, pytest.approx(expected, abs=1e-9))
        assert expected <= 3.0 + 1e-9


def test_an_error_in_between_leaves_the_account_as_it_was(tmp_path, monkeypatch):
    line = ledger(tmp_path, Clock())

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(line, "_next_slot", fail)
    with pytest.raises(RuntimeError):
        line.reserve(1, 1.0)
    monkeypatch.undo()
    assert line.spent() == (0, 0.0)


def test_a_locked_ledger_is_told(tmp_path):
    from quorum.endpoint.storage import StorageError

    line = ledger(tmp_path, Clock())
    line._connection.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        line.spent()
