"""One try against a server on loopback that fails in every way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from faulty_server import FAULTS, FaultyServer, made_up

from quorum.endpoint import secret
from quorum.endpoint.client import Client, EndpointError, FaultError, retry_after
from quorum.endpoint.requests import Manner

KEY = "CANARY-0123456789"
MANNER = Manner("s", "m", "completions", 0.1, 5, 1, 5)


def ask(server: FaultyServer, manner: Manner = MANNER, timeout: float = 20.0, key: str = KEY):
    async def once(address: str):
        client = Client(address, key, timeout)
        try:
            return await client.ask(manner, "The nurse said that")
        finally:
            await client.close()

    with server.running() as address:
        return asyncio.run(once(address))


@pytest.mark.parametrize(("mode", "path"), [("completions", "/v1/completions"), ("chat", "/v1/chat/completions")])
def test_an_answer_comes_with_its_whole_body(mode, path):
    from dataclasses import replace

    server = FaultyServer(made_up)
    answer, body = ask(server, replace(MANNER, mode=mode))
    (seen,) = server.seen
    assert seen.path == path
    assert seen.prompt.endswith("The nurse said that")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert answer.text in body and "made up" in body and answer.fingerprint == "made up"


WHY = {
    "429": "status 429: slow down",
    "429 seconds": "status 429: slow down",
    "429 date": "status 429: slow down",
    "500": "status 500: not well",
    "503": "status 503: not well",
    "reset": "no connection|was lost",
    "slow": r"no whole answer within 0\.5 s",
    "truncated": "was lost",
    "malformed": "not JSON",
    "empty": "no choice",
    "html": "of the type text/html",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_told_as_one_that_may_pass(fault):
    server = FaultyServer(made_up, lambda n: fault, wait=7)
    with pytest.raises(FaultError, match=WHY[fault]) as raised:
        ask(server, timeout=0.5 if fault == "slow" else 20)
    assert len(server.seen) == 1, "the client tried again by itself"
    if fault in ("429 seconds", "429 date"):
        assert raised.value.after == pytest.approx(7, abs=2)
    else:
        assert raised.value.after is None
    assert raised.value.billed == (fault in ("reset", "slow", "truncated", "malformed", "empty", "html"))


def test_a_server_that_is_not_there_has_billed_nothing():
    with FaultyServer(made_up).running() as address:
        pass
    with pytest.raises(FaultError, match=f"no connection to {address}") as raised:
        asyncio.run(Client(address, KEY, 5).ask(MANNER, "a"))
    assert not raised.value.billed


@pytest.mark.parametrize(
    ("status", "body", "words", "remedy"),
    [
        (400, '{"error": {"message": "maximum context length is 8192 tokens"}}', "context length", "in_context"),
        (400, '{"error": {"message": "top_logprobs must be at most 5"}}', "at most 5", "endpoint.logprobs"),
        (401, f'{{"error": "no such key: {KEY}"}}', "no such key: [key]", "endpoint.key_variable"),
        (402, '{"error": "pay first"}', "pay first", "no credit"),
        (403, '{"error": "not yours"}', "not yours", "endpoint.key_variable"),
        (404, '{"error": {"message": "no model m"}}', "no model m", "model.name"),
        (413, "", "(nothing)", "in_context.neighbours"),
        (422, '{"detail": [{"msg": "no seed"}]}', "no seed", "endpoint.mode"),
        (429, '{"error": {"code": "insufficient_quota", "message": "no money"}}', "no money", "no credit"),
    ],
)
def test_what_will_not_pass_stops_with_the_servers_words_and_what_to_change(status, body, words, remedy):
    with pytest.raises(EndpointError) as raised:
        ask(FaultyServer(made_up, lambda n: (status, body)))
    message = str(raised.value)
    assert f"answered {status}" in message and words in message and remedy in message
    assert KEY not in message


def test_the_key_is_nowhere_in_what_a_server_echoes():
    def echoing(path, headers, body):
        status, answer = made_up(path, headers, body)
        return status, answer.replace(b'"choices"', f'"headers": "{headers["authorization"]}", "choices"'.encode())

    _, body = ask(FaultyServer(echoing))
    assert KEY not in body and secret.HIDDEN in body


@pytest.mark.parametrize("fault", [(500, KEY), (200, f'{{"error": "{KEY}"}}')])
def test_the_key_is_in_no_fault_either(fault):
    with pytest.raises(FaultError) as raised:
        ask(FaultyServer(made_up, lambda n: fault))
    assert KEY not in str(raised.value) and secret.HIDDEN in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_long_page_of_words_is_cut():
    with pytest.raises(FaultError) as raised:
        ask(FaultyServer(made_up, lambda n: (502, "<html>" + "x" * 5000)))
    assert len(str(raised.value)) < 500


# ---- headers and keys ------------------------------------------------------------------------------------------------


def test_retry_after_as_a_date():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after({"retry-after": date}) == pytest.approx(30, abs=3)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=30), usegmt=True)
    assert retry_after({"retry-after": past}) == 0.0
    assert retry_after({"retry-after": "Sun, 06 Nov 1994 08:49:37"}) == 0.0


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("0.5", 0.5), ("", None), ("soon", None), ("-3", None)])
def test_retry_after_in_seconds(value, seconds):
    assert retry_after({"retry-after": value}) == seconds


def test_the_key_comes_out_of_the_environment(monkeypatch):
    monkeypatch.setenv("SOME_KEY", f" {KEY}\n")
    assert secret.read("SOME_KEY") == KEY
    assert secret.read("") == secret.NO_KEY
    monkeypatch.setenv("SOME_KEY", " ")
    for variable in ("SOME_KEY", "NO_SUCH_KEY"):
        with pytest.raises(secret.SecretError, match=f"{variable} is not set"):
            secret.read(variable)


def test_the_word_for_no_key_is_no_secret():
    assert secret.scrub("none of them", secret.NO_KEY) == "none of them"
