from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from prelabel.server.transport import Transport
from tests.backend import wait_for

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
    config = uvicorn.Config(answer_in_parts, port=0, http=Protocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


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
