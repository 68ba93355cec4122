from __future__ import annotations

import asyncio
import http.client
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from prelabel.server.transport import Transport
from tests.asgi import serve_in_thread

PARTS = [b"a" * 70_000, b"b", b"", b"c" * 1_000]


class Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Transport(transport, self.loop))


async def answer_in_parts(scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in PARTS:
        if scope["path"] == "/slowly":
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve_in_thread(answer_in_parts, Protocol) as port:
        yield port


@pytest.mark.parametrize("path", ["/", "/slowly"])
@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}])
def test_all_parts_of_every_answer_arrive_in_order(
    port: int, path: str, headers: dict[str, str]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(1 if headers else 3):  # on one connection, while it may stay open
        connection.request("POST", path, b"x" * 100, headers)
        assert connection.getresponse().read() == b"".join(PARTS)
    connection.close()
