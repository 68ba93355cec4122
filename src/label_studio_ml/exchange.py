"""Requests from threads of a WSGI server → an ASGI application on an event loop of its own."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anyio.from_thread import start_blocking_portal

_SKIPPED = {"content-length", "connection"}


@dataclass
class Answer:
    """A reply as it goes out."""

    status: int = 500
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class Exchange:
    """An ASGI application and the loop it runs on. It is stopped when the interpreter ends."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._manager = start_blocking_portal()
        self._portal = self._manager.__enter__()
        self._stop = threading.Event()
        atexit.register(self.close)

    def request(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Return the application's answer."""
        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "headers": sent, "client": None, "server": None,
        }  # fmt: skip
        answer: Answer = self._portal.call(self._run, scope, body)
        return answer

    async def _run(self, scope: dict[str, Any], body: bytes) -> Answer:
        answer = Answer()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message["headers"]]
                answer.headers = [pair for pair in pairs if pair[0].lower() not in _SKIPPED]
            else:
                answer.body += message.get("body", b"")

        await self._app(scope, receive, send)
        return answer

    def close(self) -> None:
        """Stop the loop."""
        if not self._stop.is_set():
            self._stop.set()
            self._manager.__exit__(None, None, None)
