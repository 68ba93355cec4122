"""A Label Studio that answers what a test says, and remembers what it was asked."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import pytest

from prelabel.errors import UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.types import ProjectKey

LEGACY = "0123456789abcdef0123456789abcdef01234567"
KEY = ProjectKey(7, 1795447612)
PROJECT = {"id": 7, "created_at": "2026-11-23T15:26:52.405302Z", "label_config": "<View/>"}


def make_jwt(**claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{payload}.c2lnbmF0dXJl"


PERSONAL = make_jwt(token_type="refresh", exp=9_999_999_999)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    authorization: str | None
    cookie: str | None
    body: bytes


@dataclass
class Reply:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    seconds_a_byte: float = 0.0

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answer = Callable[[Request], Reply]


class Server(ThreadingHTTPServer):
    """A Label Studio that answers what the test says, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.requests: list[Request] = []
        self.is_closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def running(self) -> Iterator[Server]:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield self
        finally:
            self.is_closing.set()
            self.shutdown()
            self.server_close()

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        authorization, cookie = self.headers.get("Authorization"), self.headers.get("Cookie")
        request = Request(self.command, parts.path, query, authorization, cookie, body)
        self.server.requests.append(request)
        reply = self.server.answer(request)
        self.server.is_closing.wait(reply.delay_seconds)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
            self.send_header(name, value)
        with suppress(ConnectionError):  # the client has hung up
            self.end_headers()
            self._drip(reply) if reply.seconds_a_byte else self.wfile.write(reply.content)

    def _drip(self, reply: Reply) -> None:
        for byte in reply.content:
            self.wfile.write(bytes([byte]))
            self.server.is_closing.wait(reply.seconds_a_byte)

    do_POST = do_PATCH = do_GET  # noqa: N815 (the standard library's names)

    def log_message(self, *args: object) -> None:
        pass


def exchanging(*, lifetime_seconds: float = 300, refuses: int = 0) -> Answer:
    """Answer like a Label Studio that takes personal access tokens.

    Every access token is another one; the first few are refused.
    """
    given: list[str] = []

    def answer(request: Request) -> Reply:
        if request.path == "/api/token/refresh":
            exp = time.time() + lifetime_seconds
            given.append(make_jwt(token_type="access", exp=exp, jti=len(given)))
            return Reply({"access": given[-1]})
        if request.authorization == f"Bearer {given[-1]}" and len(given) > refuses:
            return Reply(PROJECT)
        return Reply({"detail": "Authentication credentials were not provided."}, 401)

    return answer


def refusal_of(client: LabelStudioClient) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        client.project(7)
    return caught.value


def make_task(number: int, **changes: Any) -> dict[str, Any]:
    region = {"from_name": "t", "to_name": "x", "type": "choices", "value": {"choices": ["a"]}}
    annotation = {
        "id": number * 10,
        "result": [region],
        "completed_by": 3,
        "was_cancelled": False,
        "ground_truth": True,
        "created_at": "2026-11-23T15:26:58.686505Z",
        "updated_at": "2026-11-23T15:27:58Z",
    }
    task = {"id": number, "data": {"text": f"text {number}"}, "annotations": [annotation]}
    return {**task, **changes}


def holding(tasks: list[dict[str, Any]]) -> Answer:
    """Answer like ``/api/tasks/`` of a Label Studio with these labeled tasks, 100 at most."""

    def answer(request: Request) -> Reply:
        filters = json.loads(request.query["query"])["filters"]["items"]
        after = {item["filter"]: item["value"] for item in filters}["filter:tasks:id"]
        left = [task for task in tasks if task["id"] > after]
        size = min(int(request.query["page_size"]), 100)
        return Reply({"tasks": left[:size], "total": len(left), "total_annotations": 0})

    return answer


class Serve(Protocol):
    def __call__(self, *replies: Answer | Reply) -> Server: ...


class Connect(Protocol):
    def __call__(self, server: Server, key: str = LEGACY, **options: Any) -> LabelStudioClient: ...
