"""Small requests that are answered before ASGI: as the ordinary way would, or by it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse

import pytest
from starlette.types import Receive, Scope, Send

from prelabel.server.at_once import AtOnce, PromptProtocol
from prelabel.server.connections import PatientProtocol
from prelabel.server.posts import SMALL_BYTES, read_body
from prelabel.server.request_log import RequestLog
from prelabel.settings import Settings, load_settings
from prelabel.telemetry import Metrics
from tests.asgi import serve_in_thread
from tests.backend import wait_for

AT_ONCE, ORDINARY = "at once", "ordinary"
KNOWN, UNKNOWN = b'{"is": "known"}', b'{"is": "unknown"}'
LARGE = 20_000_000  # more than lies in any buffer


class Application:
    """Answers a known body at once, and everything the ordinary way, after a while if need be."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.metrics = Metrics()
        self.may_go_on = threading.Event()
        self.bodies: list[bytes] = []
        self.at_once = AtOnce(
            answers={"/predict": self._answer},
            settings=settings or load_settings(),
            log=RequestLog(self.metrics, frozenset({"/predict"})),
        )

    def _answer(self, body: bytes) -> bytes | None:
        asked = json.loads(body)["is"]
        return b'"at once"' + b" " * int(asked == "large") * LARGE if asked != "unknown" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append(await read_body(receive, 10**9))
        while scope["path"] == "/slow" and not self.may_go_on.is_set():
            await asyncio.sleep(0.01)
        size = (b"content-length", b"10")
        await send({"type": "http.response.start", "status": 200, "headers": [size]})
        await send({"type": "http.response.body", "body": b'"ordinary"'})


class LittlePatience(PatientProtocol):
    look_seconds = 0.2


class Impatient(PromptProtocol):
    patient = LittlePatience


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def port(application: Application) -> Iterator[int]:
    with serve_in_thread(application, Impatient, timeout_keep_alive=0.5) as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def write(body: bytes = KNOWN, *headers: str, line: str = "POST /predict HTTP/1.1") -> bytes:
    head = [line, "Host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def read(connection: socket.socket) -> tuple[HTTPResponse, str]:
    response = HTTPResponse(connection, method="POST")
    response.begin()
    return response, json.loads(response.read())


def ask(port: int, sent: bytes) -> str:
    with connect(port) as connection:
        connection.sendall(sent)
        return read(connection)[1]


def test_a_known_body_is_answered_at_once(port: int, application: Application) -> None:
    assert ask(port, write()) == AT_ONCE
    assert application.bodies == []
    assert b'prelabel_requests_total{route="/predict",status="200"} 1.0' in (
        application.metrics.encode()
    )


def test_a_request_in_pieces_is_answered_as_a_whole_one(port: int) -> None:
    with connect(port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in write():
            connection.sendall(bytes([byte]))
            time.sleep(0.0005)
        assert read(connection)[1] == AT_ONCE


@pytest.mark.parametrize("body", [UNKNOWN, b"{", b"\xff" * SMALL_BYTES, b""])
def test_what_cannot_be_answered_at_once_goes_the_ordinary_way_as_it_came(
    port: int, application: Application, body: bytes
) -> None:
    assert ask(port, write(body)) == ORDINARY
    assert application.bodies == [body]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(write(line="POST /other HTTP/1.1"), id="another path"),
        pytest.param(write(line="POST /predict?a=b HTTP/1.1"), id="a query"),
        pytest.param(write(line="PUT /predict HTTP/1.1"), id="another method"),
        pytest.param(write(KNOWN + b" " * SMALL_BYTES), id="a large body"),
        pytest.param(write(KNOWN, "Connection: Upgrade", "Upgrade: h2c"), id="another protocol"),
        pytest.param(write().replace(b"Content-Length: 15", b"X-Length: 15")[:-15], id="no body"),
        pytest.param(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"f\r\n" + KNOWN + b"\r\n0\r\n\r\n",
            id="chunks",
        ),
    ],
)
def test_what_is_not_so_simple_goes_the_ordinary_way(port: int, sent: bytes) -> None:
    assert ask(port, sent) == ORDINARY


def test_who_waits_to_be_told_to_go_on_is_told(port: int) -> None:
    with connect(port) as connection:
        sent = write(KNOWN, "Expect: 100-continue")
        connection.sendall(sent[: -len(KNOWN)])
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(KNOWN)
        assert read(connection)[1] == ORDINARY


def test_a_connection_may_be_used_again(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    asked = [*[(KNOWN, AT_ONCE)] * 3, (UNKNOWN, ORDINARY), (KNOWN, ORDINARY)]
    for body, answer in asked:  # the ordinary way is gone to the end
        connection.request("POST", "/predict", body)
        assert json.loads(connection.getresponse().read()) == answer
    connection.close()


def test_a_connection_in_use_is_kept_for_as_long_as_it_is(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(15):  # three times as long as who says nothing is waited for
        connection.request("POST", "/predict", KNOWN)
        assert json.loads(connection.getresponse().read()) == AT_ONCE
        assert connection.sock is not None
        time.sleep(0.2)
    connection.close()


@pytest.mark.parametrize(
    "sent", [write(KNOWN, "Connection: close"), write(line="POST /predict HTTP/1.0")]
)
def test_a_connection_is_closed_where_that_is_asked_for(port: int, sent: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(sent)
        response, answer = read(connection)
        assert (answer, response.headers["connection"]) == (AT_ONCE, "close")
        assert connection.recv(1) == b""


def test_answers_come_in_the_order_of_the_questions(port: int, application: Application) -> None:
    with connect(port) as connection:
        connection.sendall(write(line="POST /slow HTTP/1.1") + write() + write())
        wait_for(lambda: bool(application.bodies))
        time.sleep(0.1)
        connection.settimeout(0.01)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        application.may_go_on.set()
        received = b""
        while received.count(b"\r\n\r\n") < 3 or not received.endswith(b'"'):
            received += connection.recv(10_000)
    assert len(application.bodies) == 3, "what waits behind another one goes its way, too"


def test_many_questions_in_one_piece_are_all_answered(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(write() * 200)
        received = b""
        while received.count(b'"ordinary"') < 200:
            received += connection.recv(100_000)
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 200


@pytest.mark.parametrize("drip", [b"", b" "])
def test_who_does_not_send_the_body_is_hung_up_on(port: int, drip: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(write(b" " * SMALL_BYTES)[:-SMALL_BYTES])
        connection.settimeout(0.05)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                connection.sendall(drip)
                assert connection.recv(1000) == b""
                break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() < deadline


def test_a_server_that_stops_waits_for_a_body_that_has_begun(application: Application) -> None:
    with serve_in_thread(application, PromptProtocol) as port:
        connection = connect(port)
        connection.sendall(write(UNKNOWN)[:-5])
        time.sleep(0.2)
        stopping = threading.Timer(0.5, connection.sendall, [UNKNOWN[-5:]])
        stopping.start()
    assert read(connection)[1] == ORDINARY
    connection.close()


def test_only_who_is_let_in_is_answered_at_once() -> None:
    settings = load_settings(
        basic_auth_user="ann", basic_auth_pass="secret", url_secret="a-long-enough-secret"
    )
    right, wrong = (b64encode(pair).decode() for pair in (b"ann:secret", b"ann:guessed"))
    inside = "POST /a-long-enough-secret/predict HTTP/1.1"
    with serve_in_thread(Application(settings), PromptProtocol) as port:
        assert ask(port, write(KNOWN, f"Authorization: Basic {right}")) == AT_ONCE
        assert ask(port, write(KNOWN, line=inside)) == AT_ONCE
        for header in (f"Authorization: Basic {wrong}", "X-Nothing: here"):
            assert ask(port, write(KNOWN, header)) == ORDINARY
        assert ask(port, write(KNOWN, line=inside.replace("enough", "wrong"))) == ORDINARY


@pytest.mark.parametrize("begun", [b"", b"POST /pred", write()])
def test_who_says_nothing_more_is_hung_up_on(port: int, begun: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(begun)
        while connection.recv(1000):
            pass


def test_who_asks_again_and_again_and_reads_no_answer_is_hung_up_on(port: int) -> None:
    with connect(port) as connection, pytest.raises(OSError, match=r"reset|pipe"):  # noqa: PT012 - until it is
        while True:
            connection.sendall(write())


@pytest.mark.parametrize("header", ["X-Nothing: here", "Connection: close"])
def test_who_reads_no_answer_does_not_keep_the_connection(port: int, header: str) -> None:
    with connect(port) as connection:
        connection.sendall(write(b'{"is": "large"}', header))
        time.sleep(3)  # before, nothing of it is read
        received = 0
        with suppress(ConnectionResetError):
            while chunk := connection.recv(1_000_000):
                received += len(chunk)
    assert received < LARGE


def test_no_longer_body_is_answered_than_is_accepted() -> None:
    settings = load_settings(max_body_bytes=1024)
    with serve_in_thread(Application(settings), PromptProtocol) as port:
        assert ask(port, write(KNOWN.ljust(1024))) == AT_ONCE
        assert ask(port, write(KNOWN.ljust(1025))) == ORDINARY


def test_a_connection_too_many_is_refused(application: Application) -> None:
    with serve_in_thread(application, PromptProtocol, limit_concurrency=2) as port:
        with connect(port):
            time.sleep(0.2)
            with connect(port) as connection:
                connection.sendall(write())
                assert connection.recv(1000).startswith(b"HTTP/1.1 503 ")
        wait_for(lambda: ask(port, write()) == AT_ONCE)
