"""Small requests that are answered on the event loop, before ASGI makes a task of each.

That task, and what goes with it, costs as much as a prediction about a text that is known. Whatever
is not as simple goes the ordinary way, from its beginning, and is explained there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from prelabel.errors import UnauthorizedError
from prelabel.server.auth import check_auth, read_secret
from prelabel.server.connections import PatientProtocol
from prelabel.server.request_log import SECURITY_HEADERS, RequestLog
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


class PromptProtocol(asyncio.Protocol):
    """HTTP/1.1 for as long as an application's `AtOnce` has the answers.

    With the first request that is not so simple, or comes slowly, the connection is
    `PatientProtocol`'s, with all that was not answered yet.

    Parameters
    ----------
    config, server_state, app_state
        uvicorn's. The application may have an `AtOnce` as its attribute ``at_once``.
    """

    look_seconds = 5.0
    """A connection on which nothing was asked between two looks is closed; so long waits uvicorn,
    too."""

    patient: type[PatientProtocol] = PatientProtocol

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        self._loop = _loop or asyncio.get_event_loop()
        self._state = server_state
        self._make_patient = partial(self.patient, config, server_state, app_state, self._loop)
        self._limit = config.limit_concurrency
        self._at_once: AtOnce | None = getattr(config.loaded_app, "at_once", None)
        self._parser = HttpRequestParser(self)
        self._answered, self._seen = 0, -1
        self._is_paused = False
        self._forget()

    def _forget(self) -> None:
        """Be ready for the next request."""
        self._received = bytearray()  # all of it, head and body
        self._begun = 0
        self._url, self._body = b"", b""
        self._is_whole = self._keeps_alive = False
        self._headers: dict[bytes, bytes] = {}
        self._path: str | None = ""  # None if it is not for this protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # of sockets
        self._transport = transport
        self._state.connections.add(self)  # type: ignore[arg-type] # it has what uvicorn asks of them
        self._timer = self._loop.call_later(self.look_seconds, self._look)
        if self._at_once is None or (self._limit and len(self._state.connections) >= self._limit):
            self._hand_over()

    def connection_lost(self, _error: Exception | None) -> None:
        self._timer.cancel()
        self._state.connections.discard(self)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False

    def shutdown(self) -> None:
        """End the connection, or have the request that has begun answered first; uvicorn stops."""
        if self._received:
            self._hand_over().shutdown()
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._path = None  # `PatientProtocol` meets it again, and says what is wrong
        is_much = len(self._received) > 2 * SMALL_BYTES
        if self._path is None or self._begun > 1 or self._is_paused or is_much:
            self._hand_over()
        elif self._is_whole:
            self._answer(self._path)

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        size = self._headers.get(b"content-length")
        is_small = size is not None and int(size) <= SMALL_BYTES
        is_simple = is_small and b"expect" not in self._headers
        is_post = self._parser.get_method() == b"POST"
        self._path = None
        if self._at_once and is_post and is_simple and not self._parser.should_upgrade():
            self._path = self._at_once.find_path(self._url, self._headers)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._is_whole = True
        self._keeps_alive = (  # the parser forgets it once this returns
            self._parser.get_http_version() != "1.0" and self._parser.should_keep_alive()
        )

    def _answer(self, path: str) -> None:
        found = cast("AtOnce", self._at_once).answer(path, self._headers, self._body)
        if found is None:
            self._hand_over()
            return
        ours, keeps_alive = self._state.default_headers, self._keeps_alive
        headers = ours if keeps_alive else [*ours, (b"connection", b"close")]
        lines = [b"%s: %s\r\n" % header for header in headers]
        self._transport.write(b"".join((STATUS_LINE[200], *lines, found)))
        self._state.total_requests += 1
        self._answered += 1
        self._forget()
        if not keeps_alive:
            self._transport.close()

    def _look(self) -> None:
        if self._received:
            self._hand_over()
        elif self._answered == self._seen:
            self._transport.close()
        else:
            self._seen = self._answered
            self._timer = self._loop.call_later(self.look_seconds, self._look)

    def _hand_over(self) -> PatientProtocol:
        self.connection_lost(None)
        patient = self._make_patient()
        self._transport.set_protocol(patient)
        patient.connection_made(self._transport)
        if self._is_paused:
            patient.pause_writing()
        if self._received:
            patient.data_received(bytes(self._received))
        return patient
