"""The whole of `ask` against a server on loopback, whose every request is seen."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faulty_server import FAULTS, WORDS, FaultyServer, made_up

from quorum import pronouns, tables
from quorum.endpoint import budget, exchange
from quorum.endpoint.budget import Prices
from quorum.endpoint.cache import Cache
from quorum.endpoint.client import EndpointError
from quorum.endpoint.ledger import Budget, BudgetSpentError, Ledger
from quorum.endpoint.limits import Limits
from quorum.endpoint.model import CacheMissError, EndpointModel, ledger_file, manner_of, prices_of
from quorum.endpoint.secret import SecretError
from quorum.endpoint.storage import StorageError

PROMPTS = [f"The nurse told patient {i} that" for i in range(40)]
ASKED = {"words": pronouns.WORDS, "temperature": 0.1, "max_tokens": 5, "seed": 3}
KEY = "CANARY-0123456789"


@pytest.fixture
def settings(tmp_path, monkeypatch) -> dict:
    monkeypatch.setenv("TEST_KEY", KEY)
    return {
        "base_url": "",
        "provider": "",
        "mode": "completions",
        "key_variable": "TEST_KEY",
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "concurrency": 4,
        "timeout": 20.0,
        "retries": 3,
        "logprobs": 5,
        "prompt_price": 2.0,
        "completion_price": 10.0,
        "max_requests": None,
        "max_cost": None,
        "cache": "live",
        "cache_file": str(tmp_path / "answers.sqlite"),
        "answers_file": "",
    }


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch):
    monkeypatch.setattr("quorum.endpoint.sending._FIRST", 0.01)


def by_hand(prompt: str, seed: int = 3) -> tuple[str, dict[str, float]]:
    """What the made-up server says, and its probabilities, computed without the code under test."""
    digest = hashlib.sha256(f"{prompt}{seed}".encode()).digest()
    p = np.array([1 + value for value in digest[: len(WORDS)]], dtype=float)
    word = WORDS[int(p.argmax())]
    return f"{word} was there", dict(zip(("male", "female", "neutral"), p[:3] / p.sum(), strict=True))


def check(found, prompts=PROMPTS, seed=3) -> None:
    expected = [by_hand(prompt, seed) for prompt in prompts]
    assert found.completions == [text for text, _ in expected]
    for gender in pronouns.WORDS:
        np.testing.assert_allclose(found.mass[gender], [p[gender] for _, p in expected])
    np.testing.assert_allclose(found.seen_mass, 1.0)
    assert np.isnan(found.entropy_bits).all() and found.entropy_bits.shape == (len(prompts),)


def test_one_request_gives_completion_and_measure(settings):
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"]:
        model = EndpointModel("m", settings)
        check(model.ask(PROMPTS, **ASKED))
    assert Counter(seen.prompt for seen in server.seen) == Counter(PROMPTS)
    used = sum(len(prompt.split()) for prompt in PROMPTS)
    (counts,) = model.counts([PROMPTS], 0.1, 5, 3)
    n = len(PROMPTS)
    assert list(counts.values()) == [n, n, 0, 0, used, 3 * n, 0, 0]


def test_in_a_chat_too(settings):
    server = FaultyServer(made_up)
    settings["mode"] = "chat"
    with server.running() as settings["base_url"]:
        found = EndpointModel("m", settings).ask(PROMPTS[:3], **ASKED)
    assert {seen.path for seen in server.seen} == {"/v1/chat/completions"}
    assert found.completions == [by_hand(seen)[0] for seen in sorted(seen.prompt for seen in server.seen)]


def test_without_log_probabilities_the_sampled_answer_stands_alone(settings):
    settings["logprobs"] = 0
    with FaultyServer(made_up).running() as settings["base_url"]:
        found = EndpointModel("m", settings).ask(PROMPTS[:3], **ASKED)
    assert found.completions == [by_hand(prompt)[0] for prompt in PROMPTS[:3]]
    assert all(np.isnan(values).all() for values in [*found.mass.values(), found.seen_mass])


def test_without_an_address_nothing_is_asked(settings):
    with pytest.raises(EndpointError, match=r"endpoint\.base_url is empty"):
        EndpointModel("m", settings)


def test_no_prompts_no_requests(settings):
    settings["base_url"] = "http://127.0.0.1:9/v1"
    found = EndpointModel("m", settings).ask([], **ASKED)
    assert found.completions == [] and all(values.shape == (0,) for values in found.mass.values())


def test_an_answer_is_paid_once(settings):
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS[:25], **ASKED)
        model = EndpointModel("m", settings)
        check(model.ask(PROMPTS, **ASKED))
    assert len(server.seen) == len(PROMPTS)
    first, second = model.counts([PROMPTS[:30], PROMPTS[20:]], 0.1, 5, 3)
    assert (first["cache_hits"], first["requests"], first["saved_completion_tokens"]) == (25, 5, 75)
    assert (second["cache_hits"], second["requests"], second["completion_tokens"]) == (10, 10, 30)


def test_a_prompt_that_stands_twice_is_asked_twice(settings):
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"]:
        for _ in range(2):
            EndpointModel("m", settings).ask([PROMPTS[0], PROMPTS[1], PROMPTS[0]], **ASKED)
    assert Counter(seen.prompt for seen in server.seen) == {PROMPTS[0]: 2, PROMPTS[1]: 1}


@pytest.mark.parametrize("change", [{"seed": 4}, {"temperature": 0.2}, {"max_tokens": 6}])
def test_another_manner_is_another_answer(settings, change):
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS[:2], **ASKED)
        EndpointModel("m", settings).ask(PROMPTS[:2], **ASKED | change)
    assert len(server.seen) == 4


def test_a_server_that_moved_keeps_its_answers_under_its_providers_name(settings):
    first, second = FaultyServer(made_up), FaultyServer(made_up)
    settings["provider"] = "ours"
    with first.running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS[:3], **ASKED)
    with second.running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS[:3], **ASKED)
        assert len(second.seen) == 0
        EndpointModel("m", settings | {"provider": ""}).ask(PROMPTS[:3], **ASKED)
    assert len(second.seen) == 3


# ---- replay and off --------------------------------------------------------------------------------------------------


def test_a_replay_needs_no_server_and_no_key(settings, monkeypatch):
    with FaultyServer(made_up).running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS, **ASKED)
    monkeypatch.delenv("TEST_KEY")
    check(EndpointModel("m", settings | {"cache": "replay"}).ask(PROMPTS, **ASKED))


def test_a_replay_that_lacks_an_answer_says_to_which_prompt(settings):
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS[:3], **ASKED)
        with pytest.raises(CacheMissError) as raised:
            EndpointModel("m", settings | {"cache": "replay"}).ask(PROMPTS[:5], **ASKED)
    assert "2 of 5 answers are not in" in str(raised.value) and repr(PROMPTS[3]) in str(raised.value)
    assert len(server.seen) == 3
    with pytest.raises(CacheMissError, match=r"to '\.\.\.x{200}'"):
        EndpointModel("m", settings | {"cache": "replay"}).ask(["x" * 999], **ASKED)


def test_without_a_cache_nothing_is_kept(settings, tmp_path):
    server = FaultyServer(made_up)
    settings["cache"] = "off"
    with server.running() as settings["base_url"]:
        for _ in range(2):
            check(EndpointModel("m", settings).ask(PROMPTS[:2], **ASKED), PROMPTS[:2])
    assert len(server.seen) == 4
    assert not (tmp_path / "answers.sqlite").exists()


def test_published_answers_are_taken_over_first(settings, tmp_path):
    with FaultyServer(made_up).running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS, **ASKED)
    manner = manner_of("m", settings, 0.1, 5, 3)
    published = exchange.exported(Cache(settings["cache_file"]), [manner.key(prompt, 0) for prompt in PROMPTS])
    tables.write_table(published, tmp_path / "published.parquet", "answers")
    elsewhere = {
        "cache": "replay",
        "cache_file": str(tmp_path / "elsewhere" / "answers.sqlite"),
        "answers_file": str(tmp_path / "published.parquet"),
    }
    check(EndpointModel("m", settings | elsewhere).ask(PROMPTS, **ASKED))


def test_a_missing_key_is_told_before_anything_is_sent(settings, monkeypatch):
    monkeypatch.delenv("TEST_KEY")
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"], pytest.raises(SecretError, match="TEST_KEY"):
        EndpointModel("m", settings).ask(PROMPTS, **ASKED)
    assert server.seen == []


# ---- faults ----------------------------------------------------------------------------------------------------------


def test_with_a_third_of_the_answers_faulty_nothing_is_lost(settings):
    draw = random.Random(5)
    kinds = [draw.choice(FAULTS) if draw.random() < 0.3 else "" for _ in range(10_000)]
    server = FaultyServer(made_up, lambda n: kinds[n], wait=0.1)
    settings |= {"retries": 9, "timeout": 2.0, "concurrency": 8}
    with server.running() as settings["base_url"]:
        model = EndpointModel("m", settings)
        check(model.ask(PROMPTS, **ASKED))
    faults = [seen.fault for seen in server.seen if seen.fault]
    assert len(set(faults)) > 5
    # On a busy machine an answer may come too late without being made to.
    (counts,) = model.counts([PROMPTS], 0.1, 5, 3)
    assert counts["retries"] == counts["requests"] - len(PROMPTS) >= len(faults)


def test_a_server_that_stays_ill_is_given_up_and_what_was_paid_is_kept(settings):
    server = FaultyServer(made_up, lambda n: "503" if n >= 10 else "")
    with server.running() as settings["base_url"]:
        with pytest.raises(EndpointError, match=r"no answer after 4 tries .*503.*not well"):
            EndpointModel("m", settings | {"concurrency": 1}).ask(PROMPTS, **ASKED)
        assert len(server.seen) == 14
        server.faults = lambda n: ""
        model = EndpointModel("m", settings)
        check(model.ask(PROMPTS, **ASKED))
    assert len(model.sent) == 30


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_stops_everything_at_once(settings, status):
    server = FaultyServer(made_up, lambda n: (status, '{"error": {"message": "no"}}'))
    with server.running() as settings["base_url"], pytest.raises(EndpointError, match=f"answered {status}: no"):
        EndpointModel("m", settings).ask(PROMPTS, **ASKED)
    assert len(server.seen) <= settings["concurrency"]


def test_what_is_under_way_when_another_request_is_refused_is_kept(settings):
    """The first is refused while the other three are still being answered."""
    late = threading.Event()

    def origin(path, headers, body):
        late.wait(10)
        return made_up(path, headers, body)

    server = FaultyServer(origin, lambda n: (401, "no") if n == 3 else "")
    with server.running() as settings["base_url"]:
        threading.Timer(0.5, late.set).start()
        with pytest.raises(EndpointError, match="401"):
            EndpointModel("m", settings).ask(PROMPTS, **ASKED)
        assert len(server.seen) == 4
        server.faults = lambda n: ""
        model = EndpointModel("m", settings)
        model.ask(PROMPTS, **ASKED)
    assert len(model.sent) == len(PROMPTS) - 3


@pytest.mark.parametrize("fault", ["429 seconds", "429 date"])
def test_after_a_wish_to_wait_nobody_sends(settings, fault):
    server = FaultyServer(made_up, lambda n: fault if n == 3 else "", wait=2.0)
    with server.running() as settings["base_url"]:
        check(EndpointModel("m", settings | {"concurrency": 2}).ask(PROMPTS, **ASKED))
    times = [seen.time for seen in server.seen]
    asked_to_wait = times[3]
    # A date has no fractions of a second; what was on its way may still come.
    pause = max(later - earlier for earlier, later in itertools.pairwise(times))
    assert pause >= (1.9 if fault == "429 seconds" else 0.9)
    assert sum(asked_to_wait < time < asked_to_wait + 0.9 for time in times) <= 2


def test_a_wish_to_wait_for_hours_ends_the_run(settings):
    server = FaultyServer(made_up, lambda n: "429 seconds", wait=7200)
    with server.running() as settings["base_url"], pytest.raises(EndpointError, match="asks to wait 7200 s"):
        EndpointModel("m", settings).ask(PROMPTS, **ASKED)


def test_a_full_disk_ends_the_run(settings, monkeypatch):
    def full(*_):
        raise StorageError("the disk is full")

    monkeypatch.setattr(Cache, "store", full)
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"], pytest.raises(StorageError, match="the disk is full"):
        EndpointModel("m", settings).ask(PROMPTS, **ASKED)
    assert len(server.seen) <= settings["concurrency"]


def test_no_word_of_the_key_in_the_log(settings, caplog):
    caplog.set_level(logging.DEBUG)
    server = FaultyServer(made_up, lambda n: (500, f"bad key {KEY}") if n < 2 else "")
    with server.running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS[:3], **ASKED)
    assert "bad key [key]" in caplog.text
    assert KEY not in caplog.text
    for path in Path(settings["cache_file"]).parent.iterdir():
        assert KEY.encode() not in path.read_bytes(), path


# ---- several processes, and ends -------------------------------------------------------------------------------------


def ask_all(settings: dict, prompts: list[str]) -> list[str]:
    return EndpointModel("m", settings).ask(prompts, **ASKED).completions


def slowly(path, headers, body):
    time.sleep(0.05)
    return made_up(path, headers, body)


def test_processes_that_ask_the_same_at_once_pay_once(settings):
    server = FaultyServer(slowly)
    jobs = []
    for process in range(2):
        prompts = PROMPTS.copy()
        random.Random(process).shuffle(prompts)
        jobs.append((settings, prompts))
    with server.running() as settings["base_url"], get_context("spawn").Pool(2) as pool:
        for (_, prompts), texts in zip(jobs, pool.starmap(ask_all, jobs, chunksize=1), strict=True):
            assert texts == [by_hand(prompt)[0] for prompt in prompts]
    assert Counter(seen.prompt for seen in server.seen) == Counter(PROMPTS)


def test_told_to_end_what_is_under_way_is_kept(settings):
    end = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))

    def origin(path, headers, body):
        time.sleep(0.2)
        return made_up(path, headers, body)

    before = signal.getsignal(signal.SIGTERM)
    server = FaultyServer(origin)
    with server.running() as settings["base_url"]:
        end.start()
        with pytest.raises(InterruptedError, match="told to end"):
            EndpointModel("m", settings | {"concurrency": 1}).ask(PROMPTS, **ASKED)
    assert signal.getsignal(signal.SIGTERM) == before
    lacking = len(PROMPTS) - len(server.seen)
    with pytest.raises(CacheMissError, match=f"{lacking} of 40 answers are not in"):
        EndpointModel("m", settings | {"cache": "replay"}).ask(PROMPTS, **ASKED)


def test_told_to_end_while_waiting_for_a_turn_nothing_more_is_sent(settings):
    end = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"]:
        end.start()
        with pytest.raises(InterruptedError, match="the 1 answers of 40 so far"):
            EndpointModel("m", settings | {"requests_per_minute": 1}).ask(PROMPTS, **ASKED)
    assert len(server.seen) == 1
    file = ledger_file(Path(settings["cache_file"]))
    assert Ledger(file, settings["base_url"], Limits(), Budget()).spent()[0] == 1


# ---- budget ----------------------------------------------------------------------------------------------------------


def test_max_requests_stops_cleanly_and_keeps_everything_paid(settings):
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"]:
        with pytest.raises(BudgetSpentError, match=r"endpoint\.max_requests is 10"):
            EndpointModel("m", settings | {"max_requests": 10}).ask(PROMPTS, **ASKED)
        assert len(server.seen) == 10
        model = EndpointModel("m", settings | {"max_requests": 40})
        check(model.ask(PROMPTS, **ASKED))
    assert len(model.sent) == 30 and len(server.seen) == 40


def test_max_cost_is_not_gone_beyond(settings):
    # By hand: a prompt of 6 words and 3 tokens written cost 6 * 2 + 3 * 10 = 42 millionths.
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"], pytest.raises(BudgetSpentError, match="max_cost"):
        EndpointModel("m", settings | {"max_cost": 1000e-6, "concurrency": 1}).ask(PROMPTS, **ASKED)
    spent = Ledger(ledger_file(Path(settings["cache_file"])), settings["base_url"], Limits(), Budget()).spent()
    assert spent == (len(server.seen), pytest.approx(len(server.seen) * 42e-6))
    ceiling = 2 * manner_of("m", settings, 0.1, 5, 3).prompt_tokens_at_most(PROMPTS[0]) + 10 * 5
    assert 1000 - ceiling - 1 < spent[1] * 1e6 <= 1000


def test_a_server_that_does_not_say_what_it_billed_is_reckoned_at_the_ceiling(settings):
    def silent(path, headers, body):
        status, answer = made_up(path, headers, body)
        content = json.loads(answer)
        del content["usage"]
        return status, json.dumps(content).encode()

    with FaultyServer(silent).running() as settings["base_url"]:
        model = EndpointModel("m", settings)
        model.ask(PROMPTS[:1], **ASKED)
    manner = manner_of("m", settings, 0.1, 5, 3)
    (sent,) = model.sent.values()
    assert (sent.prompt_tokens, sent.completion_tokens) == (manner.prompt_tokens_at_most(PROMPTS[0]), 5)


def test_the_estimate_is_made_before_anything_is_sent(settings):
    server = FaultyServer(made_up)
    with server.running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS[:10], **ASKED)
    manner = manner_of("m", settings, 0.1, 5, 3)
    keys = [manner.key(prompt, 0) for prompt in PROMPTS]
    cached = Cache(settings["cache_file"]).look_up(keys)
    # The third condition asks what the second has asked before, and one thing more.
    asked = [
        ({"seed": 1}, manner, PROMPTS[:10]),
        ({"seed": 2}, manner, PROMPTS[5:30]),
        ({"seed": 3}, manner, PROMPTS[20:31]),
    ]
    frame = budget.in_advance(asked, cached, prices_of(settings), 60)
    assert frame["requests"].tolist() == [0, 20, 1]
    assert frame["cached"].tolist() == [10, 5, 0]
    assert frame["shared"].tolist() == [0, 0, 10]
    assert frame["completion_tokens"].tolist() == [0, 100, 5]
    tokens = sum(manner.prompt_tokens_at_most(prompt) for prompt in PROMPTS[10:30])
    assert frame["prompt_tokens"].tolist()[1] == tokens
    assert frame["cost"].tolist()[1] == pytest.approx((tokens * 2 + 100 * 10) / 1e6)
    assert frame["minutes"].tolist() == pytest.approx([0, 20 * 1.04 / 60, 1.04 / 60])
    words = budget.in_words(frame)
    assert re.search(r"to be requested +21\n", words) and re.search(r"time +0\.4  minutes", words)
    unlimited = budget.in_words(budget.in_advance(asked, {}, Prices(), None))
    assert "no rate limit is set" in unlimited


def test_the_table_of_requests_adds_up():
    counts = {"prompts": 8, "requests": 5, "cache_hits": 4, "retries": 1, "prompt_tokens": 1_000_000}
    counts |= {"completion_tokens": 100_000, "saved_prompt_tokens": 500_000, "saved_completion_tokens": 0}
    where = {
        "uptake": "in_context",
        "style": "varied",
        "strategy": "parity",
        "defense": "none",
        "strength": "none",
        "layers": 0,
    }
    rows = [
        where | {"overlap": 0.0, "pool_size": size, "seed": seed} | counts for size, seed in ((10, 1), (10, 2), (20, 1))
    ]
    frame = pd.DataFrame(rows)
    tables.validate(frame, "asked")
    table = budget.table(frame, Prices(1.0, 10.0))
    tables.validate(table, "requests")
    assert table["uptake"].tolist() == ["in_context", "in_context", "all"]
    assert table["requests"].tolist() == [10, 5, 15] and table["cache_hits"].tolist() == [8, 4, 12]
    assert table["cost"].tolist() == pytest.approx([4.0, 2.0, 6.0])
    assert table["saved_cost"].tolist() == pytest.approx([1.0, 0.5, 1.5])


@pytest.mark.parametrize(("fault", "billed"), [("503", False), ("429", False), ("reset", True), ("malformed", True)])
def test_a_try_that_may_have_been_billed_stays_in_the_account(settings, fault, billed):
    server = FaultyServer(made_up, lambda n: fault if n == 0 else "")
    with server.running() as settings["base_url"]:
        EndpointModel("m", settings).ask(PROMPTS[:1], **ASKED)
    requests, cost = Ledger(ledger_file(Path(settings["cache_file"])), settings["base_url"], Limits(), Budget()).spent()
    ceiling = 2 * manner_of("m", settings, 0.1, 5, 3).prompt_tokens_at_most(PROMPTS[0]) + 10 * 5
    assert requests == 2
    assert cost * 1e6 == pytest.approx(6 * 2 + 3 * 10 + billed * ceiling)
