"""Small requests that are answered on the event loop, before ASGI makes a task of each.

That task, and what goes with it, costs as much as a prediction about a text that is known. Whatever
is not as simple goes the ordinary way, from its beginning, and is explained there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from prelabel.errors import UnauthorizedError
from prelabel.server.auth import check_auth, read_secret
from prelabel.server.connections import PatientProtocol
from prelabel.server.request_log import SECURITY_HEADERS, RequestLog
from prelabel.server.transport import Transport
from prelabel.settings import Settings
from prelabel.telemetry import request_id

SMALL_BYTES = 16 * 1024
"""Bodies of one or two tasks, which take a millisecond."""


_HEAD = b"".join(b"%s: %s\r\n" % header for header in SECURITY_HEADERS) + (
    b"x-request-id: %s\r\ncontent-length: %d\r\ncontent-type: application/json\r\n\r\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AtOnce:
    """Answers POSTs for which nothing needs to be read, loaded or waited for.

    Parameters
    ----------
    answers
        By path: what gives the JSON that answers a body, or None where more is needed. It has
        changed nothing when it returns None or fails.
    """

    answers: Mapping[str, Callable[[bytes], bytes | None]]
    settings: Settings
    log: RequestLog

    def find_path(self, url: bytes, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the path of a request that is let in and may be answered so; else None."""
        given = url.decode("latin-1")
        inner = read_secret(self.settings, given)
        path = given if inner is None else inner
        if path not in self.answers:
            return None
        try:
            if inner is None:  # who has the secret needs no header
                check_auth(self.settings, path, headers.get(b"authorization"))
        except UnauthorizedError:
            return None
        return path

    def answer(self, path: str, headers: Mapping[bytes, bytes], body: bytes) -> bytes | None:
        """Return an answer as it is sent, from its own headers on; None if it takes more."""
        started = time.perf_counter()
        token = request_id.set(self.log.choose_id(headers))
        try:
            content = self.answers[path](body)
            if content is None:
                return None
            self.log.count("POST", path, 200, time.perf_counter() - started)
            return _HEAD % (request_id.get().encode(), len(content)) + content
        except Exception:  # noqa: BLE001 - the ordinary way meets it again, and explains it
            return None
        finally:
            request_id.reset(token)


@dataclass(slots=True)
class _Held:
    """A request whose body is still to come."""

    at_once: AtOnce
    path: str
    headers: Mapping[bytes, bytes]
    body: bytearray = field(default_factory=bytearray)


class PromptProtocol(PatientProtocol):
    """HTTP/1.1 whose application may have an `AtOnce` as its attribute ``at_once``.

    A request that it may answer is held until its body is whole, which is small: none of uvicorn's
    objects for a request exists until then.
    """

    _held: _Held | None = None

    def on_headers_complete(self) -> None:
        self._held = self._hold()
        if self._held is None:
            super().on_headers_complete()
        else:
            self._is_in_head = False

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held.body += body

    def on_message_complete(self) -> None:
        if self._held is not None and self._answer(self._held):
            self._held = None
            return
        self._let_go()
        super().on_message_complete()

    def shutdown(self) -> None:
        self._let_go()  # so that it is waited for
        super().shutdown()

    def _expects_body(self) -> bool:
        return self._held is not None or super()._expects_body()

    def _hold(self) -> _Held | None:
        """Return what is held of a request that `AtOnce` may answer; None if it must not."""
        at_once: AtOnce | None = getattr(self.app, "at_once", None)
        is_busy = self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr] # uvicorn says it is never None
        if at_once is None or is_busy or self.expect_100_continue or self.flow.write_paused:
            return None
        if self.limit_concurrency and len(self.connections) >= self.limit_concurrency:
            return None
        if self.parser.get_method() != b"POST" or self.parser.should_upgrade():
            return None
        headers = dict(self.headers)
        size = headers.get(b"content-length")
        if size is None or int(size) > SMALL_BYTES:
            return None
        path = at_once.find_path(self.url, headers)
        return None if path is None else _Held(at_once, path, headers)

    def _answer(self, held: _Held) -> bool:
        """Answer what is held; return False if that takes more."""
        found = held.at_once.answer(held.path, held.headers, bytes(held.body))
        if found is None:
            return False
        keeps_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        ours = self.server_state.default_headers
        headers = ours if keeps_alive else [*ours, (b"connection", b"close")]
        lines = [b"%s: %s\r\n" % header for header in headers]
        cast("Transport", self.transport).write_now(b"".join((STATUS_LINE[200], *lines, found)))
        if not keeps_alive:
            self.transport.close()
        self.on_response_complete()
        return True

    def _let_go(self) -> None:
        """Have what is held go the ordinary way."""
        if self._held is not None:
            body, self._held = bytes(self._held.body), None
            super().on_headers_complete()
            super().on_body(body)
