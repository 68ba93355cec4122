"""Who is let in: basic authentication, a bearer token, or a secret in the path."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator
from contextlib import suppress

from prelabel.errors import UnauthorizedError
from prelabel.settings import Settings

OPEN_PATHS = frozenset({"/", "/health", "/livez"})
"""Label Studio's own health check and anybody's monitoring: they tell nothing."""


def read_secret(settings: Settings, path: str) -> str | None:
    """Return what comes after the secret in a path; None if the secret is not in it."""
    if settings.url_secret is None:
        return None
    first, slash, rest = path[1:].partition("/")
    secret = settings.url_secret.get_secret_value().encode()
    is_right = hmac.compare_digest(first.encode("utf-8", "surrogatepass"), secret)
    return slash + rest or "/" if is_right else None


def check_auth(settings: Settings, path: str, header: bytes | None) -> None:
    """Let a request in.

    Parameters
    ----------
    header
        The ``Authorization`` header as it came: any bytes.

    Raises
    ------
    UnauthorizedError
        If credentials are set and these are not they.
    """
    if not settings.is_guarded or path in OPEN_PATHS:
        return
    given = _split(header)
    # All are compared, so that the time tells nothing.
    if sum(hmac.compare_digest(given, wanted) for wanted in _accepted(settings)):
        return
    received = "no credentials" if header is None else "credentials that are not right"
    ways = list(_ways(settings))
    raise UnauthorizedError(
        f"Received {received}",
        expected=" or ".join(expected for expected, _ in ways),
        fix=" ".join(fix for _, fix in ways),
    )


def _ways(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each way in, and how to take it."""
    if settings.basic_auth_user is not None:
        yield (
            "HTTP basic authentication with this server's BASIC_AUTH_USER and _PASS",
            "Enter them in Label Studio's connection form. Webhooks carry none: let `prelabel "
            "connect` add them, or set LABEL_STUDIO_API_KEY, so that a webhook without makes "
            "this server pull the labels, or use the URL http://user:password@host:9090.",
        )
    if settings.url_secret is not None:
        yield (
            "the secret PRELABEL_URL_SECRET as the first part of the path",
            "In Label Studio, let the backend's URL be http://host:9090/<secret>.",
        )
    if settings.token is not None:
        yield (
            "the bearer token PRELABEL_TOKEN",
            "Programs send the header Authorization: Bearer <token>; Label Studio cannot.",
        )


def _accepted(settings: Settings) -> Iterator[bytes]:
    """Yield what may stand in the header, as `_split` gives it."""
    if settings.token is not None:
        yield b"bearer " + settings.token.get_secret_value().encode()
    if settings.basic_auth_user is not None and settings.basic_auth_pass is not None:
        password = settings.basic_auth_pass.get_secret_value()
        for spelling in _spellings(f"{settings.basic_auth_user}:{password}"):
            yield b"basic " + spelling


def _spellings(credentials: str) -> Iterator[bytes]:
    """Yield the bytes that may stand for credentials; RFC 7617, section 2.1, leaves it open."""
    yield credentials.encode()
    with suppress(UnicodeEncodeError):
        # python-requests, and so Label Studio (requests 2.32, auth.py, _basic_auth_str).
        yield credentials.encode("latin-1")


def _split(header: bytes | None) -> bytes:
    """Return a header's scheme in lower case, a space, and what it says in clear; empty if odd."""
    scheme, _, said = (header or b"").partition(b" ")
    scheme, said = scheme.lower(), said.strip()
    try:
        said = base64.b64decode(said, validate=True) if scheme == b"basic" else said
    except (binascii.Error, ValueError):
        return b""
    return scheme + b" " + said
