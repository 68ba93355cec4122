"""The key: what is sent for it, how it is renewed, and that nobody is shown it."""

from __future__ import annotations

import base64
import json
import threading

import pytest

from prelabel.errors import ConfigError
from prelabel.label_studio.client import LabelStudioClient
from tests.label_studio import (
    KEY,
    LEGACY,
    PERSONAL,
    PROJECT,
    Connect,
    Reply,
    Serve,
    exchanging,
    make_jwt,
    refusal_of,
)


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
