from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send

from prelabel.server.connections import MAX_HEAD_BYTES, PatientProtocol
from tests.asgi import serve_in_thread

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
BIG = 20_000_000


class Impatient(PatientProtocol):
    look_seconds = 0.2


async def answer_at_length(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body, and answer with more than lies in any buffer."""
    has_more = True
    while has_more:
        message = await receive()
        has_more = message.get("more_body", False)
    size = (b"content-length", b"%d" % BIG)
    await send({"type": "http.response.start", "status": 200, "headers": [size]})
    await send({"type": "http.response.body", "body": b"x" * BIG})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve_in_thread(answer_at_length, Impatient) as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def is_ended(connection: socket.socket, drip: bytes = b"") -> bool:
    """Go on sending drop by drop until the server hangs up; it would take an hour otherwise."""
    connection.settimeout(0.05)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection.sendall(drip)
            if not connection.recv(1000):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize(
    ("begun", "drip"),
    [
        pytest.param(b"", b"", id="silent from the start"),
        pytest.param(b"POST", b"", id="silent in the head"),
        pytest.param(HEAD, b"X-Slow: 1\r\n", id="a head that never ends"),
        pytest.param(HEAD + b"Content-Length: 99\r\n\r\n", b"", id="silent before the body"),
        pytest.param(HEAD + b"Content-Length: 9999\r\n\r\n{", b" ", id="a body drop by drop"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", id="chunks"),
    ],
)
def test_who_keeps_the_server_waiting_is_hung_up_on(port: int, begun: bytes, drip: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(begun)
        assert is_ended(connection, drip)


def test_who_never_reads_the_answer_is_hung_up_on() -> None:
    is_lost = threading.Event()

    class Watched(Impatient):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            is_lost.set()

    with serve_in_thread(answer_at_length, Watched) as port, connect(port) as connection:
        connection.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
        assert is_lost.wait(60)
        received = 0
        with suppress(ConnectionResetError):
            while chunk := connection.recv(1_000_000):
                received += len(chunk)
    assert received < BIG


def test_who_reads_slowly_gets_all_of_it(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
        received = 0
        while received < BIG:
            received += len(connection.recv(1_000_000))
            time.sleep(0.03)
    assert received > BIG


def test_a_head_without_end_is_refused_before_it_fills_the_memory(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(HEAD)
        with pytest.raises(OSError, match=r"reset|pipe"):  # noqa: PT012 - until it is
            for _ in range(100 * MAX_HEAD_BYTES // 10_000):
                connection.sendall(b"X: " + b"x" * 9_995 + b"\r\n")
                time.sleep(0.001)


def test_a_head_that_begins_behind_a_large_body_is_no_large_head(port: int) -> None:
    body = b"x" * (4 * MAX_HEAD_BYTES)
    first = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connect(port) as connection:
        connection.sendall(first + HEAD)  # the second one's end comes later
        received = 0
        for rest in (b"Content-Length: 0\r\n\r\n", b""):
            wanted = received + BIG
            while received < wanted:
                chunk = connection.recv(1_000_000)
                assert chunk, "it was hung up on"
                received += len(chunk)
            connection.sendall(rest)
