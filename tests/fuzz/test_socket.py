"""Bytes on the socket of a real server: nothing that a stranger sends ends it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backend import Backend
from tests.fuzz.conftest import count
from tests.fuzz.inputs import edited

HEAD = b"Host: x\r\nContent-Type: application/json\r\n"
SEEDS = [
    b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /versions?project=1.2 HTTP/1.0\r\n\r\n",
    b"POST /setup HTTP/1.1\r\n" + HEAD + b"Content-Length: 2\r\n\r\n{}",
    b"POST /predict HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /webhook HTTP/1.1\r\n" + HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
    b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with Backend(tmp_path_factory.mktemp("socket")) as backend:
        yield backend
        assert backend.stop() == 0
    assert "Traceback" not in backend.log.read_text()


@given(edited(SEEDS) | st.binary(max_size=200), st.booleans())
def test_no_bytes_on_the_socket_end_the_server(
    backend: Backend, sent: bytes, is_closed: bool
) -> None:
    count("socket")
    with (
        suppress(ConnectionError, TimeoutError),
        socket.create_connection(("127.0.0.1", backend.port), timeout=0.02) as stranger,
    ):
        stranger.sendall(sent)
        if is_closed:
            stranger.shutdown(socket.SHUT_WR)
        stranger.recv(100_000)
    assert backend.client.get("/livez").status_code == 200
