from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import UnauthorizedError
from prelabel.server.auth import check_auth, read_secret
from prelabel.settings import Settings, load_settings

TOKEN, SECRET = "a-token.of+many/letters=", "a-secret_of-many-letters"


def guarded(url_secret: str | None = None) -> Settings:
    return load_settings(
        basic_auth_user="ann", basic_auth_pass="pässword", token=TOKEN, url_secret=url_secret
    )


def basic(credentials: bytes) -> bytes:
    return b"Basic " + base64.b64encode(credentials)


def lets_in(settings: Settings, header: bytes | None, path: str = "/metrics") -> bool:
    try:
        check_auth(settings, path, header)
    except UnauthorizedError:
        return False
    return True


@pytest.mark.parametrize(
    "header",
    [
        basic("ann:pässword".encode()),
        basic("ann:pässword".encode("latin-1")),
        f"Bearer {TOKEN}".encode(),
        f"bEARER  {TOKEN} ".encode(),
    ],
)
def test_either_kind_of_credentials_lets_in(header: bytes) -> None:
    assert lets_in(guarded(), header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"Bearer",
        b"Bearer ",
        f"Bearer {TOKEN}x".encode(),
        f"Bearer {TOKEN[:-1]}".encode(),
        f"Basic {TOKEN}".encode(),
        TOKEN.encode(),
        basic(f"bearer {TOKEN}".encode()),
        b"Bearer ann:p\xc3\xa4ssword",
        basic(b"ann:"),
        basic(b":"),
    ],
)
def test_no_other_credentials_let_anybody_in(header: bytes | None) -> None:
    assert not lets_in(guarded(), header)


@given(st.binary(max_size=80))
def test_no_bytes_are_a_crash_and_none_get_in(header: bytes) -> None:
    settings = guarded(url_secret=SECRET)
    for sent in (header, b"Basic " + header, b"Bearer " + header, basic(header)):
        assert not lets_in(settings, sent)


@given(st.text(st.characters(codec=None), max_size=60))
def test_no_path_without_the_secret_is_taken_for_one_with_it(path: str) -> None:
    settings = load_settings(url_secret=SECRET)
    assert read_secret(settings, f"/{path}") is None
    assert read_secret(settings, f"/{SECRET}/{path}") == f"/{path}"


def test_the_refusal_names_each_way_in_and_no_secret() -> None:
    settings = guarded(url_secret=SECRET)
    with pytest.raises(UnauthorizedError) as caught:
        check_auth(settings, "/predict", None)
    message = str(caught.value)
    assert all(n in message for n in ("BASIC_AUTH_USER", "PRELABEL_TOKEN", "PRELABEL_URL_SECRET"))
    assert not [secret for secret in (TOKEN, SECRET, "pässword") if secret in message]


def test_without_credentials_set_everybody_is_let_in() -> None:
    assert lets_in(load_settings(), None)


def test_monitoring_is_open_and_a_token_alone_guards_the_rest() -> None:
    settings = load_settings(token=TOKEN)
    assert [lets_in(settings, None, path) for path in ("/", "/health", "/livez")] == [True] * 3
    assert not lets_in(settings, None, "/setup")
    assert lets_in(settings, f"Bearer {TOKEN}".encode(), "/setup")
