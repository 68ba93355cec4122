"""Requests to Label Studio: where they go, whom they trust, when they are made again."""

from __future__ import annotations

import pickle
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from prelabel.errors import ConfigError, UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.connections import ConnectionClient
from prelabel.label_studio.refusals import read_retry_after
from tests.label_studio import (
    KEY,
    LEGACY,
    PERSONAL,
    PROJECT,
    Connect,
    Reply,
    Serve,
    Server,
    refusal_of,
)

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


@pytest.mark.parametrize(
    ("body", "fix"), [({"detail": "No."}, "Correct what it objects to."), (b"", "Check LABEL_STU")]
)
def test_a_refusal_with_a_reason_is_not_blamed_on_the_address(
    serve: Serve, connect: Connect, body: object, fix: str
) -> None:
    assert fix in refusal_of(connect(serve(Reply(body, 400)))).fix


@pytest.mark.parametrize("when", ["seconds", "date"])
def test_a_wait_that_ends_after_the_deadline_is_not_begun(
    serve: Serve, connect: Connect, when: str
) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=20)
    value = "20" if when == "seconds" else format_datetime(moment, usegmt=True)
    server = serve(Reply(b"", 429, {"Retry-After": value}), Reply(PROJECT))
    error = refusal_of(connect(server, deadline_seconds=5))
    assert 5 < error.retry_after_seconds <= 20
    assert len(server.requests) == 1


@pytest.mark.parametrize("value", ["soon", "-5", "0", "Wed, 21 Oct 2015 07:28:00 -0000"])
def test_an_odd_retry_after_is_ignored(serve: Serve, connect: Connect, value: str) -> None:
    server = serve(Reply(b"", 503, {"Retry-After": value}), Reply(PROJECT))
    assert connect(server).project(7).key == KEY


def test_a_wait_until_a_date_gone_by_is_none() -> None:
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


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
    error = refusal_of(connect(server, timeout_seconds=20, deadline_seconds=1, attempts=1))
    assert error.retryable
    assert "the answer was not whole in time" in error.received
    assert error.expected == "an answer within 1 s"


def test_the_deadline_is_for_all_attempts(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(b"", 503))
    refusal_of(connect(server, attempts=10_000, deadline_seconds=1))
    assert 1 < len(server.requests) < 10_000


def test_a_host_that_cannot_be_reached_is_a_retryable_error(serve: Serve, connect: Connect) -> None:
    server = serve(Reply(PROJECT))
    server.shutdown()
    server.server_close()
    error = refusal_of(connect(server, attempts=2))
    assert error.retryable
    assert server.url in error.received
    assert "LABEL_STUDIO_HOST" in error.fix
    assert error.__cause__ is not None
