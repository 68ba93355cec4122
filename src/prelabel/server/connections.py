"""Connections: how long one may keep the server waiting, and how much it may send before it asks.

uvicorn ends connections that are idle between requests, and no others: one that sends a byte a
minute, or never reads its answer, would be kept for good.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from prelabel.server.transport import Transport

LOOK_SECONDS = 15.0
"""A connection on which nothing has come about between two looks is ended."""

BODY_LOOKS = 4
"""Looks in a row between which a body may be on its way: a minute."""

MAX_HEAD_BYTES = 64 * 1024
"""Of a request's first line and headers; a little more may be read."""


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 with clients that may be slow, but not forever."""

    look_seconds = LOOK_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's
        super().connection_made(Transport(transport, self.loop))
        self._is_in_head = False
        self._head_bytes = 0
        self._body_looks = 0
        self._seen: tuple[object, bool, int] = (None, False, 0)
        self._timer = self.loop.call_later(self.look_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # Where a head begins behind a body is not known: that piece is not counted.
        is_of_head = self._is_in_head or self.cycle is None
        super().data_received(data)
        if is_of_head and self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The request's headers are too large.")

    def on_message_begin(self) -> None:
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def _look(self) -> None:
        """End the connection if nothing has come about since the last look, or a body comes slowly.

        A request that is whole is the application's: it answers within a time of its own.
        """
        cycle, unsent_bytes = self.cycle, self.transport.get_write_buffer_size()
        is_idle = cycle is None or cycle.response_complete  # type: ignore[redundant-expr] # uvicorn says it is never None
        seen = (cycle, is_idle, unsent_bytes)
        is_stuck = (is_idle or unsent_bytes) and seen == self._seen
        has_more = not is_idle and cycle.more_body
        self._body_looks = self._body_looks + 1 if has_more and cycle is self._seen[0] else 0
        if is_stuck or self._body_looks >= BODY_LOOKS:
            self.transport.abort()
        else:
            self._seen = seen
            self._timer = self.loop.call_later(self.look_seconds, self._look)
