"""Small requests that are answered on the event loop, before ASGI makes a task of each.

That task, and what goes with it, costs a fifth of a request about a text that is known. Whatever is
not as simple goes the ordinary way, from its beginning, and is explained there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from prelabel.errors import UnauthorizedError
from prelabel.server.auth import check_auth, read_secret
from prelabel.server.connections import PatientProtocol
from prelabel.server.posts import SMALL_BYTES
from prelabel.server.request_log import SECURITY_HEADERS, RequestLog
from prelabel.settings import Settings
from prelabel.telemetry import request_id

_HEAD = b"".join(b"%s: %s\r\n" % header for header in SECURITY_HEADERS) + (
    b"x-request-id: %s\r\ncontent-length: %d\r\ncontent-type: application/json\r\n\r\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AtOnce:
    """Answers POSTs for which nothing needs to be read, loaded or waited for.

    Parameters
    ----------
    answers
        By path: what gives the JSON that answers a small body, or None where more is needed. It
        has changed nothing when it returns None or fails.
    """

    answers: Mapping[str, Callable[[bytes], bytes | None]]
    settings: Settings
    log: RequestLog

    @property
    def most_bytes(self) -> int:
        """The longest body that may be answered so."""
        return min(SMALL_BYTES, self.settings.max_body_bytes)

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
class _Request:
    """What has come of a request.

    Attributes
    ----------
    received
        All of it, head and body, and what came behind it.
    path
        None while it is not known, and if it is not one that `AtOnce` answers.
    is_odd
        Whether it cannot be read, or another one came behind it.
    """

    received: bytearray = field(default_factory=bytearray)
    url: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    path: str | None = None
    has_head: bool = False
    is_whole: bool = False
    keeps_alive: bool = False
    is_odd: bool = False


class PromptProtocol(asyncio.Protocol):
    """HTTP/1.1 for as long as an application's `AtOnce` has the answers.

    With the first request that is not so simple, or comes slowly, the connection is
    `PatientProtocol`'s, with all that was not answered yet. On one on which nothing is asked for
    uvicorn's ``timeout_keep_alive``, up to twice that, it hangs up.

    Parameters
    ----------
    config, server_state, app_state
        uvicorn's. The application may have an `AtOnce` as its attribute ``at_once``.
    """

    patient: type[PatientProtocol] = PatientProtocol

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        self._config, self._state, self._app_state = config, server_state, app_state
        self._loop = _loop or asyncio.get_event_loop()
        self._at_once: AtOnce | None = getattr(config.loaded_app, "at_once", None)
        self._parser = HttpRequestParser(self)
        self._request = _Request()
        self._answered, self._seen = 0, -1
        self._is_paused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # of sockets
        self._transport = transport
        self._state.connections.add(self)  # type: ignore[arg-type] # it has what uvicorn asks of them
        self._timer = self._loop.call_later(self._config.timeout_keep_alive, self._look)
        limit = self._config.limit_concurrency
        if self._at_once is None or (limit and len(self._state.connections) >= limit):
            self._hand_over()

    def connection_lost(self, _error: Exception | None) -> None:
        self._let_go()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False

    def shutdown(self) -> None:
        """End the connection, or have the request that has begun answered first; uvicorn stops."""
        if self._request.received:
            self._hand_over().shutdown()
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        request = self._request
        request.received += data
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            request.is_odd = True  # `PatientProtocol` meets it again, and says what is wrong
        is_other = request.has_head and request.path is None
        is_much = len(request.received) > 2 * SMALL_BYTES
        if request.is_odd or is_other or is_much or self._is_paused:
            self._hand_over()
        elif request.is_whole:
            self._answer(request)

    def on_message_begin(self) -> None:
        self._request.is_odd = self._request.is_whole

    def on_url(self, url: bytes) -> None:
        self._request.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        request, at_once = self._request, self._at_once
        request.has_head = True
        is_post = self._parser.get_method() == b"POST" and not self._parser.should_upgrade()
        size = request.headers.get(b"content-length")
        if at_once and is_post and size and b"expect" not in request.headers:
            is_small = int(size) <= at_once.most_bytes
            request.path = at_once.find_path(request.url, request.headers) if is_small else None

    def on_body(self, body: bytes) -> None:
        self._request.body += body

    def on_message_complete(self) -> None:
        self._request.is_whole = True
        # The parser forgets it once this returns.
        is_newer = self._parser.get_http_version() != "1.0"
        self._request.keeps_alive = is_newer and self._parser.should_keep_alive()

    def _answer(self, request: _Request) -> None:
        found = None
        if self._at_once and request.path is not None:
            found = self._at_once.answer(request.path, request.headers, request.body)
        if found is None:
            self._hand_over()
            return
        ours = self._state.default_headers
        headers = ours if request.keeps_alive else [*ours, (b"connection", b"close")]
        lines = [b"%s: %s\r\n" % header for header in headers]
        self._transport.write(b"".join((STATUS_LINE[200], *lines, found)))
        self._state.total_requests += 1
        self._answered += 1
        self._request = _Request()
        if not request.keeps_alive:
            self._transport.close()

    def _look(self) -> None:
        """Leave who is slow, in asking or in reading the answer, to who is patient."""
        if self._request.received or self._transport.get_write_buffer_size():
            self._hand_over()
        elif self._answered == self._seen:
            self._transport.close()
        else:
            self._seen = self._answered
            self._timer = self._loop.call_later(self._config.timeout_keep_alive, self._look)

    def _let_go(self) -> None:
        self._timer.cancel()
        self._state.connections.discard(self)

    def _hand_over(self) -> PatientProtocol:
        self._let_go()
        patient = self.patient(self._config, self._state, self._app_state, self._loop)
        self._transport.set_protocol(patient)
        patient.connection_made(self._transport)
        if self._is_paused:
            patient.pause_writing()
        if self._request.received:
            patient.data_received(bytes(self._request.received))
        return patient
