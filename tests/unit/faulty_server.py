"""A server of completions and chats whose answers can be made to fail in every way that a client must live with.

It answers out of a function, which may be one that asks another server: then it is a proxy. As a program it answers
by itself: `python faulty_server.py DIARY SECONDS` prints its address, waits so long before each answer, and writes two
lines into the diary for every request, when it comes and when it was answered.
"""

from __future__ import annotations

import hashlib
import json
import math
import socket
import struct
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Origin = Callable[[str, dict[str, str], bytes], tuple[int, bytes]]
"""(path, headers, body of a request) to (status, body of the answer)."""

# Those that a client is to live with, each with what it takes to tell it.
FAULTS = (
    "429",
    "429 seconds",
    "429 date",
    "500",
    "503",
    "reset",
    "slow",
    "truncated",
    "malformed",
    "empty",
    "html",
)
WORDS = (" he", " she", " they", " the", " a")


@dataclass
class Seen:
    """One request at the server."""

    time: float
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    fault: str

    @property
    def prompt(self) -> str:
        return self.body["prompt"] if "prompt" in self.body else self.body["messages"][-1]["content"]


@dataclass
class FaultyServer:
    """faults: the fault of the n-th request (from 0), one of FAULTS, a status with a body, or empty for none."""

    origin: Origin
    faults: Callable[[int], str | tuple[int, str]] = lambda n: ""
    wait: float = 1.0
    slow: float = 30.0
    seen: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[str]:
        """The address that ends in /v1, while it runs."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            server.server_close()


def _handler(state: FaultyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            with state.lock:
                fault = state.faults(len(state.seen))
                state.seen.append(Seen(time.time(), self.path, self.lowered(), json.loads(raw), str(fault)))
            if isinstance(fault, tuple):
                self.give(fault[0], fault[1].encode())
            elif fault.startswith("429"):
                after = {"seconds": f"{state.wait:g}", "date": formatdate(time.time() + state.wait, usegmt=True)}
                header = after.get(fault.partition(" ")[2])
                self.give(429, b'{"error": {"message": "slow down"}}', {"retry-after": header} if header else {})
            elif fault in ("500", "503"):
                self.give(int(fault), b'{"error": {"message": "not well"}}')
            elif fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
            elif fault == "html":
                self.give(200, b"<html>come back later</html>", {"content-type": "text/html"})
            elif fault == "empty":
                self.give(200, b'{"choices": []}')
            else:
                self.answer(raw, fault)

        def answer(self, raw: bytes, fault: str) -> None:
            status, body = state.origin(self.path, self.lowered(), raw)
            if fault == "malformed":
                self.give(status, body[: len(body) // 2])
            elif fault in ("truncated", "slow"):
                self.head(status, {"content-length": str(len(body))})
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                end = time.monotonic() + state.slow
                while fault == "slow" and time.monotonic() < end:
                    # A byte now and then: no single one of them is late.
                    time.sleep(0.1)
                    self.wfile.write(b" ")
                    self.wfile.flush()
                self.close_connection = True
            else:
                self.give(status, body)

        def lowered(self) -> dict[str, str]:
            return {name.lower(): value for name, value in self.headers.items()}

        def head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in ({"content-type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.end_headers()

        def give(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.head(status, {"content-length": str(len(body))} | (headers or {}))
            self.wfile.write(body)

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the client has gone, or was sent away
                self.close_connection = True

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """No word on the terminal."""

    return Handler


def made_up(path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """An answer that only depends on the request: probabilities and a word out of its hash."""
    request = json.loads(body)
    prompt = request.get("prompt") or request["messages"][-1]["content"]
    digest = hashlib.sha256(f"{prompt}{request['seed']}".encode()).digest()
    p = [1 + value for value in digest[: len(WORDS)]]
    tops = [
        {"token": word, "logprob": math.log(value / sum(p)), "bytes": list(word.encode())}
        for word, value in zip(WORDS, p, strict=True)
    ]
    text = f"{max(tops, key=lambda top: top['logprob'])['token']} was there"
    logprobs = {"content": [tops[0] | {"top_logprobs": tops}]} if request.get("logprobs") else None
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "logprobs": logprobs}
    choice |= {"message": {"role": "assistant", "content": text}} if "messages" in request else {"text": text}
    usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": 3}
    return 200, json.dumps({"choices": [choice], "usage": usage, "system_fingerprint": "made up"}).encode()


def forwarded(upstream: str) -> Origin:
    """Answers of the server at the address `upstream` (ending in /v1)."""

    def ask(path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        request = urllib.request.Request(
            upstream.removesuffix("/v1") + path, body, {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    return ask


def main(diary: str, seconds: str) -> None:
    def slowly(path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        request = json.loads(body)
        name = hashlib.sha256(f"{request.get('prompt') or request['messages']}{request['seed']}".encode()).hexdigest()
        note(f"{time.time()} asked {name}")
        time.sleep(float(seconds))
        answer = made_up(path, headers, body)
        note(f"{time.time()} answered {name}")
        return answer

    def note(line: str) -> None:
        with server.lock, Path(diary).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    server = FaultyServer(slowly)
    with server.running() as address:
        print(address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
