"""Requests from threads of a WSGI server → an ASGI application on an event loop of its own."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from anyio.from_thread import start_blocking_portal

_SKIPPED = {"content-length", "connection"}


@dataclass
class Answer:
    """A reply as it goes out."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Exchange:
    """An ASGI application and the loop it runs on. It is stopped when the interpreter ends."""

    def __init__(self, app: Any) -> None:
        self._transport = httpx.ASGITransport(app)
        self._manager = start_blocking_portal()
        self._portal = self._manager.__enter__()
        self._stop = threading.Event()
        atexit.register(self.close)

    def request(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Return the application's answer."""
        url = httpx.URL("http://local", raw_path=f"{quote(path)}?{quote(query, '%&=+')}".encode())
        sent = httpx.Headers(headers, encoding="latin-1")
        answer: Answer = self._portal.call(
            self._ask, httpx.Request(method, url, headers=sent, content=body)
        )
        return answer

    async def _ask(self, request: httpx.Request) -> Answer:
        found = await self._transport.handle_async_request(request)
        pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in found.headers.raw]
        headers = [pair for pair in pairs if pair[0].lower() not in _SKIPPED]
        return Answer(found.status_code, headers, await found.aread())

    def close(self) -> None:
        """Stop the loop."""
        if not self._stop.is_set():
            self._stop.set()
            self._manager.__exit__(None, None, None)
