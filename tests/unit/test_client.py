from __future__ import annotations

import base64
import json
import pickle
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from prelabel.errors import ConfigError, UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.connections import ConnectionClient
from prelabel.types import ProjectKey

LEGACY = "0123456789abcdef0123456789abcdef01234567"
KEY = ProjectKey(7, 1795447612)
PROJECT = {"id": 7, "created_at": "2026-11-23T15:26:52.405302Z", "label_config": "<View/>"}


def make_jwt(**claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{payload}.c2lnbmF0dXJl"


PERSONAL = make_jwt(token_type="refresh", exp=9_999_999_999)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    authorization: str | None
    cookie: str | None
    body: bytes


@dataclass
class Reply:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    seconds_a_byte: float = 0.0

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answer = Callable[[Request], Reply]


class Server(ThreadingHTTPServer):
    """A Label Studio that answers what the test says, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.requests: list[Request] = []
        self.is_closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        authorization, cookie = self.headers.get("Authorization"), self.headers.get("Cookie")
        request = Request(self.command, parts.path, query, authorization, cookie, body)
        self.server.requests.append(request)
        reply = self.server.answer(request)
        self.server.is_closing.wait(reply.delay_seconds)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
            self.send_header(name, value)
        with suppress(ConnectionError):  # the client has hung up
            self.end_headers()
            self._drip(reply) if reply.seconds_a_byte else self.wfile.write(reply.content)

    def _drip(self, reply: Reply) -> None:
        for byte in reply.content:
            self.wfile.write(bytes([byte]))
            self.server.is_closing.wait(reply.seconds_a_byte)

    do_POST = do_PATCH = do_GET  # noqa: N815 (the standard library's names)

    def log_message(self, *args: object) -> None:
        pass


class Serve(Protocol):
    def __call__(self, *replies: Answer | Reply) -> Server: ...


class Connect(Protocol):
    def __call__(self, server: Server, key: str = LEGACY, **options: Any) -> LabelStudioClient: ...


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a server that gives each reply once, the last one for ever."""
    monkeypatch.setenv("NO_PROXY", "*")
    servers: list[Server] = []

    def start(*replies: Answer | Reply) -> Server:
        left = list(replies)

        def answer(request: Request) -> Reply:
            reply = left.pop(0) if len(left) > 1 else left[0]
            return reply if isinstance(reply, Reply) else reply(request)

        server = Server(answer)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.is_closing.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    def make(server: Server, key: str = LEGACY, **options: Any) -> LabelStudioClient:
        made = LabelStudioClient(server.url, key, **{"backoff_seconds": 0.001, **options})
        return entered.enter_context(made)

    with ExitStack() as entered:
        yield make


def exchanging(*, lifetime_seconds: float = 300, refuses: int = 0) -> Answer:
    """Answer like a Label Studio that takes personal access tokens.

    Every access token is another one; the first few are refused.
    """
    given: list[str] = []

    def answer(request: Request) -> Reply:
        if request.path == "/api/token/refresh":
            exp = time.time() + lifetime_seconds
            given.append(make_jwt(token_type="access", exp=exp, jti=len(given)))
            return Reply({"access": given[-1]})
        if request.authorization == f"Bearer {given[-1]}" and len(given) > refuses:
            return Reply(PROJECT)
        return Reply({"detail": "Authentication credentials were not provided."}, 401)

    return answer


def refusal_of(client: LabelStudioClient) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        client.project(7)
    return caught.value


# Keys


def test_a_legacy_token_is_sent_as_it_is(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(PROJECT))
    connect(server, LEGACY).project(7)
    assert [request.authorization for request in server.requests] == [f"Token {LEGACY}"]


def test_a_personal_access_token_is_exchanged_and_never_a_header(
    serve: Serve, connect: Connect
) -> None:
    server = serve(exchanging())
    client = connect(server, f"  {PERSONAL}\n")
    assert client.project(7) == client.project(7)
    assert server.paths() == ["/api/token/refresh", *["/api/projects/7/"] * 2]
    assert json.loads(server.requests[0].body) == {"refresh": PERSONAL}
    assert not any(PERSONAL in (request.authorization or "") for request in server.requests)


def test_an_access_token_about_to_expire_is_renewed(serve: Serve, connect: Connect) -> None:
    server = serve(exchanging(lifetime_seconds=10))
    client = connect(server, PERSONAL)
    client.project(7)
    client.project(7)
    assert server.paths().count("/api/token/refresh") == 2


def test_an_access_token_that_does_not_say_when_it_expires_is_kept(
    serve: Serve, connect: Connect
) -> None:
    server = serve(Reply({"access": "opaque"}), Reply(PROJECT))
    client = connect(server, PERSONAL)
    client.project(7)
    client.project(7)
    assert server.paths().count("/api/token/refresh") == 1


def test_a_refused_access_token_is_renewed_once(serve: Serve, connect: Connect) -> None:
    server = serve(exchanging(refuses=1))
    assert connect(server, PERSONAL).project(7).key == KEY
    assert server.paths() == ["/api/token/refresh", "/api/projects/7/"] * 2


def test_a_second_refusal_is_an_error(serve: Serve, connect: Connect) -> None:
    server = serve(exchanging(refuses=99))
    error = refusal_of(connect(server, PERSONAL))
    assert not error.retryable
    assert "401 to GET" in str(error)
    assert "with a personal access token: 'Authentication credentials" in str(error)
    assert server.paths() == ["/api/token/refresh", "/api/projects/7/"] * 2


def test_a_revoked_personal_access_token_is_explained(serve: Serve, connect: Connect) -> None:
    server = serve(Reply({"detail": "Token is blacklisted"}, 401))
    error = refusal_of(connect(server, PERSONAL))
    assert "'Token is blacklisted'" in str(error)
    assert "Account & Settings → Personal Access Token" in error.fix
    assert server.paths() == ["/api/token/refresh"]


def test_threads_share_one_access_token(serve: Serve, connect: Connect) -> None:
    server = serve(exchanging())
    client = connect(server, PERSONAL)
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        client.project(7)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for step in (threading.Thread.start, threading.Thread.join):
        for thread in threads:
            step(thread)
    assert sorted(server.paths()) == ["/api/projects/7/"] * 8 + ["/api/token/refresh"]


@pytest.mark.parametrize("claims", [{"token_type": "access"}, {"sub": "me"}])
def test_a_jwt_of_another_kind_is_refused_at_once(claims: dict[str, str]) -> None:
    key = make_jwt(**claims)
    with pytest.raises(ConfigError, match=r"is a JWT of type .* Personal Access Token") as caught:
        LabelStudioClient("http://localhost:8080", key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", ["", "  ", "two words", "a\nb", "schlüssel", "\x00"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_at_once(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LabelStudioClient("http://localhost:8080", key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize("key", ["a.b.c", "a.!!!.c", f"a.{base64.b64encode(b'[1]').decode()}.c"])
def test_what_is_no_jwt_counts_as_a_legacy_token(key: str) -> None:
    assert "legacy token" in repr(LabelStudioClient("http://localhost:8080", key))


def test_an_access_token_that_cannot_stand_in_a_header_is_not_quoted(
    serve: Serve, connect: Connect
) -> None:
    error = refusal_of(connect(serve(Reply({"access": "sec\nret"})), PERSONAL))
    assert not error.retryable
    assert "sec" not in str(error)


@pytest.mark.parametrize("key", [LEGACY, PERSONAL])
def test_no_message_shows_the_key(
    serve: Serve, connect: Connect, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    echo = serve(lambda request: Reply({"detail": f"{request.authorization} {key}"}, 401))
    client = connect(echo, key)
    error = refusal_of(client)
    for text in (str(error), repr(error), repr(client), caplog.text, str(error.__cause__)):
        assert key not in text


def test_a_refused_legacy_token_is_explained(serve: Serve, connect: Connect) -> None:
    reason = "legacy token authentication has been disabled for this organization"
    server = serve(Reply({"detail": reason}, 401))
    error = refusal_of(connect(server))
    assert not error.retryable
    assert f"asked with a legacy token: '{reason}'" in error.received
    assert "Make a personal access token" in error.fix
    assert "allow legacy tokens" in error.fix
    assert len(server.requests) == 1


# Where the key goes


@pytest.mark.parametrize("key", [LEGACY, PERSONAL])
def test_a_redirect_is_an_error_and_the_other_host_gets_nothing(
    serve: Serve, connect: Connect, key: str
) -> None:
    other = serve(Reply(PROJECT))
    server = serve(Reply(b"", 302, {"Location": f"{other.url}/elsewhere?secret=1"}))
    error = refusal_of(connect(server, key))
    assert other.requests == []
    assert not error.retryable
    assert f"redirects to {other.url}/elsewhere'" in error.received
    assert "LABEL_STUDIO_HOST" in error.fix


def test_a_path_prefix_is_kept(serve: Serve) -> None:
    server = serve(Reply(PROJECT))
    with LabelStudioClient(f"{server.url}/annotate/here/", LEGACY) as client:
        client.project(7)
    assert server.paths() == ["/annotate/here/api/projects/7/"]


def test_netrc_does_not_replace_the_key(
    serve: Serve, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = serve(Reply(PROJECT))
    connect(server).project(7)
    assert server.requests[0].authorization == f"Token {LEGACY}"


def test_cookies_are_not_kept(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(PROJECT, headers={"Set-Cookie": "sessionid=1; Path=/"}))
    client = connect(server)
    client.project(7)
    client.project(7)
    assert [request.cookie for request in server.requests] == [None, None]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "ftp://host",
        "http://",
        "http://me:pw@host",
        "http://h/?a=b",
        "http://host:port",
        "http://127.0.0.1:99999",
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="LABEL_STUDIO_HOST") as caught:
        LabelStudioClient(url, LEGACY)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://me:secret@proxy:1080",
        "gopher://me:secret@proxy:70",
        "http://[::1",
        "http://me:secret@proxy:65536",
        "proxy:0",
        "http://",
        "http://me:secret@proxy:-1",
    ],
)
def test_a_proxy_of_the_environment_that_cannot_be_used_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ConfigError, match="HTTP_PROXY") as caught:
        LabelStudioClient("http://label-studio.example", LEGACY)
    assert "secret" not in str(caught.value)


# TLS


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate with its key, and who says that it is right; files in PEM."""

    file: Path
    authority: Path

    def guard(self, server: Server) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        server.socket = context.wrap_socket(server.socket, server_side=True)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    authority = trustme.CA()
    made = Certificate(file=tmp_path / "server.pem", authority=tmp_path / "authority.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(made.file)
    authority.cert_pem.write_to_path(made.authority)
    return made


def connect_by_tls(server: Server, host: str = "127.0.0.1", **options: Any) -> LabelStudioClient:
    return LabelStudioClient(f"https://{host}:{server.server_port}", LEGACY, **options)


def test_an_authority_of_ones_own_is_trusted_if_it_is_named(
    serve: Serve, certificate: Certificate
) -> None:
    server = serve(Reply(PROJECT))
    certificate.guard(server)
    with connect_by_tls(server, ca_file=certificate.authority) as client:
        assert client.project(7).key == KEY


def test_a_certificate_nobody_knows_is_refused_at_once_and_the_setting_is_named(
    serve: Serve, certificate: Certificate
) -> None:
    server = serve(Reply(PROJECT))
    certificate.guard(server)
    with connect_by_tls(server, backoff_seconds=60) as client:
        error = refusal_of(client)
    assert not error.retryable
    assert "is not trusted (unable to get local issuer certificate)" in error.received
    assert "Set PRELABEL_CA_FILE to a file with the authority's certificate" in error.fix
    assert server.requests == []


def test_a_certificate_of_another_name_is_refused_and_the_host_is_named(
    serve: Serve, certificate: Certificate
) -> None:
    server = serve(Reply(PROJECT))
    certificate.guard(server)
    with connect_by_tls(server, "localhost", ca_file=certificate.authority) as client:
        error = refusal_of(client)
    assert not error.retryable
    assert "LABEL_STUDIO_HOST" in error.fix
    assert "PRELABEL_CA_FILE" not in error.fix
    assert server.requests == []


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_certificates_is_refused_at_once(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"PRELABEL_CA_FILE names .*authority\.pem"):
        LabelStudioClient("https://localhost", LEGACY, ca_file=file)


# Trying again


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_failure_that_passes_is_tried_again(serve: Serve, connect: Connect, status: int) -> None:
    server = serve(Reply(b"<html>", status), Reply(b"<html>", status), Reply(PROJECT))
    assert connect(server).project(7).key == KEY
    assert len(server.requests) == 3


def test_a_failing_token_exchange_is_tried_again(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(b"", 503), Reply({"access": "opaque"}), Reply(PROJECT))
    assert connect(server, PERSONAL).project(7).key == KEY
    assert len(server.requests) == 3


def test_a_failure_that_stays_is_a_retryable_error(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(b"<html>", 503))
    error = refusal_of(connect(server, attempts=3))
    assert error.retryable
    assert "503" in error.received
    assert error.__cause__ is not None
    assert len(server.requests) == 3
    assert pickle.loads(pickle.dumps(error)).retryable


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409])
def test_other_refusals_are_not_tried_again(serve: Serve, connect: Connect, status: int) -> None:
    server = serve(Reply({"detail": "No."}, status))
    error = refusal_of(connect(server))
    assert not error.retryable
    assert f"answered {status}" in error.received
    assert "'No.'" in error.received
    assert len(server.requests) == 1


@pytest.mark.parametrize("when", ["seconds", "date"])
def test_retry_after_is_waited_for(serve: Serve, connect: Connect, when: str) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=2)
    value = "1" if when == "seconds" else format_datetime(moment, usegmt=True)
    server = serve(Reply(b"", 429, {"Retry-After": value}), Reply(PROJECT))
    started = time.monotonic()
    connect(server).project(7)
    assert 0.9 < time.monotonic() - started < 5


@pytest.mark.parametrize("value", ["soon", "-5", "0", "Wed, 21 Oct 2015 07:28:00 -0000"])
def test_an_odd_retry_after_is_ignored(serve: Serve, connect: Connect, value: str) -> None:
    server = serve(Reply(b"", 503, {"Retry-After": value}), Reply(PROJECT))
    assert connect(server).project(7).key == KEY


def test_who_asks_for_a_wait_without_end_is_asked_again_some_day(
    serve: Serve, connect: Connect
) -> None:
    server = serve(Reply(b"", 503, {"Retry-After": "9" * 400}))
    error = refusal_of(connect(server))
    assert timedelta(minutes=10) < timedelta(seconds=error.retry_after_seconds) <= timedelta(days=1)


def test_who_asks_for_a_long_wait_is_not_asked_again(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(b"", 429, {"Retry-After": "300"}))
    error = refusal_of(connect(server))
    assert (error.retryable, error.retry_after_seconds) == (True, 300)
    assert pickle.loads(pickle.dumps(error)).retry_after_seconds == 300
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "attempts"), [(429, 3), (503, 1)])
def test_what_changes_something_is_sent_again_only_if_it_was_not_looked_at(
    serve: Serve, status: int, attempts: int
) -> None:
    server = serve(Reply(b"", status))
    with (
        ConnectionClient(server.url, LEGACY, attempts=3, backoff_seconds=0.001) as client,
        pytest.raises(UpstreamError),
    ):
        client.change_project(7, {"title": "a"})
    assert len(server.requests) == attempts


def test_a_timeout_is_tried_again(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(PROJECT, delay_seconds=0.5), Reply(PROJECT))
    assert connect(server, timeout_seconds=0.1).project(7).key == KEY
    assert len(server.requests) == 2


def test_an_answer_that_drips_ends_at_the_deadline(serve: Serve, connect: Connect) -> None:
    # Each byte comes in time, the answer never does: all of them take two minutes.
    server = serve(Reply(b"x" * 1200, seconds_a_byte=0.1))
    started = time.monotonic()
    error = refusal_of(connect(server, timeout_seconds=20, deadline_seconds=1, attempts=1))
    assert time.monotonic() - started < 20
    assert error.retryable
    assert "the answer was not whole in time" in error.received
    assert error.expected == "an answer within 1 s"


def test_the_deadline_is_for_all_attempts(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(b"", 503))
    started = time.monotonic()
    refusal_of(connect(server, attempts=10_000, deadline_seconds=1))
    assert time.monotonic() - started < 20
    assert 1 < len(server.requests) < 10_000


def test_a_page_that_takes_too_long_is_asked_for_in_smaller_ones(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = holding([*map(make_task, range(1, 31))])

    def answer(request: Request) -> Reply:
        slow = 60 if int(request.query["page_size"]) > 20 else 0
        return replace(tasks(request), delay_seconds=slow)

    server = serve(answer)
    client = connect(server, page_size=80, deadline_seconds=1, attempts=1)
    assert [len(page) for page in ids_of(client)] == [20, 10]
    assert "Pages of 20 tasks are asked for" in caplog.text
    assert sizes_asked(server) == [80, 20, 20, 20]


def sizes_asked(server: Server) -> list[int]:
    return [int(request.query["page_size"]) for request in server.requests]


def test_pages_grow_to_what_was_asked_for_where_tasks_are_small(
    serve: Serve, connect: Connect
) -> None:
    server = serve(holding([*map(make_task, range(1, 201))]))
    ids_of(connect(server, page_size=300))
    assert sizes_asked(server) == [100, 300, 300]


def test_pages_of_large_tasks_have_few(serve: Serve, connect: Connect) -> None:
    large = {"text": "x" * 200_000}
    server = serve(holding([make_task(number, data=large) for number in range(1, 41)]))
    assert sum(len(page) for page in ids_of(connect(server, page_size=1000))) == 40
    asked = sizes_asked(server)
    assert asked[0] == 100
    assert asked[1] == 19, "of 200 kB each, for a page of 4 MB"


def test_a_label_studio_that_is_always_slow_is_an_error(serve: Serve, connect: Connect) -> None:
    server = serve(Reply({"tasks": []}, delay_seconds=60))
    client = connect(server, page_size=40, deadline_seconds=0.3, attempts=1)
    with pytest.raises(UpstreamError):
        next(client.labeled_tasks(7))
    assert [request.query["page_size"] for request in server.requests] == ["40", "10"]


def test_a_host_that_cannot_be_reached_is_a_retryable_error(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(PROJECT))
    server.shutdown()
    server.server_close()
    error = refusal_of(connect(server, attempts=2))
    assert error.retryable
    assert server.url in error.received
    assert "LABEL_STUDIO_HOST" in error.fix
    assert error.__cause__ is not None


# Projects


def test_a_project_has_its_key_and_label_config(serve: Serve, connect: Connect) -> None:
    project = connect(serve(Reply(PROJECT))).project(7)
    assert project.key == ProjectKey.parse("7.1795447612")
    assert project.key == KEY
    assert project.label_config == "<View/>"


def test_a_missing_project_is_explained(serve: Serve, connect: Connect) -> None:
    server = serve(Reply({"detail": "No Project matches the given query."}, 404))
    error = refusal_of(connect(server))
    assert "/api/projects/7/" in error.received
    assert "No Project matches" in error.received
    assert "project's id" in error.fix


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b"",
        [],
        {},
        {**PROJECT, "created_at": "now"},
        {**PROJECT, "id": "x"},
    ],
)
def test_an_answer_that_is_no_project_is_an_error(
    serve: Serve, connect: Connect, body: object
) -> None:
    error = refusal_of(connect(serve(Reply(body))))
    assert not error.retryable
    assert "LABEL_STUDIO_HOST" in error.fix


# Labeled tasks


def make_task(number: int, **changes: Any) -> dict[str, Any]:
    region = {"from_name": "t", "to_name": "x", "type": "choices", "value": {"choices": ["a"]}}
    annotation = {
        "id": number * 10,
        "result": [region],
        "completed_by": 3,
        "was_cancelled": False,
        "ground_truth": True,
        "created_at": "2026-11-23T15:26:58.686505Z",
        "updated_at": "2026-11-23T15:27:58Z",
    }
    task = {"id": number, "data": {"text": f"text {number}"}, "annotations": [annotation]}
    return {**task, **changes}


def holding(tasks: list[dict[str, Any]]) -> Answer:
    """Answer like ``/api/tasks/`` of a Label Studio with these labeled tasks, 100 at most."""

    def answer(request: Request) -> Reply:
        filters = json.loads(request.query["query"])["filters"]["items"]
        after = {item["filter"]: item["value"] for item in filters}["filter:tasks:id"]
        left = [task for task in tasks if task["id"] > after]
        size = min(int(request.query["page_size"]), 100)
        return Reply({"tasks": left[:size], "total": len(left), "total_annotations": 0})

    return answer


def ids_of(client: LabelStudioClient) -> list[list[int]]:
    return [[task.id for task, _ in page.tasks] for page in client.labeled_tasks(7)]


def test_labeled_tasks_come_in_pages_with_their_annotations(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, (1, 2, 4, 5, 9))]))
    pages = [page.tasks for page in connect(server, page_size=2).labeled_tasks(7)]
    assert [[task.id for task, _ in page] for page in pages] == [[1, 2], [4, 5], [9]]
    first, [annotation] = pages[0][0]
    assert first.data == {"text": "text 1"}
    assert (annotation.id, annotation.task_id, annotation.completed_by) == (10, 1, 3)
    assert (annotation.ground_truth, annotation.was_cancelled) == (True, False)
    assert annotation.updated_at == datetime(2026, 11, 23, 15, 27, 58, tzinfo=UTC)
    assert annotation.regions[0].value == {"choices": ["a"]}


def test_a_page_tells_how_many_tasks_remain(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, range(1, 6))]))
    pages = connect(server, page_size=2).labeled_tasks(7)
    assert [page.remaining for page in pages] == [5, 3, 1]


def test_a_sync_that_goes_on_asks_for_what_changed_after_an_id(
    serve: Serve, connect: Connect
) -> None:
    server = serve(holding([]))
    since = datetime(2026, 11, 23, 15, 27, 58, 686505, tzinfo=UTC)
    list(connect(server).labeled_tasks(7, after_id=40, since=since))
    after, labeled, changed = filters_of(server.requests[0])
    assert (after["value"], labeled["value"]) == (40, 0)
    assert changed == {
        "filter": "filter:tasks:updated_at",
        "type": "Datetime",
        "operator": "greater",
        "value": "2026-11-23T15:27:58.686505Z",
    }


def filters_of(request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(request.query["query"])["filters"]["items"]
    return found


def test_a_summary_counts_what_is_labeled_and_dates_the_last_change(
    serve: Serve, connect: Connect
) -> None:
    newest = {"id": 5, "updated_at": "2026-11-23T15:27:58.686505Z"}
    server = serve(Reply({"tasks": [newest], "total": 4, "total_annotations": 6}))
    summary = connect(server).summary(7)
    assert (summary.tasks, summary.annotations) == (4, 6)
    assert summary.newest == datetime(2026, 11, 23, 15, 27, 58, 686505, tzinfo=UTC)
    query = json.loads(server.requests[0].query["query"])
    assert query["ordering"] == ["-tasks:updated_at"]
    assert server.requests[0].query["page_size"] == "1"


def test_a_summary_of_nothing_has_no_date(serve: Serve, connect: Connect) -> None:
    assert connect(serve(Reply({"tasks": [], "total": 0}))).summary(7).newest is None


def test_annotations_are_counted_page_by_page(serve: Serve, connect: Connect) -> None:
    pages = [[(1, 2), (3, 1)], [(9, 1)], []]
    server = serve(
        *(
            Reply({"tasks": [{"id": id_, "total_annotations": n} for id_, n in page]})
            for page in pages
        )
    )
    assert list(connect(server).annotation_counts(7)) == [{1: 2, 3: 1}, {9: 1}]
    assert [filters_of(request)[0]["value"] for request in server.requests] == [0, 3, 9]
    assert server.requests[0].query["include"] == "id,total_annotations"


@pytest.mark.parametrize(
    "tasks",
    [
        [{"id": 2, "total_annotations": 1}, {"id": 2, "total_annotations": 1}],
        [{"id": "x", "total_annotations": 1}],
        [{"id": 5}],
        [7],
    ],
)
def test_counts_that_cannot_be_trusted_are_an_error(
    serve: Serve, connect: Connect, tasks: list[Any]
) -> None:
    # What is left out of the counts would be taken for deleted.
    with pytest.raises(UpstreamError, match="after task"):
        list(connect(serve(Reply({"tasks": tasks}))).annotation_counts(7))


def test_chosen_tasks_are_asked_for_a_hundred_at_a_time(serve: Serve, connect: Connect) -> None:
    def answer(request: Request) -> Reply:
        ids = json.loads(request.query["query"])["selectedItems"]["included"]
        return Reply({"tasks": [make_task(id_) for id_ in ids]})

    server = serve(answer)
    found = [len(tasks) for tasks in connect(server).labeled_tasks_of(7, range(1, 251))]
    assert found == [100, 100, 50]
    assert [request.query["page_size"] for request in server.requests] == ["100", "100", "50"]


def test_unlabeled_tasks_come_in_pages_without_annotations(serve: Serve, connect: Connect) -> None:
    odd = {"id": 9, "data": None}
    server = serve(holding([*map(make_task, (1, 2, 4)), odd]))
    pages = [*connect(server, page_size=2).unlabeled_tasks(7, 50)]
    assert [[task.id for task in page] for page in pages[:2]] == [[1, 2], [4, 9]]
    assert [task.data for task in pages[1]] == [{"text": "text 4"}, {}]
    assert {request.query["include"] for request in server.requests} == {"id,data,updated_at"}


def test_no_more_unlabeled_tasks_are_read_than_are_wanted(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, range(1, 10))]))
    pages = connect(server, page_size=2).unlabeled_tasks(7, 3)
    assert [[task.id for task in page] for page in pages] == [[1, 2], [3]]
    assert len(server.requests) == 2


def test_unlabeled_tasks_with_long_texts_come_a_few_at_a_time(
    serve: Serve, connect: Connect
) -> None:
    large = {"text": "x" * 200_000}
    server = serve(holding([make_task(number, data=large) for number in range(1, 41)]))
    pages = connect(server, page_size=1000).unlabeled_tasks(7, 5000)
    assert sum(len(page) for page in pages) == 40
    assert sizes_asked(server)[:2] == [100, 19], "of 200 kB each, for a page of 4 MB"


def test_a_page_continues_after_the_last_id(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, (1, 2, 4))]))
    ids_of(connect(server, page_size=2))
    queries = [json.loads(request.query["query"]) for request in server.requests]
    bounds = [[item["value"] for item in query["filters"]["items"]] for query in queries]
    assert bounds == [[0, 0], [2, 0], [4, 0]]
    assert {item["operator"] for item in queries[0]["filters"]["items"]} == {"greater"}
    assert queries[0]["filters"]["conjunction"] == "and"
    assert queries[0]["ordering"] == ["tasks:id"]
    assert [request.query["page"] for request in server.requests] == ["1"] * 3
    assert server.requests[0].query["fields"] == "all"


def test_a_page_is_asked_for_when_it_is_wanted(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, range(1, 7))]))
    pages = connect(server, page_size=2).labeled_tasks(7)
    assert len(server.requests) == 0
    next(pages)
    assert len(server.requests) == 1
    next(pages)
    assert len(server.requests) == 2


def test_a_server_may_give_smaller_pages_than_asked_for(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, range(1, 251))]))
    assert [len(page) for page in ids_of(connect(server, page_size=1000))] == [100, 100, 50]


def test_a_page_cut_off_by_a_count_too_low_is_not_the_last(serve: Serve, connect: Connect) -> None:
    cut_off = Reply({"tasks": [make_task(1), make_task(2)], "total": 2})
    server = serve(cut_off, holding([make_task(3)]))
    assert ids_of(connect(server)) == [[1, 2], [3]]


def test_a_task_deleted_between_pages_hides_no_other(serve: Serve, connect: Connect) -> None:
    tasks = list(map(make_task, range(1, 7)))
    server = serve(holding(tasks))
    pages = connect(server, page_size=3).labeled_tasks(7)
    next(pages)
    del tasks[:3]
    assert [task.id for task, _ in next(pages).tasks] == [4, 5, 6]


def test_a_project_without_labels_has_no_pages(serve: Serve, connect: Connect) -> None:
    assert ids_of(connect(serve(holding([])))) == []


@pytest.mark.parametrize("odd", [5, None, {"data": {}}, {"id": "secret"}, {"id": True}, {"id": -1}])
def test_a_task_that_cannot_be_read_is_left_out(
    serve: Serve, connect: Connect, odd: object, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(Reply({"tasks": [make_task(1), odd, make_task(3)]}), Reply({"tasks": []}))
    assert ids_of(connect(server)) == [[1, 3]]
    assert "after task 1" in caplog.text
    assert "secret" not in caplog.text


def test_a_task_without_a_list_of_annotations_is_left_out(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(holding([make_task(1, annotations="secret"), make_task(2), make_task(3)]))
    assert ids_of(connect(server, page_size=1)) == [[2], [3]]
    assert "task 1" in caplog.text
    assert "secret" not in caplog.text


def test_an_annotation_that_cannot_be_read_is_left_out(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    odd = [1, {"id": None}, {"id": "secret"}, {"id": 5, "result": "odd", "completed_by": {}}]
    server = serve(holding([make_task(1, annotations=odd)]))
    [(_, annotations)] = next(connect(server).labeled_tasks(7)).tasks
    assert [(annotation.id, annotation.regions) for annotation in annotations] == [(5, ())]
    assert "task 1" in caplog.text
    assert "secret" not in caplog.text


def test_data_that_is_no_object_counts_as_empty(serve: Serve, connect: Connect) -> None:
    client = connect(serve(holding([make_task(1, data="odd")])))
    [(task, _)] = next(client.labeled_tasks(7)).tasks
    assert task.data == {}


@pytest.mark.parametrize("tasks", [[make_task(2), make_task(1)], [make_task(1)] * 2, [None, None]])
def test_a_server_that_pages_otherwise_is_an_error(
    serve: Serve, connect: Connect, tasks: list[Any]
) -> None:
    with pytest.raises(UpstreamError, match="order") as caught:
        ids_of(connect(serve(Reply({"tasks": tasks}))))
    assert not caught.value.retryable


def test_a_server_that_ignores_the_filter_is_an_error(serve: Serve, connect: Connect) -> None:
    server = serve(Reply({"tasks": [make_task(1), make_task(2)]}))
    with pytest.raises(UpstreamError, match="task 1 after task 2"):
        ids_of(connect(server))


def test_half_a_surrogate_pair_in_a_text_spoils_nothing(serve: Serve, connect: Connect) -> None:
    server = serve(holding([make_task(1, data={"text": "\ud83d!"})]))
    [(task, _)] = next(connect(server).labeled_tasks(7)).tasks
    assert task.data == {"text": "?!"}
